"""`vigentd bench draft`: how long a second of video takes, stage by stage, and how much memory.

Each video is made by `vigentd submit --wait` in a process of its own with a data folder of its own, as
a person would; this process only looks on, so that its own memory and imports are not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daemon.benches.processes import family, rss
from daemon.commands.terminal import duration, tell
from daemon.config_file import Loaded
from daemon.folders import absolute

SIZE = (1080, 1920)
SAMPLE_EVERY_S = 0.05
# About ten seconds when the draft voice reads it; the script is cut where the video is long enough.
SENTENCES = (
    "Every morning we look at what changed overnight and pick the 3 stories that matter.",
    "Today a small team made a big model run on a very small machine.",
)
SPOKEN_CHARACTERS_PER_S = 14.5  # by the draft voice, pauses included; only the target is rough


@dataclass(frozen=True)
class Result:
    """One video. factor: seconds of work for a second of video. peak_rss_mb: of all its processes."""

    video_s: float
    wall_s: float
    factor: float
    peak_rss_mb: float
    stages: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(loaded: Loaded, clip: Path | None, lengths: Sequence[int]) -> list[Result]:
    """A video of about each length, in seconds, at 1080x1920 (or from the clip)."""
    with tempfile.TemporaryDirectory(prefix="vigentd-bench-") as name:
        folder = Path(name)
        if clip is None:
            from daemon.demo import clip as portrait

            tell("Making the clip …")
            clip = portrait(loaded.config.data_dir / "cache", SIZE)
        clip = absolute(clip)
        return [_video(folder / f"{length}s", clip, length, loaded.file) for length in lengths]


def report(results: Sequence[Result]) -> None:
    """For a person: one row for each video."""
    from rich.table import Table

    from daemon.commands.terminal import console

    stages = list(dict.fromkeys(stage for result in results for stage in result.stages))
    table = Table(box=None, pad_edge=False)
    for heading in ("video", "work", "× video", "peak memory", *stages):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            f"{result.video_s:.1f} s",
            result.error or duration(result.wall_s),
            f"{result.factor:.2f}",
            f"{result.peak_rss_mb:.0f} MB",
            *(f"{result.stages.get(stage, 0):.1f} s" for stage in stages),
        )
    console().print(table)


def script_of(length_s: float) -> str:
    """Text that takes about this long to say."""
    text: list[str] = []
    while sum(map(len, text)) < length_s * SPOKEN_CHARACTERS_PER_S:
        text.append(SENTENCES[len(text) % len(SENTENCES)])
    return " ".join(text)


def _video(folder: Path, clip: Path, length: int, config: Path | None) -> Result:
    folder.mkdir()
    script, out = folder / "script.txt", folder / "out.mp4"
    script.write_text(script_of(length), "utf-8")
    tell(f"Making a video of about {length} s …")
    command = [sys.executable, "-m", "daemon.cli", *(["--config", str(config)] if config else [])]
    command += ["submit", "--script", str(script), "--clip", str(clip)]
    command += ["--title", "Bench", "--music", "calm", "--out", str(out), "--wait", "--json"]
    environment = os.environ | {"VIGENTD_DATA_DIR": str(folder / "data"), "VIGENTD_INBOX": "[]"}
    began = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            peak = _peak_rss(process)
        finally:
            process.terminate()
        said = process.communicate()[0]
    wall = time.monotonic() - began
    job: dict[str, Any] = (
        json.loads(said) if said else {"error": {"message": f"exit status {process.returncode}"}}
    )
    if job["error"]:
        return Result(0.0, wall, 0.0, peak / 1e6, error=job["error"]["message"])
    video_s = _seconds(out)
    return Result(video_s, wall, wall / video_s, peak / 1e6, job["timings"])


def _peak_rss(process: subprocess.Popen[bytes]) -> int:
    """The most resident memory, in bytes, that the process and its descendants had together.

    Shared pages count once for each process, so the truth is a little lower.
    """
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(rss(pid) for pid in family(process.pid)))
        time.sleep(SAMPLE_EVERY_S)
    return peak


def _seconds(video: Path) -> float:
    import av

    with av.open(str(video)) as container:
        return float(container.duration or 0) / av.time_base
