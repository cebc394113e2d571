"""Is there a face in the clip? A glance at a few of its pictures: whoever has to wait for the job to find out
that there is none has waited in vain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np

from models.engine import Picture
from pipeline.media import ClipFacts, main_video, open_local
from pipeline.photo import is_photo, read_photo

PICTURES = 5
ENOUGH = 3  # without a face in so many, spread over the clip, there is none
SIDE = 640  # pixels of what is looked at
BUDGET_S = 1.2


def face_in(clip: Path, facts: ClipFacts) -> bool | None:
    """None: nobody can tell: the detector is not here, or the clip takes long to read."""
    try:
        from models.faces import FaceTracker, Found

        tracker = FaceTracker()
    except ImportError:
        return None
    looked_at = 0
    with closing(tracker):
        for picture in _pictures(clip, facts):
            if tracker(_upright(picture, facts)).found is not Found.NO_FACE:
                return True
            looked_at += 1
    enough = 1 if facts.still else min(ENOUGH, facts.pictures)
    return False if looked_at >= enough else None


def _pictures(clip: Path, facts: ClipFacts) -> Iterator[Picture]:
    """Spread over the clip, as they are stored."""
    if is_photo(clip):
        yield np.ascontiguousarray(read_photo(clip))
        return
    until = time.monotonic() + BUDGET_S
    try:
        with open_local(clip) as container:
            stream = main_video(container)
            assert stream is not None, "it was inspected"
            stream.thread_type = "AUTO"
            first_s = float((stream.start_time or 0) * (stream.time_base or 0))
            for n in range(PICTURES):
                at_s = first_s + facts.duration_s * (n + 0.5) / PICTURES
                container.seek(int(at_s * av.time_base))
                for frame in container.decode(stream):
                    if time.monotonic() > until:
                        return
                    if frame.time is None or frame.time >= at_s:
                        scale = min(1.0, SIDE / max(frame.width, frame.height))
                        size = max(round(frame.width * scale), 2), max(round(frame.height * scale), 2)
                        yield np.asarray(
                            frame.to_ndarray(width=size[0], height=size[1], format="rgb24"), np.uint8
                        )
                        break
    except (av.error.FFmpegError, OSError, ValueError):
        return  # the job will say what is wrong with it


def _upright(picture: Picture, facts: ClipFacts) -> Picture:
    """As people see it: turned, with square pixels, and not large."""
    if not facts.still:
        picture = np.rot90(picture, facts.rotation // 90)
    height, width = picture.shape[0], picture.shape[1] * float(facts.pixel_aspect)
    scale = min(1.0, SIDE / max(height, width))
    size = max(round(width * scale), 2), max(round(height * scale), 2)
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA), np.uint8)
