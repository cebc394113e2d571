"""A sheet of frames: a video at one glance, for the README and for looking at results."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av

from pipeline import ffmpeg
from pipeline.media import open_local
from pipeline.workspace import write_atomic

WIDTH = 240  # pixels of one frame
GAP = 6


def frame_sheet(video: Path, out: Path, columns: int = 6, rows: int = 1) -> None:
    """columns × rows frames of the video, evenly spread, as a JPEG, or as a PNG where `out` is called so."""
    count = columns * rows
    with open_local(video) as container:
        duration_s = (container.duration or 0) / av.time_base
    with tempfile.TemporaryDirectory(prefix="vigentd-sheet-") as folder:
        frames = ffmpeg.source(video).video.filter("fps", f"{count}/{duration_s:.3f}", round="near")
        small = frames.filter("scale", WIDTH, -2, flags="lanczos")
        tiled = small.filter("tile", f"{columns}x{rows}", nb_frames=count, padding=GAP, color="white")
        sheet = Path(folder) / f"sheet{'.png' if out.suffix.lower() == '.png' else '.jpg'}"
        command = tiled.output(str(sheet), vframes=1, update=1, **{"q:v": 3})
        ffmpeg.run(command.get_args(), doing="drawing the sheet of frames")
        write_atomic(out, sheet.read_bytes())
