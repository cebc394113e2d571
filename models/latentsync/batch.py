"""A few chunks of a job in a file, for whoever has a device free; and what comes of them, in another.

Both are safetensors: numbers and pixels, nothing that could run. All that the networks have to be told is in
them, so that a batch comes out the same wherever it is made, and however often.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.engine import SyncedFrame
from models.latentsync.crop import Box
from models.latentsync.frames import Chunk, Frame, Made, Place

Latents = dict[int, npt.NDArray[Any]]  # by place in the track: as models.presenters.LatentFile


@dataclass
class Batch:
    """Chunks that follow one another. heard: what each sampled frame with a face hears, (rows, width), by its
    number. known: latents that need not be made. width, height: of the clip's pictures."""

    chunks: list[Chunk]
    heard: dict[int, npt.NDArray[np.float32]]
    known: Latents
    width: int
    height: int

    def write(self, path: Path) -> None:
        frames = [frame for chunk in self.chunks for frame in chunk.frames]
        places = [frame.place for frame in frames if frame.place]
        told = {
            "chunks": [[chunk.number, len(chunk.frames)] for chunk in self.chunks],
            "stride": self.chunks[0].stride,
            "frames": [[f.number, f.k, f.run, f.place is not None] for f in frames],
            "boxes": [place.box for place in places],
            "strengths": [place.strength for place in places],
            "heard": list(self.heard),
            "known": list(self.known),
            "size": [self.width, self.height],
        }
        tensors = {
            "parts": _end_to_end(place.part for place in places),
            "matrices": torch.from_numpy(np.array([place.matrix for place in places], np.float64)),
            "heard": _stacked(self.heard.values()),
            "known": _stacked(self.known.values()),
        }
        _save(path, told, tensors)

    @classmethod
    def read(cls, path: Path) -> Batch:
        told, tensors = _load(path)
        boxes = [_box(box) for box in told["boxes"]]
        parts = _apart(tensors["parts"], [(y1 - y0, x1 - x0, 3) for x0, y0, x1, y1 in boxes])
        matrices = tensors["matrices"].numpy()
        places = (Place(*each) for each in zip(matrices, boxes, parts, told["strengths"], strict=True))
        frames = [Frame(n, k, run, next(places) if placed else None) for n, k, run, placed in told["frames"]]
        each = iter(frames)
        chunks = [
            Chunk(number, [next(each) for _ in range(count)], told["stride"])
            for number, count in told["chunks"]
        ]
        heard = dict(zip(told["heard"], tensors["heard"].numpy(), strict=True))
        known = dict(zip(told["known"], tensors["known"].numpy(), strict=True))
        return cls(chunks, heard, known, *told["size"])


@dataclass
class Answer:
    """frames: that are finished. learned: latents that were made. notes: for the person.

    ends: the first sampled frame and the last one, and waiting: how many frames after that need the next
    batch's first; only of videos in which not every frame is sampled.
    """

    frames: list[SyncedFrame]
    learned: Latents = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ends: list[Made] = field(default_factory=list)
    waiting: int = 0

    def write(self, path: Path) -> None:
        set_ = [frame for frame in self.frames if frame.box]
        told = {
            "frames": [[frame.number, frame.box] for frame in self.frames],
            "learned": list(self.learned),
            "notes": self.notes,
            "ends": [[m.frame.number, m.frame.k, m.frame.run, m.face is not None] for m in self.ends],
            "waiting": self.waiting,
        }
        faces = [made.face for made in self.ends if made.face is not None]
        tensors = {
            "pixels": _end_to_end(torch.from_numpy(f.pixels) for f in set_),
            "touched": _end_to_end(torch.from_numpy(f.touched).view(torch.uint8) for f in set_),
            "learned": _stacked(self.learned.values()),
            "faces": torch.stack(faces).cpu() if faces else torch.empty(0),
        }
        _save(path, told, tensors)

    @classmethod
    def read(cls, path: Path) -> Answer:
        told, tensors = _load(path)
        boxes = [_box(box) for _, box in told["frames"] if box]
        sides = [(y1 - y0, x1 - x0) for x0, y0, x1, y1 in boxes]
        pixels = _apart(tensors["pixels"], [(*side, 3) for side in sides])
        touched = _apart(tensors["touched"], sides)
        new = iter(
            (box, colours.numpy(), mask.numpy().view(np.bool_))
            for box, colours, mask in zip(boxes, pixels, touched, strict=True)
        )
        frames = [
            SyncedFrame(number, *next(new)) if box else SyncedFrame(number) for number, box in told["frames"]
        ]
        faces = iter(tensors["faces"])
        ends = [Made(Frame(n, k, run), next(faces) if there else None) for n, k, run, there in told["ends"]]
        learned = dict(zip(told["learned"], tensors["learned"].numpy(), strict=True))
        return cls(frames, learned, told["notes"], ends, told["waiting"])


def _end_to_end(pieces: Iterable[Tensor]) -> Tensor:
    """(n,) uint8: one after the other; of any shapes."""
    flat = [piece.flatten() for piece in pieces]
    return torch.cat(flat) if flat else torch.empty(0, dtype=torch.uint8)


def _apart(flat: Tensor, shapes: Sequence[tuple[int, ...]]) -> Iterator[Tensor]:
    sizes = [math.prod(shape) for shape in shapes]
    return (piece.view(shape) for piece, shape in zip(torch.split(flat, sizes), shapes, strict=True))


def _stacked(arrays: Iterable[npt.NDArray[Any]]) -> Tensor:
    listed = list(arrays)
    return torch.from_numpy(np.stack(listed)) if listed else torch.empty(0)


def _box(told: list[int]) -> Box:
    x0, y0, x1, y1 = told
    return x0, y0, x1, y1


def _save(path: Path, told: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Whole, or not there: it may be made twice, when one who was given up makes it after all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, part, {"told": json.dumps(told)})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _load(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(path, "pt") as file:
        names = list(file.keys())
        return json.loads(file.metadata()["told"]), {name: file.get_tensor(name) for name in names}
