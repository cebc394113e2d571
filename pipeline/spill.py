"""Decoded pictures put aside in a file, to be taken back last first: how a clip is played backwards.

A codec only decodes forwards from a key picture, and those may be 250 pictures apart. Held in memory
that is a gigabyte; decoded again for every few pictures it is most of the work. In a file without a name
it costs two copies, and it is gone with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from pipeline.workspace import SPILL_BYTES

BYTES = SPILL_BYTES  # of a file at most


def backwards(frames: Iterable[VideoFrame], folder: Path | None) -> Iterator[VideoFrame]:
    """The frames, last first; they are alike in size and format. folder: where the file is; None: /tmp."""
    with tempfile.TemporaryFile(dir=folder) as file:
        sizes: list[int] = []
        like: VideoFrame | None = None
        count = 0
        for like in frames:
            sizes = [plane.buffer_size for plane in like.planes]
            for plane in like.planes:
                file.write(memoryview(plane))
            count += 1
        for number in reversed(range(count)):
            assert like is not None
            file.seek(number * sum(sizes))
            yield _restored(like, [file.read(size) for size in sizes])


def _restored(like: VideoFrame, planes: list[bytes]) -> VideoFrame:
    frame = VideoFrame(like.width, like.height, like.format.name)
    for plane, stored, data in zip(frame.planes, like.planes, planes, strict=True):
        # A decoder pads its rows more than a new frame does.
        rows = np.frombuffer(data, np.uint8).reshape(-1, stored.line_size)
        padded = np.zeros((plane.buffer_size // plane.line_size, plane.line_size), np.uint8)
        width = min(plane.line_size, stored.line_size)
        padded[: len(rows), :width] = rows[: len(padded), :width]
        plane.update(padded.tobytes())
    frame.color_range, frame.colorspace = like.color_range, like.colorspace
    return frame
