"""The demo's material: a face that everybody may use, gently moved, and a short script.

The face is NASA's portrait of Eileen Collins, in the public domain, which scikit-image's wheel brings
as `skimage.data.astronaut`. A still would do, but a moving clip shows that the mouth follows the head.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from daemon.admission import Request
from daemon.config import Config
from models.engine import Picture
from models.progress import Quiet
from pipeline import ffmpeg
from pipeline.workspace import sync_folder

VERSION = 1  # of the clip: to be raised with every change of how it is made, for it is kept
FPS = 25
SECONDS = 8
PORTRAIT = (720, 1280)

# The portrait's head touches the upper edge; this many rows of backdrop are painted above it, so that
# a title has a place.
HEADROOM = 110
HEAD = (140, 312)  # the columns of the portrait that the hair takes up at the top
# What is shown, in pixels of the portrait with its headroom: where its middle is, and how wide it is.
CENTRE = (224.0, 272.0)
WIDTH = 286.0
UPSCALE = 3  # enlarged once with a good filter; the movement then only shrinks it a little

SCRIPTS = {
    "en": (
        "Meet vigentd",
        "Hello! I am a portrait from 1992, and nobody recorded me saying this. "
        "Give vigentd a script and a clip of yourself, and it makes the video: "
        "voice, lips, subtitles and music, in 1 command.",
    ),
    "zh": (
        "你好，vigentd",
        "大家好！我是一张1992年的照片，这段话从来没有人录过。给 vigentd 一段文字和一段视频，"
        "配音、口型、字幕和音乐，一条命令就全部完成。",
    ),
}


def request(config: Config, out: Path, language: Literal["en", "zh"] = "en") -> Request:
    """What `vigentd demo` submits. Makes the clip when it is not there yet."""
    title, script = SCRIPTS[language]
    options = {"title": title, "music": "calm", "language": language}
    return Request(clip(config.data_dir / "cache"), script.encode(), out=out, options=options)


def clip(folder: Path, size: tuple[int, int] = PORTRAIT, seconds: float = SECONDS) -> Path:
    """An mp4 of the moving portrait, `size` = (width, height) pixels at 25 fps; kept for the next time."""
    width, height = size
    path = folder / f"portrait-v{VERSION}-{width}x{height}-{seconds:g}s.mp4"
    if path.exists():
        return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.mp4")
    total = round(seconds * FPS)
    raw = ffmpeg.source("pipe:0", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=FPS)
    video = raw.filter("scale", out_color_matrix="bt709", out_range="tv").output(
        str(part), vcodec="libx264", preset="veryfast", crf=16, pix_fmt="yuv420p", colorspace="bt709",
        color_primaries="bt709", color_trc="bt709", movflags="+faststart",
    )  # fmt: skip
    try:
        pictures = _pictures(size, total)
        ffmpeg.encode(
            video.get_args(), pictures, doing="making the demo's clip", progress=Quiet(), total=total
        )
        with part.open("rb") as made:
            os.fsync(made.fileno())  # before it has its name, or a power cut could leave an empty clip there
        part.replace(path)
        sync_folder(folder)
    finally:
        part.unlink(missing_ok=True)
    return path


def _pictures(size: tuple[int, int], total: int) -> Iterator[Picture]:
    import cv2

    still = _portrait()
    width, height = still.shape[1] * UPSCALE, still.shape[0] * UPSCALE
    large = cv2.resize(still, (width, height), interpolation=cv2.INTER_LANCZOS4)
    large = cv2.addWeighted(large, 1.5, cv2.GaussianBlur(large, (0, 0), 1.6), -0.5, 0)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    for number in range(total):
        view = _view(number / FPS, size)
        moved = cv2.warpAffine(large, view, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(moved, np.uint8)


def _portrait() -> Picture:
    """(510 + HEADROOM, 512, 3): the portrait with some more of its mottled backdrop above the head.

    The rows at the top are mirrored upwards; where they show hair, the backdrop left and right of it is
    blended across. Towards the seam the colours run into those of the real first row.
    """
    import cv2
    from skimage.data import astronaut

    still: Picture = astronaut()[2:]  # type: ignore[no-untyped-call]  # the scan's first rows are its edge
    above = still[HEADROOM:0:-1].astype(np.float32)
    left, right = above[:, HEAD[0] - 12 : HEAD[0]].mean(1), above[:, HEAD[1] : HEAD[1] + 12].mean(1)
    across = np.linspace(0, 1, HEAD[1] - HEAD[0], dtype=np.float32)[None, :, None]
    above[:, HEAD[0] : HEAD[1]] = left[:, None] * (1 - across) + right[:, None] * across
    above = np.asarray(cv2.GaussianBlur(above, (0, 0), 5), np.float32)
    seam = cv2.GaussianBlur(still[:6].astype(np.float32).mean(0, keepdims=True) - above[-1:], (0, 0), 4)
    above += seam * np.exp(-np.arange(HEADROOM, 0, -1, dtype=np.float32) / 30)[:, None, None]
    above += np.random.default_rng(0).normal(0, 1.2, above.shape)  # the grain of the film
    return np.concatenate([np.clip(above, 0, 255).astype(np.uint8), still])


def _view(t: float, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(2, 3), where output pixels lie in the enlarged portrait at t seconds: the camera drifts, nears and
    tilts, slowly and never in step, as if held by a calm hand."""
    x = CENTRE[0] + 4.0 * math.sin(2 * math.pi * t / 7.3) + 1.2 * math.sin(2 * math.pi * t / 3.1 + 1)
    y = CENTRE[1] + 2.5 * math.sin(2 * math.pi * t / 5.9 + 2) + 0.8 * math.sin(2 * math.pi * t / 2.7)
    zoom = 1.0 + 0.015 * (1 - math.cos(2 * math.pi * t / 9.0))
    angle = math.radians(0.7) * math.sin(2 * math.pi * t / 6.4 + 0.5)
    scale = WIDTH / size[0] / zoom * UPSCALE
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    middle_x, middle_y = size[0] / 2, size[1] / 2
    return np.array(
        [
            [a, -b, x * UPSCALE - a * middle_x + b * middle_y],
            [b, a, y * UPSCALE - b * middle_x - a * middle_y],
        ]
    )
