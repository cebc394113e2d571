"""Which H.264 encoder makes the video: NVENC when it really works here, else libx264."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from models.errors import StageFailed, Unavailable
from pipeline import ffmpeg
from pipeline.spec import VideoSettings

# x264's presets on NVENC's scale from p1 (fast) to p7 (good)
_NVENC_PRESETS = {
    "ultrafast": "p1",
    "superfast": "p2",
    "veryfast": "p3",
    "faster": "p4",
    "fast": "p5",
    "medium": "p6",
    "slow": "p7",
}


@dataclass(frozen=True)
class Encoder:
    """name: ffmpeg's own ("libx264"); options: ffmpeg's, for the same quality with either."""

    name: Literal["libx264", "h264_nvenc"]
    options: dict[str, str]


def pick_encoder(video: VideoSettings) -> Encoder:
    """The encoder for `video.encoder`. Raises Unavailable when NVENC is demanded and does not work."""
    if video.encoder == "x264":
        return _x264(video)
    why_not = nvenc_problem()
    if why_not is None:
        return _nvenc(video)
    if video.encoder == "nvenc":
        raise Unavailable(
            f"The encoder NVENC does not work on this machine: {why_not}",
            code="nvenc_unavailable",
            hint='Set video.encoder to "auto" or "x264", or repair the NVIDIA driver',
        )
    return _x264(video)


@functools.cache
def nvenc_problem() -> str | None:
    """Why NVENC cannot be used here; None when it can.

    ffmpeg lists NVENC on machines without any GPU, and some GPUs for computing have no encoder, so
    only an encode tells. Its answer is kept for the life of the process.
    """
    picture = ffmpeg.generated("color=size=256x256:rate=25:duration=0.2")
    trial = picture.output("-", format="null", vcodec="h264_nvenc", pix_fmt="yuv420p")
    try:
        ffmpeg.run(trial.get_args(), doing="trying NVENC")
    except (StageFailed, Unavailable) as error:
        return error.message.removeprefix("ffmpeg failed while trying NVENC: ")
    return None


def _x264(video: VideoSettings) -> Encoder:
    return Encoder("libx264", {"preset": video.preset, "crf": str(video.crf), "profile:v": "high"})


def _nvenc(video: VideoSettings) -> Encoder:
    options = {
        "preset": _NVENC_PRESETS[video.preset],
        "tune": "hq",
        "rc": "vbr",
        "cq": str(video.crf),  # both count in H.264's quantiser steps
        "b:v": "0",  # let the quality decide, not a rate
        "spatial-aq": "1",
        "profile:v": "high",
    }
    return Encoder("h264_nvenc", options)
