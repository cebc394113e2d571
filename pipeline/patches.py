"""The lip-sync's artifact: only the touched pixels, lossless, a file for every chunk of 16 frames.

A full-size lossless video would be gigabytes; the mouth is 2 % of the picture. Every pixel that is not in
a patch is the clip's own when the frame is put together. A chunk file appears whole or not at all, so a
killed job goes on at the next chunk.

    chunk-000003.npz    boxes: (n, 4) int32 x0, y0, x1, y1, zeros for an untouched frame;
                        touched_i: which pixels of the box, one bit each; pixels_i: their RGB, as
                        differences along the row. Both compressed by zstd.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import zstandard

from models.engine import Picture, SyncedFrame
from models.errors import StageFailed
from pipeline.workspace import unfinished, write_atomic

CHUNK = 16  # frames; what the diffusion engine makes at once
FAST = 1  # zstd's level: a mouth shrinks to half in a millisecond


@dataclass(frozen=True)
class Patch:
    """picture[y0:y1, x0:x1][touched] = pixels. box: x0, y0, x1, y1; pixels: (touched.sum(), 3) uint8 RGB."""

    box: tuple[int, int, int, int]
    touched: npt.NDArray[np.bool_]
    pixels: npt.NDArray[np.uint8]

    def paste(self, picture: Picture) -> None:
        x0, y0, x1, y1 = self.box
        picture[y0:y1, x0:x1][self.touched] = self.pixels


def patch_of(synced: SyncedFrame) -> Patch | None:
    """The touched part of a frame, copied out of it."""
    if synced.box is None or synced.touched is None or synced.pixels is None:
        return None
    return Patch(synced.box, synced.touched, synced.pixels[synced.touched])


def write_chunk(folder: Path, number: int, patches: list[Patch | None]) -> None:
    """Atomic and durable."""
    compressor = zstandard.ZstdCompressor(level=FAST)
    arrays = {"boxes": np.array([p.box if p else (0, 0, 0, 0) for p in patches], np.int32)}
    for i, patch in enumerate(patches):
        if patch is not None:
            steps = np.diff(patch.pixels, axis=0, prepend=np.zeros((1, 3), np.uint8))
            for name, raw in (("touched", np.packbits(patch.touched)), ("pixels", steps)):
                arrays[f"{name}_{i}"] = np.frombuffer(compressor.compress(raw.tobytes()), np.uint8)
    chunk = io.BytesIO()  # a few megabytes at most
    np.savez(chunk, **arrays)
    write_atomic(_path(folder, number), chunk.getvalue())


def chunks_done(folder: Path) -> int:
    """How many chunks stand there without a gap, from the first."""
    count = 0
    while _path(folder, count).exists():
        count += 1
    return count


def read_patches(artifact: Path, count: int, wait: Callable[[], None]) -> Iterator[Patch | None]:
    """One for each of `count` frames, in order. While the artifact is still being made, `wait` is called
    until the next chunk is there.

    Raises StageFailed `frames_wrong` when the artifact is finished and has fewer chunks.
    """
    for number in range(-(-count // CHUNK)):
        while (file := _opened(artifact, number)) is None:
            wait()
        with file, np.load(file) as chunk:
            for i, box in enumerate(chunk["boxes"].tolist()):
                yield _patch(tuple(box), chunk[f"touched_{i}"], chunk[f"pixels_{i}"]) if box[2] else None


def _opened(artifact: Path, number: int) -> IO[bytes] | None:
    """The file of a chunk; None while it is not there yet."""
    finished = artifact.is_dir()  # asked first: it may come to be finished between two looks
    for folder in (unfinished(artifact), artifact):
        with suppress(FileNotFoundError):
            return _path(folder, number).open("rb")
    if finished:
        raise StageFailed(f"The lip-sync left no chunk {number}", code="frames_wrong")
    return None


def _patch(
    box: tuple[int, int, int, int], touched: npt.NDArray[np.uint8], pixels: npt.NDArray[np.uint8]
) -> Patch:
    expand = zstandard.ZstdDecompressor().decompress
    x0, y0, x1, y1 = box
    bits = np.unpackbits(np.frombuffer(expand(touched.tobytes()), np.uint8), count=(y1 - y0) * (x1 - x0))
    steps = np.frombuffer(expand(pixels.tobytes()), np.uint8).reshape(-1, 3)
    mask = bits.reshape(y1 - y0, x1 - x0).astype(bool)
    return Patch(box, mask, np.cumsum(steps, axis=0, dtype=np.uint8))


def _path(folder: Path, number: int) -> Path:
    return folder / f"chunk-{number:06d}.npz"
