"""Whether a video and its text are what a target takes: asked when it is scheduled, not when it is sent."""

from __future__ import annotations

import math

from handlers.publish.errors import Refused
from handlers.publish.target import Length, Limits, Text, Video

_ROUNDED = 0.005  # 1080 × 1918 counts as 9:16


def fits(video: Video, text: Text, limits: Limits) -> list[str]:
    """What does not fit, each in a plain sentence; [] when all does. Reads no file."""
    return [*_of_text(text, limits), *_of_video(video, limits)]


def check_text(text: Text, limits: Limits) -> None:
    """For a kind, before it sends anything: the configuration may have changed since it was scheduled."""
    if wrong := _of_text(text, limits):
        raise Refused(wrong[0], hint="Change the text, and publish again")


def _of_text(text: Text, limits: Limits) -> list[str]:
    wrong = []
    if limits.title is not None and not text.title:
        wrong.append("The title is empty")
    for what, said, limit in (
        ("The title has", text.title, limits.title),
        ("The description has", text.description, limits.description),
        ("Title and description together have", text.together, limits.together),
        ("All tags together have", ",".join(text.tags), limits.tags_chars),
    ):
        wrong += _of_length(what, said, limit)
    for name, said in (("title", text.title), ("description", text.description)):
        found = [c for c in limits.forbidden if c in said]
        if found:
            wrong.append(f"The {name} has {' and '.join(found)} in it, which is not taken there")
    if limits.tags is not None and len(text.tags) > limits.tags:
        wrong.append(f"There are {len(text.tags):,} tags, and at most {limits.tags:,} are taken there")
    return wrong


def _of_length(what: str, said: str, limit: int | Length | None) -> list[str]:
    """what: that has it, in words. Of what is not there at all, nothing is said."""
    if limit is None or not said:
        return []
    limit = Length(limit) if isinstance(limit, int) else limit
    length = limit.count(said)
    if length > limit.most:
        return [f"{what} {length:,} {limit.unit}, and at most {limit.most:,} are taken there"]
    if length < limit.least:
        return [f"{what} {length:,} {limit.unit}, and at least {limit.least:,} are wanted there"]
    return []


def _of_video(video: Video, limits: Limits) -> list[str]:
    wrong = []
    if limits.duration_s is not None and video.duration_s > limits.duration_s:
        most = _time(limits.duration_s)
        wrong.append(f"The video is {_time(video.duration_s)} long, and at most {most} is taken there")
    if limits.size is not None and video.size > limits.size:
        wrong.append(f"The video has {_size(video.size)}, and at most {_size(limits.size)} are taken there")
    if limits.aspect is not None:
        narrow, wide = limits.aspect
        shape = f"The video has {video.width} × {video.height} pixels"
        if video.aspect < narrow * (1 - _ROUNDED):
            wrong.append(f"{shape}, which is too narrow there: the width is to be {narrow:.3g} of the height")
        elif video.aspect > wide * (1 + _ROUNDED):
            wrong.append(f"{shape}, which is too wide there: the width is to be {wide:.3g} of the height")
    return wrong


def _time(seconds: float) -> str:
    """1:05, 1:00:05; rounded up to tenths: what is a little too long is not to look as if it were not."""
    tenths = math.ceil(seconds * 10 - 1e-6)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest / 10:04.1f}".removesuffix(".0")
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.7g} {unit}"
    return f"{size} bytes"
