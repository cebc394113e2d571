"""A result, ready to be sent: what a client wants to know of it before it plays, and its sound alone."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame
from PIL import Image

from handlers.telegram.door.sound import write_m4a
from models.errors import StageFailed
from models.progress import Progress
from pipeline import ffmpeg
from pipeline.media import main_video, open_local
from pipeline.workspace import write_atomic

THUMBNAIL_SIDE, THUMBNAIL_BYTES = 320, 200_000  # Telegram's
QUALITIES = (85, 70, 50, 30)


def facts(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"video": path, "cover": path or null, "thumbnail": path of the small picture to write}.

    Returns {"width", "height": pixels as they are shown, "seconds", "size": bytes}. Raises StageFailed.
    """
    video = Path(asked["video"])
    try:
        with open_local(video) as container:
            stream = main_video(container)
            assert stream is not None, "a result has pictures"
            seconds = (container.duration or 0) / av.time_base
            width = round(stream.width * (stream.sample_aspect_ratio or Fraction(1)))
            shape = (width, stream.height)
            cover = _cover(asked["cover"]) or _picture(next(container.decode(stream)))
    except (av.error.FFmpegError, StopIteration) as e:
        raise StageFailed("The finished video cannot be read", code="result_unreadable") from e
    write_atomic(_made(asked["thumbnail"]), thumbnail(cover, shape))
    return {"width": shape[0], "height": shape[1], "seconds": seconds, "size": video.stat().st_size}


def thumbnail(picture: Image.Image, shape: tuple[int, int]) -> bytes:
    """A JPEG as Telegram wants it, with the proportions of the video. shape: width, height."""
    scale = THUMBNAIL_SIDE / max(shape)
    size = (max(round(shape[0] * scale), 1), max(round(shape[1] * scale), 1))
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    jpeg = b""
    for quality in QUALITIES:
        written = io.BytesIO()
        small.save(written, "JPEG", quality=quality)
        jpeg = written.getvalue()
        if len(jpeg) < THUMBNAIL_BYTES:
            break
    return jpeg


def audio(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"video", "out": paths}. Its sound, bit for bit. Returns {"seconds"}."""
    video = Path(asked["video"])
    with open_local(video) as container:
        seconds = (container.duration or 0) / av.time_base
    sound = ffmpeg.source(video).audio
    write_m4a(sound, _made(asked["out"]), "taking the sound", progress, seconds, acodec="copy")
    return {"seconds": seconds}


def _picture(frame: VideoFrame) -> Image.Image:
    return Image.fromarray(frame.to_ndarray(format="rgb24"))


def _cover(path: str | None) -> Image.Image | None:
    """None: there is none, or it cannot be read."""
    if path is None:
        return None
    try:
        with Image.open(path) as cover:
            return cover.convert("RGB")
    except OSError:
        return None


def _made(path: str) -> Path:
    """The path, in a folder that is there."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)
