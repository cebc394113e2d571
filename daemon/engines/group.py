"""Seats of one kind: whoever works on a job takes one of them for a while, in the order of asking.

A host is named by its kind ("media"); a further one of that kind has a number ("media.2"), and a replica,
which takes orders from those of its kind, has another ("lipsync-1").
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from daemon.engines.seat import Seat
from models.progress import Progress
from pipeline.progress import loading

LOOK_S = 0.2
OTHERS_TURN = ""  # nothing is loaded: they are all at work for others


class Name(NamedTuple):
    """number: among those of its kind, from 1. replica: 0 when it is none."""

    kind: str
    number: int = 1
    replica: int = 0


def parsed(name: str) -> Name:
    kind, _, replica = name.partition("-")
    kind, _, number = kind.partition(".")
    return Name(kind, int(number or 1), int(replica or 0))


def numbered(kind: str, number: int) -> str:
    """The name of the host that is this one of its kind."""
    return kind if number == 1 else f"{kind}.{number}"


class Group:
    """seats: of one kind. shared: one seat, and whoever wants it asks its host, which serves one after the
    other."""

    def __init__(self, seats: Sequence[Seat], *, shared: bool) -> None:
        self.seats = tuple(seats)
        self._shared = shared
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self._taken: list[Seat] = []

    def why(self) -> str:
        """Why nobody can be asked; "" when somebody can."""
        whys = [seat.why() for seat in self.seats]
        return "" if "" in whys else whys[0]

    @property
    def serving(self) -> int:
        """So many are there, or on the way."""
        return sum(seat.trouble() is None for seat in self.seats)

    @contextmanager
    def taking(self, progress: Progress) -> Iterator[Seat]:
        """A seat for nobody else, that serves; waits for it, looking at `progress`. When all are in trouble,
        it is one of these: asking it says so. For the job, the wait counts as loading does."""
        if self._shared:
            yield self.seats[0]
            return
        seat = self._wait(progress)
        try:
            yield seat
        finally:
            self._give_back(seat)

    @contextmanager
    def aside(self, seat: Seat) -> Iterator[bool]:
        """Whether this seat can be had, at once; meanwhile nobody else has it."""
        with self._changed:
            free = self._shared or seat not in self._taken
            if free:
                self._taken.append(seat)
        try:
            yield free
        finally:
            if free:
                self._give_back(seat)

    def _wait(self, progress: Progress) -> Seat:
        own = object()
        with self._changed:
            self._line.append(own)
        try:
            while True:
                progress.check()
                with self._changed:
                    if (seat := self._next(own)) is not None:
                        self._taken.append(seat)
                        return seat
                self._wait_for_turn(own, progress)
        finally:
            with self._changed:
                self._line.remove(own)
                self._changed.notify_all()

    def _wait_for_turn(self, own: object, progress: Progress) -> None:
        with loading(progress, f"the {self.seats[0].title}" if self.why() else OTHERS_TURN):
            while True:
                progress.check()
                with self._changed:
                    if self._next(own) is not None:
                        return
                    self._changed.wait(LOOK_S)

    def _next(self, own: object) -> Seat | None:
        """The seat for this one, if it is the first in line."""
        return self._best() if self._line[0] is own else None

    def _best(self) -> Seat | None:
        """Of those that are free, one that serves: one that loads may well come after one that is busy now.
        When none will serve soon, any."""
        free = [seat for seat in self.seats if seat not in self._taken]
        hopeless = all(seat.trouble() is not None for seat in self.seats)
        return next((seat for seat in free if hopeless or not seat.why()), None)

    def _give_back(self, seat: Seat) -> None:
        with self._changed:
            self._taken.remove(seat)
            self._changed.notify_all()
