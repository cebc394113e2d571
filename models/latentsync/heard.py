"""What each video frame hears: ten of the rows that Whisper leaves, which are 50 a second (audio.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROWS = 50  # rows a second
AROUND = np.arange(-4, 6)  # rows that a video frame hears, around its own

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Listened:
    """The features of a speech in a file, for an hour of them is a gigabyte; read as `windows_at`.

    shape: rows, layers+1, width.
    """

    path: Path
    shape: tuple[int, ...]

    @classmethod
    def written(cls, path: Path, pieces: Iterable[Rows]) -> Listened:
        """Anew."""
        count, shape = 0, tuple[int, ...]()
        with path.open("wb") as file:
            for piece in pieces:
                file.write(np.ascontiguousarray(piece).data)
                count += len(piece)
                shape = piece.shape[1:]
        return cls(path, (count, *shape))

    def __call__(self, seconds: npt.NDArray[np.float64]) -> Rows:
        count, *each = self.shape
        rows = _rows_at(seconds, count)
        first, last = int(rows.min()), int(rows.max())
        size = math.prod(each)
        flat = np.fromfile(self.path, np.float32, (last + 1 - first) * size, offset=first * size * 4)
        return _gathered(flat.reshape(-1, *each), rows - first)


def windows_at(features: Rows, seconds: npt.NDArray[np.float64]) -> Rows:
    """(n, 10 * (layers+1), width): what frames at these seconds from the start hear.

    Beyond an end it is the row at that end. At 25 frames a second these are the original's windows.
    """
    return _gathered(features, _rows_at(seconds, len(features)))


def _rows_at(seconds: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """(n, 10) the rows that frames at these seconds hear, of `count`."""
    rows = np.rint(np.asarray(seconds) * ROWS).astype(np.int64)[:, None] + AROUND
    return np.asarray(rows.clip(0, count - 1))


def _gathered(features: Rows, rows: npt.NDArray[np.int64]) -> Rows:
    gathered: Rows = features[rows].reshape(len(rows), -1, features.shape[-1])
    return gathered
