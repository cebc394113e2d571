"""The cover picture: one good moment near the beginning of the finished video."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from models.progress import Progress
from pipeline import ffmpeg

_BEGIN_S, _LENGTH_S = 0.8, 1.4  # the title stands by then, and the presenter has begun to speak
_PER_SECOND = 6


def make_cover(video: Path, duration_s: float, out: Path, progress: Progress) -> None:
    """Write the sharpest of some frames around 1.5 s to `out` as JPEG, as it is shown (square pixels)."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="cover-") as scratch:
        begin, length = (_BEGIN_S, _LENGTH_S) if duration_s > _BEGIN_S + 0.5 else (0.0, duration_s)
        pictures = ffmpeg.source(video, ss=begin, t=length).video
        pictures = pictures.filter("fps", _PER_SECOND, round="up")
        # JPEG has one matrix and one range, whatever the video's.
        pictures = pictures.filter(
            "scale", "trunc(iw*sar/2)*2", "ih", out_color_matrix="bt601", out_range="pc", flags="lanczos"
        ).filter("format", "yuvj420p")
        names = str((Path(scratch) / "%03d.jpg").absolute())
        command = pictures.filter("setsar", 1).output(names, format="image2", **{"q:v": 2})
        ffmpeg.run(command.get_args(), doing="making the cover", progress=progress, total_s=length)
        shutil.move(max(sorted(Path(scratch).iterdir()), key=_goodness), out)


def _goodness(path: Path) -> float:
    """Detail: open eyes have more of it than closed ones, a still head more than a moving one, black none."""
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), dtype=np.float32)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())
