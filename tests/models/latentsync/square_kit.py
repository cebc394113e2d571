"""A real face, and where it lies: matrices as models.latentsync.align makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from skimage.data import astronaut

from models.latentsync.resample import Matrix

FACE = (225, 130)  # the middle of the portrait's face, some 150 pixels wide


def portrait() -> npt.NDArray[np.uint8]:
    """(512, 512, 3) RGB."""
    return np.asarray(astronaut(), np.uint8)  # type: ignore[no-untyped-call]


def around(
    centre: Sequence[float] | npt.NDArray[np.float64],
    width: float,
    size: int,
    turn: float = 0,
    aspect: float = 4 / 3,
) -> Matrix:
    """Brings the box around centre, width × width · aspect, turned by degrees, to size × size.

    centre: as if pixel i covered i…i + 1; the matrix counts from pixels' middles, as OpenCV does.
    """
    angle = np.radians(turn)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = np.diag([size / width, size / (width * aspect)]) @ turned
    shift = size / 2 - 0.5 - linear @ (np.reshape(centre, (2, 1)) - 0.5)
    return np.concatenate([linear, shift], 1)
