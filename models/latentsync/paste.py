"""Back into the picture: the mouth of a made face, and nothing else of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.latentsync.crop import Box
from models.latentsync.mask import mouth
from models.latentsync.resample import Matrix, from_middles, inverted, looked_up, moved, resampled, steps


class Pasted(NamedTuple):
    """picture[y0:y1, x0:x1] = pixels; only where touched can it differ from what was there."""

    box: Box
    pixels: npt.NDArray[np.uint8]  # (bh, bw, 3) RGB
    touched: npt.NDArray[np.bool_]  # (bh, bw)


def mouth_box(matrix: Matrix, size: int, width: int, height: int) -> Box:
    """The box of a picture width × height in which pasting can change pixels; empty if the mouth is outside.

    matrix: (2, 3) the picture's pixels → aligned face, size × size, counted from pixels' middles.
    """
    back = inverted(from_middles(matrix))
    corners = mouth(size) @ back[:, :2].T + back[:, 2]
    margin = 1 + max(steps(back))  # the mask is read between its pixels
    x0, y0 = (max(math.floor(v), 0) for v in corners.min(0) - margin)
    x1, y1 = (math.ceil(v) for v in corners.max(0) + margin)
    x1, y1 = min(x1, width), min(y1, height)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else (0, 0, 0, 0)


def pasted(
    part: Tensor,
    origin: tuple[int, int],
    matrix: Matrix,
    face: Tensor,
    alpha: Tensor,
    strength: float,
    box: Box,
) -> tuple[Tensor, Tensor]:
    """The box's new pixels, (bh, bw, 3) uint8, and which of them may differ, (bh, bw) bool; on face's device.

    part: (h, w, 3) uint8 RGB of the picture that holds the box; origin: part's (x0, y0) in the picture.
    face: (3, size, size) −1…1, half or float; alpha: (size, size) as mask.soft gives it;
    strength: 0…1, how much of the mouth is the face's. Where alpha · strength is 0 the pixels are part's.
    """
    x0, y0, x1, y1 = box
    under = part[y0 - origin[1] : y1 - origin[1], x0 - origin[0] : x1 - origin[0]].to(
        face.device, non_blocking=True
    )
    height, width = under.shape[:2]
    if height * width == 0:
        return under, under.new_zeros((height, width), dtype=torch.bool)
    here = moved(from_middles(matrix), x0, y0)
    weight = looked_up(alpha[None], here, height, width)[0] * strength
    new = (resampled(face.float(), here, height, width).permute(1, 2, 0) + 1) * 127.5
    mixed = torch.lerp(under.float(), new.clamp(0, 255), weight[..., None]).round().to(torch.uint8)
    touched = weight > 0
    return torch.where(touched[..., None], mixed, under), touched


def paste_all(
    parts: Sequence[Tensor],
    origins: Sequence[tuple[int, int]],
    matrices: Sequence[Matrix],
    faces: Iterable[Tensor],
    alpha: Tensor,
    strengths: Sequence[float],
    boxes: Sequence[Box],
) -> list[Pasted]:
    """`pasted` for the faces of a chunk, (3, size, size) each, brought to the host in one copy."""
    each = zip(parts, origins, matrices, faces, strengths, boxes, strict=True)
    flat: list[Tensor] = []
    for part, origin, matrix, face, strength, box in each:
        pixels, touched = pasted(part, origin, matrix, face, alpha, strength, box)
        flat += [pixels.flatten(), touched.flatten().view(torch.uint8)]
    if not flat:
        return []
    host = torch.cat(flat).cpu().numpy()
    pieces = np.split(host, np.cumsum([len(piece) for piece in flat])[:-1])
    return [
        Pasted(box, pixels.reshape(y1 - y0, x1 - x0, 3), touched.reshape(y1 - y0, x1 - x0).view(np.bool_))
        for (box, pixels, touched) in zip(boxes, pieces[::2], pieces[1::2], strict=True)
        for x0, y0, x1, y1 in [box]
    ]
