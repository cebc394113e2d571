"""Small real clips for tests, made by the real ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
from imageio_ffmpeg import get_ffmpeg_exe

QUICK = ["-c:v", "libx264", "-preset", "ultrafast"]  # for clips whose making is not what is tested
PATTERN = ["-f", "lavfi", "-i", "testsrc2=s={size}:r={rate}:d={seconds}"]


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Runs it and returns stdout; a failure fails the test with ffmpeg's own words."""
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if stdin is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def pattern(
    path: Path,
    *options: str,
    size: str = "160x284",
    rate: str = "25",
    seconds: float = 2,
    codec: str = "x264",
) -> Path:
    """A moving test pattern; options come before the output's name."""
    source = [part.format(size=size, rate=rate, seconds=seconds) for part in PATTERN]
    encode = [*QUICK, "-crf", "10"] if codec == "x264" else []
    ffmpeg(*source, *encode, *options, path)
    return path


def decoded(path: Path, width: int, height: int, *filters: str) -> npt.NDArray[np.uint8]:
    """(n, height, width, 3) RGB as the ffmpeg program shows it: the judge of our own reader."""
    chain = ",".join([*filters, "format=rgb24"])
    raw = ffmpeg("-i", path, "-vf", chain, "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def psnr(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))
