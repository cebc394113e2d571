"""A copy of a result that is small enough for Telegram.

The rate follows from the length, and the picture is made smaller only as far as that rate needs it. What the
encoder really wrote is measured; a copy that is too large is made again with less.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg as graph

from handlers.telegram.door.written import whole
from models.errors import BadInput, StageFailed
from models.progress import Progress, Share
from pipeline import ffmpeg, label
from pipeline.media import main_video, open_local

MARGIN = 0.96  # of the limit is aimed at
OVERHEAD = 6_000  # bits a second that an mp4 takes to say where everything is
AUDIO_RATES = (128_000, 64_000, 32_000)  # the first that is not more than a fifth of the whole
LEAST_VIDEO = 45_000  # bits a second; below, nobody would know the presenter
BITS_PER_PIXEL = 0.05  # with less, a smaller picture looks better than a large one
SMALLEST_SIDE = 180  # pixels
CRF = 20  # a video for which the rate is plenty gets no more than it needs
TRIES, AGAIN = 4, 0.95  # each with so much of what would have been right


@dataclass(frozen=True)
class Shape:
    """Of the result. width, height: stored pixels; aspect: width of a pixel / its height; fps: pictures a
    second."""

    width: int
    height: int
    aspect: Fraction
    fps: float
    seconds: float
    title: str


@dataclass(frozen=True)
class Rates:
    """Bits a second."""

    video: int
    audio: int


def fit(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"video", "out": paths, "limit": bytes}. Returns {"size": of the copy, less than the limit}.

    Raises BadInput `result_too_large`: it is too long to be seen at that size; and what ffmpeg.run raises.
    """
    video, out, limit = Path(asked["video"]), Path(asked["out"]), int(asked["limit"])
    if out.is_file() and 0 < out.stat().st_size < limit:  # made before the daemon was ended
        return {"size": out.stat().st_size}
    shape, aim = _shape(video), MARGIN * limit
    for attempt in range(TRIES):
        rates = rates_for(shape.seconds, aim)
        share = Share(progress, 1 - 0.1**attempt, 1 - 0.1 ** (attempt + 1))
        with suppress(_StillTooLarge), whole(out) as part:
            _encode(video, part, shape, rates, share)
            size = part.stat().st_size
            if size >= limit:
                raise _StillTooLarge  # so that it does not get the name
            return {"size": size}
        aim *= AGAIN * limit / size
    raise _too_large(shape.seconds)


class _StillTooLarge(Exception):
    pass


def rates_for(seconds: float, size: float) -> Rates:
    """What a video of this length may have, to be about `size` bytes. Raises BadInput `result_too_large`."""
    total = size * 8 / max(seconds, 1.0) - OVERHEAD
    audio = next((rate for rate in AUDIO_RATES if rate <= total / 5), AUDIO_RATES[-1])
    if total - audio < LEAST_VIDEO:
        raise _too_large(seconds)
    return Rates(int(total - audio), audio)


def size_for(shape: Shape, rate: int) -> tuple[int, int]:
    """Width and height, even: as they are, or so much smaller that the rate (bits a second) is enough."""
    scale = math.sqrt(rate / BITS_PER_PIXEL / (shape.width * shape.height * shape.fps))
    scale = min(max(scale, SMALLEST_SIDE / min(shape.width, shape.height)), 1.0)
    return round(shape.width * scale / 2) * 2, round(shape.height * scale / 2) * 2


def _shape(video: Path) -> Shape:
    try:
        with open_local(video) as container:
            stream = main_video(container)
            assert stream is not None, "a result has pictures"
            return Shape(
                stream.width,
                stream.height,
                Fraction(stream.sample_aspect_ratio or 1),
                float(stream.average_rate or 25),
                (container.duration or 0) / av.time_base,
                container.metadata.get("title", ""),
            )
    except av.error.FFmpegError as e:
        raise StageFailed("The finished video cannot be read", code="result_unreadable") from e


def _encode(video: Path, out: Path, shape: Shape, rates: Rates, progress: Progress) -> None:
    source = ffmpeg.source(video)
    width, height = size_for(shape, rates.video)
    picture = source.video
    if (width, height) != (shape.width, shape.height):
        picture = picture.filter("scale", width, height, flags="lanczos")
        picture = picture.filter("setsar", str(shape.aspect), max=100_000)
    command = graph.output(
        picture,
        source.audio,
        str(out),
        format="mp4",
        vcodec="libx264",
        preset="faster",
        pix_fmt="yuv420p",
        crf=CRF,
        maxrate=rates.video,
        bufsize=rates.video,  # a second's worth: that is all by which it may be more
        g=max(1, round(2 * shape.fps)),
        acodec="aac",
        audio_bitrate=rates.audio,
        ac=1 if rates.audio == AUDIO_RATES[-1] else 2,
        movflags="+faststart",
    )
    doing = "making a smaller copy"
    ffmpeg.run(command.get_args(), doing=doing, progress=progress, total_s=shape.seconds)
    label.add_source_type(out, shape.title)  # the tags are copied; this is not


def _too_large(seconds: float) -> BadInput:
    return BadInput(
        f"The video is {seconds / 60:.0f} minutes long: too long for a copy that Telegram takes",
        code="result_too_large",
        hint="Take the full one from the machine.",
    )
