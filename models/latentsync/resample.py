"""A picture seen through an affine map: bicubic, and without moiré where it gets smaller.

Here pixel i covers i…i + 1 and its middle is i + 0.5, so that scaling needs no half pixels; `from_middles`
brings matrices over that count from pixels' middles, as align's and OpenCV's do. Matrices stay on the host,
in numpy; the device is only given six numbers and never waited for.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Matrix = npt.NDArray[np.float64]  # (2, 3)

DENSE = 4.0  # source pixels per target pixel; a source with more is made smaller first, which costs less
LOBES = 3
PLAIN = 0.1  # a target pixel may be so much larger than the source's before what is between is averaged


def resampled(source: Tensor, matrix: Matrix, height: int, width: int) -> Tensor:
    """source (c, h, w) float32 → (c, height, width) on the same device. Outside of the source is 0.

    matrix: where a point of the target lies in the source. Where target pixels are larger than the
    source's, the target is drawn so many times as large and brought to its size by a filter: that way
    the filter lies along the target's own axes, however the map turns and stretches.
    """
    source, matrix = _thinned(source, matrix)
    across, down = (max(math.ceil(step - PLAIN), 1) for step in steps(matrix))
    finer = matrix * (1 / across, 1 / down, 1)
    drawn = functional.grid_sample(
        source[None],
        _grid(finer, source, height * down, width * across),
        mode="bicubic",
        align_corners=False,
    )
    return _fewer(_fewer(drawn[0], down, 1), across, 2)


def looked_up(source: Tensor, matrix: Matrix, height: int, width: int) -> Tensor:
    """As `resampled`, by straight lines: for what is smooth and must not overshoot, as a mask."""
    grid = _grid(matrix, source, height, width)
    return functional.grid_sample(source[None], grid, mode="bilinear", align_corners=False)[0]


def steps(matrix: Matrix) -> tuple[float, float]:
    """How far a step of one target pixel across, and one down, goes in the source."""
    across, down = np.linalg.norm(matrix[:, :2], axis=0)
    return float(across), float(down)


def from_middles(matrix: Matrix) -> Matrix:
    """The map between pictures whose first pixel covers 0…1, from that where its middle is at 0."""
    return moved(matrix, -0.5, -0.5) + [[0, 0, 0.5]] * 2


def inverted(matrix: Matrix) -> Matrix:
    """The map back."""
    back = np.linalg.inv(matrix[:, :2])
    return np.concatenate([back, -back @ matrix[:, 2:]], 1)


def moved(matrix: Matrix, x: float, y: float) -> Matrix:
    """The same map for points that are counted from (x, y)."""
    return np.concatenate([matrix[:, :2], matrix @ [[x], [y], [1]]], 1)


def _thinned(source: Tensor, matrix: Matrix) -> tuple[Tensor, Matrix]:
    """A smaller source for a map that would leave most of its pixels out."""
    ratio = min(steps(matrix)) / DENSE
    if ratio <= 1:
        return source, matrix
    height, width = source.shape[1:]
    size = (math.ceil(height / ratio), math.ceil(width / ratio))
    smaller = functional.interpolate(source[None], size, mode="bicubic", antialias=True)[0]
    return smaller, matrix * [[size[1] / width], [size[0] / height]]


def _fewer(drawn: Tensor, times: int, axis: int) -> Tensor:
    """One pixel of every `times` along an axis, by Lanczos's filter: sharper than a cubic, and less moiré.

    A plain sum: a convolution's factors a GPU may round to ten bits.
    """
    if times == 1:
        return drawn
    count = 2 * LOBES * times - times % 2
    at = (np.arange(count) - (count - 1) / 2) / times  # in target pixels
    weights = np.sinc(at) * np.sinc(at / LOBES)
    beyond = (count - times) // 2
    edges = (0, 0, beyond, beyond) if axis == 1 else (beyond, beyond, 0, 0)
    edged = functional.pad(drawn[None], edges, mode="replicate")[0]
    pixels = edged.unfold(axis, count, times)
    total = torch.zeros_like(pixels[..., 0])
    for k, weight in enumerate((weights / weights.sum()).tolist()):
        total.add_(pixels[..., k], alpha=weight)
    return total


def _grid(matrix: Matrix, source: Tensor, height: int, width: int) -> Tensor:
    """(1, height, width, 2): where each target pixel's middle lies in the source, −1…1 from edge to edge."""
    scale = np.array([[2 / source.shape[2]], [2 / source.shape[1]]])
    (a, b, c), (d, e, f) = (moved(matrix, 0.5, 0.5) * scale - [[0, 0, 1]] * 2).tolist()
    x = torch.arange(width, device=source.device, dtype=torch.float32)
    y = torch.arange(height, device=source.device, dtype=torch.float32)[:, None]
    return torch.stack([x * a + (y * b + c), x * d + (y * e + f)], -1)[None]
