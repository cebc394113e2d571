"""Which frames are sampled, and which of them together.

The network sees 16 frames at once, which belong together: its statistics and its motion span them. A take is
a run of one presenter in one shot inside a chunk of 16; where it is shorter, because a shot, a face or the
video ends, its own frames fill the chunk, mirrored.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CHUNK = 16  # frames that the network was trained on
FASTEST = 31  # frames a second that are sampled; of a faster video every second, third, …


def stride_of(fps: float) -> int:
    """Every how many output frames one is sampled: 1 up to 31 a second, 2 for 50 and 60."""
    return max(ceil(fps / FASTEST), 1)


class Take(NamedTuple):
    """Positions begin…end−1 of a chunk."""

    begin: int
    end: int


def takes(run: npt.NDArray[np.int32]) -> list[Take]:
    """The takes of a chunk, in order. run: (≤ 16,) models.track.Track.run of each sampled frame."""
    borders = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(run)]
    pieces = [Take(a, b) for a, b in pairwise(borders)]
    return [take for take in pieces if take.end > take.begin and run[take.begin] >= 0]


def fill(take: Take, length: int = CHUNK) -> npt.NDArray[np.int64]:
    """(length,) the position that stands at each place of the chunk: its own inside the take, and outside of
    it the take played back and forth; the turning frames are not doubled."""
    count = take.end - take.begin
    phase = (np.arange(length) - take.begin) % max(2 * count - 2, 1)
    return take.begin + np.where(phase < count, phase, 2 * count - 2 - phase)
