"""Out of the picture: the presenter's face, upright and square, as the network knows faces."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.latentsync.resample import Matrix, from_middles, inverted, resampled, steps

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in the picture

GREY = 127.0  # beyond the picture, as in training
REACH = 2  # pixels to each side that bicubic interpolation reads


def part_of(matrix: Matrix, size: int, width: int, height: int) -> Box:
    """The part of a picture width × height that `aligned` reads: all it needs, cut at the picture's edges.

    matrix: (2, 3) the picture's pixels → aligned face, size × size, both counted from the first pixel's
    middle. Sides are even unless the picture's own are not; the box is never empty, even if the face is not
    in the picture.
    """
    back = inverted(from_middles(matrix))
    corners = back @ np.array([[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]])
    margin = REACH * (1 + max(1.0, *steps(back)))
    x0, x1 = _evenly(corners[0].min() - margin, corners[0].max() + margin, width)
    y0, y1 = _evenly(corners[1].min() - margin, corners[1].max() + margin, height)
    return x0, y0, x1, y1


def aligned(part: Tensor, origin: tuple[int, int], matrix: Matrix, size: int) -> Tensor:
    """The face in −1…1: (3, size, size) float32 on part's device.

    part: (h, w, 3) uint8 RGB, the picture's box that `part_of` gives; origin: its (x0, y0).
    """
    back = inverted(from_middles(matrix)) - [[0, 0, origin[0]], [0, 0, origin[1]]]
    face = resampled(part.permute(2, 0, 1).float() - GREY, back, size, size)
    return ((face + (GREY - 127.5)) / 127.5).clamp(-1, 1)


def align_all(
    parts: Sequence[Tensor], origins: Sequence[tuple[int, int]], matrices: Sequence[Matrix], size: int
) -> Tensor:
    """`aligned` for the faces of a chunk: (n, 3, size, size).

    One face after another: a face comes out the same whatever is beside it in the chunk, and no more memory
    is needed than for one.
    """
    each = zip(parts, origins, matrices, strict=True)
    return torch.stack([aligned(part, origin, matrix, size) for part, origin, matrix in each])


def _evenly(low: float, high: float, end: int) -> tuple[int, int]:
    """An even number of pixels around low…high that are in 0…end."""
    first = min(max(math.floor(low), 0), max(end - 2, 0))
    last = min(max(math.ceil(high), first + 2), end)
    if (last - first) % 2 == 0:
        return first, last
    return (first - 1, last) if first else (0, min(last + 1, end))
