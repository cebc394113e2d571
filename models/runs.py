"""The unbroken stretches in which a presenter is seen, found while the clip is being followed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GAP = 5  # pictures: a face lost for no longer is bridged
SHORTEST = 5  # pictures with a face: a run with fewer is a flicker
# From so many pictures later on, nothing changes in which run a picture is: it may be the first face of a
# run that gets the last of its faces by the longest gaps.
LOOKAHEAD = (SHORTEST - 1) * (GAP + 1)


class Runs:
    """Of `total` pictures; `add` one after the other.

    run: (total,) the number of the first picture of the run that a picture is in, −1 outside of any. So a
    run has the same number however much of the clip is known. Never across a cut.
    """

    def __init__(self, total: int) -> None:
        self.run = np.full(total, -1, np.int32)
        self._next = 0
        self._first = self._last = 0  # faces of the run that may go on
        self._faces = 0  # in it

    def add(self, face: bool, cut: bool) -> None:
        k, self._next = self._next, self._next + 1
        if cut or k - self._last > GAP + 1:
            self._faces = 0
        if face:
            self._first = self._first if self._faces else k
            self._faces += 1
            if self._faces > SHORTEST:
                self.run[self._last + 1 : k + 1] = self._first
            elif self._faces == SHORTEST or self._faces == len(self.run):  # a photo has one picture
                self.run[self._first : k + 1] = self._first
            self._last = k


def runs(face: npt.NDArray[np.bool_], cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """(m,) the run of each picture of a whole clip; as Runs.run."""
    found = Runs(len(face))
    for here, begins in zip(face.tolist(), cut.tolist(), strict=True):
        found.add(here, begins)
    return found.run
