"""The lip-sync's artifact: only the touched pixels, lossless, a file for every chunk of 16 frames.

A full-size lossless video would be gigabytes; the mouth is 2 % of the picture. Every pixel that is not in
a patch is the clip's own when the frame is put together. A chunk file appears whole or not at all, so a
killed job goes on at the next chunk.

    chunk-000003.npz    boxes: (n, 4) int32 x0, y0, x1, y1 (zeros: untouched); png_0 … png_{n-1}: PNG bytes,
                        BGRA, alpha 255 where the pixel replaces the clip's
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.engine import Picture, SyncedFrame
from pipeline.workspace import write_atomic

CHUNK = 16  # frames; what the diffusion engine makes at once


@dataclass(frozen=True)
class Patch:
    """picture[y0:y1, x0:x1][touched] = pixels[touched]; box is x0, y0, x1, y1."""

    box: tuple[int, int, int, int]
    pixels: Picture
    touched: npt.NDArray[np.bool_]

    def paste(self, picture: Picture) -> None:
        x0, y0, x1, y1 = self.box
        picture[y0:y1, x0:x1][self.touched] = self.pixels[self.touched]


def patch_of(synced: SyncedFrame) -> Patch | None:
    """The touched part of a frame, copied out of it."""
    if synced.box is None or synced.touched is None:
        return None
    x0, y0, x1, y1 = synced.box
    return Patch(synced.box, synced.frame[y0:y1, x0:x1].copy(), synced.touched)


def write_chunk(folder: Path, number: int, patches: list[Patch | None]) -> None:
    """Atomic and durable."""
    boxes = np.array([p.box if p else (0, 0, 0, 0) for p in patches], np.int32)
    pictures = {f"png_{i}": _encode(p) for i, p in enumerate(patches) if p}
    chunk = io.BytesIO()  # a few megabytes at most
    np.savez(chunk, boxes=boxes, **pictures)
    write_atomic(_path(folder, number), chunk.getvalue())


def chunks_done(folder: Path) -> int:
    """How many chunks stand there without a gap, from the first."""
    count = 0
    while _path(folder, count).exists():
        count += 1
    return count


def read_patches(folder: Path) -> Iterator[Patch | None]:
    """One a frame, in order, from all chunks."""
    for number in range(chunks_done(folder)):
        with np.load(_path(folder, number)) as chunk:
            for i, box in enumerate(chunk["boxes"].tolist()):
                yield _decode(tuple(box), chunk[f"png_{i}"]) if box[2] else None


def _path(folder: Path, number: int) -> Path:
    return folder / f"chunk-{number:06d}.npz"


def _encode(patch: Patch) -> npt.NDArray[np.uint8]:
    bgra = np.zeros((*patch.touched.shape, 4), np.uint8)  # untouched pixels are zero: they cost nothing
    bgra[..., :3][patch.touched] = patch.pixels[patch.touched][:, ::-1]
    bgra[..., 3][patch.touched] = 255
    return np.asarray(cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1], np.uint8)


def _decode(box: tuple[int, int, int, int], png: npt.NDArray[np.uint8]) -> Patch:
    bgra = np.asarray(cv2.imdecode(png, cv2.IMREAD_UNCHANGED), np.uint8)
    return Patch(box, np.ascontiguousarray(bgra[..., 2::-1]), bgra[..., 3] > 0)
