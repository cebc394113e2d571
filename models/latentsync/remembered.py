"""Latents that a replica has made for the job that it works for.

A batch says which are known, but it was written when others were still under way; in a clip that is played
again and again, these would be made more than once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy.typing as npt

MOST = 2048  # of 64 KB each


class Remembered:
    """of: the job, and this attempt at it. By place in the track, as models.presenters.LatentFile."""

    def __init__(self, of: str = "") -> None:
        self.of = of
        self._made: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()

    def get(self, k: int) -> npt.NDArray[Any] | None:
        return self._made.get(k)

    def put(self, k: int, record: npt.NDArray[Any]) -> None:
        self._made[k] = record
        if len(self._made) > MOST:
            self._made.popitem(last=False)
