"""The region of an aligned face that the network paints: lips, chin, and the cheeks beside them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.float64]

# The outline of the mask that the network was trained with, through the middles of its pixels on a face of
# 256 × 256: the jaw from ear to ear, then around the nose, which is left out.
SIDE = 256
OUTLINE = (
    *[(246, 95), (247, 128), (247, 134), (245, 162), (244, 169), (240, 177), (228, 195), (223, 201)],
    *[(210, 214), (202, 220), (196, 224), (191, 227), (183, 231), (164, 239), (152, 242), (131, 242)],
    *[(108, 241), (99, 239), (95, 238), (87, 235), (82, 233), (60, 222), (52, 217), (49, 215), (45, 212)],
    *[(40, 208), (34, 202), (26, 193), (22, 188), (16, 178), (12, 170), (11, 163), (9, 135), (9, 95)],
    *[(77, 95), (77, 128), (178, 128), (178, 95)],
)

ON_THE_LINE = 1e-3
FEATHER = 1 / 18  # of the side: how far inside the edge the paste is whole


def keep(size: int) -> Tensor:
    """(1, size, size) float32: 1 = the face's own, 0 = painted by the network.

    Brought to its size as in training: enlarged by Lanczos, so edges are two pixels wide at 512.
    """
    outline = mouth(SIDE)
    painted = _inside(SIDE, outline) | (_distance(SIDE, outline) < ON_THE_LINE)
    mask = np.where(painted, np.uint8(0), np.uint8(255))
    if size != SIDE:
        way = cv2.INTER_LANCZOS4 if size > SIDE else cv2.INTER_AREA
        mask = np.asarray(cv2.resize(mask, (size, size), interpolation=way), np.uint8)
    return torch.from_numpy(mask.astype(np.float32) / 255)[None]


def soft(size: int) -> Tensor:
    """(size, size) float32 weight of the paste: 0 outside the region and at its edge, 1 well inside."""
    outline = mouth(size)
    depth = np.where(_inside(size, outline), _distance(size, outline), 0)
    rise = np.clip(depth / (FEATHER * size), 0, 1)
    return torch.from_numpy((rise * rise * (3 - 2 * rise)).astype(np.float32))


def mouth(size: int) -> Array:
    """(38, 2) corners of the region on a face size × size; pixel i covers i…i + 1."""
    return (np.array(OUTLINE) + 0.5) * (size / SIDE)


def _distance(size: int, outline: Array) -> Array:
    """(size, size): from every pixel's middle to the nearest side of the outline."""
    x, y = _middles(size)
    nearest = np.full((size, size), np.inf)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, 0), strict=True):
        across, down = bx - ax, by - ay
        along = (x - ax) * across + (y - ay) * down
        along = np.clip(along / (across**2 + down**2), 0, 1)
        squared = (x - ax - along * across) ** 2 + (y - ay - along * down) ** 2
        np.minimum(nearest, squared, out=nearest)
    return np.asarray(np.sqrt(nearest))


def _inside(size: int, outline: Array) -> npt.NDArray[np.bool_]:
    """(size, size): a ray to the right from inside crosses the outline an odd number of times."""
    x, y = _middles(size)
    crossed = np.zeros((size, size), bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, 0), strict=True):
        if ay != by:
            crossed ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return crossed


def _middles(size: int) -> tuple[Array, Array]:
    """x, (1, size), and y, (size, 1), of the pixels."""
    middle = np.arange(size) + 0.5
    return middle[None], middle[:, None]
