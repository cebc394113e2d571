"""How work reports itself. Only real work does: it is the heartbeat."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    def step(self, done: float, total: float) -> None:
        """`done` of `total` units are ready. Raises Cancelled when the job should stop."""

    def check(self) -> None:
        """Raises Cancelled when the job should stop. Not a heartbeat: for those who wait, not work."""


class Quiet:
    """For work that nobody watches and nobody can stop."""

    def step(self, done: float, total: float) -> None:
        pass

    def check(self) -> None:
        pass


@dataclass(frozen=True)
class Share:
    """A piece of work that is a part of a larger one: its 0…1 is the whole's begin…end."""

    whole: Progress
    begin: float
    end: float

    def step(self, done: float, total: float) -> None:
        inside = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        self.whole.step(self.begin + (self.end - self.begin) * inside, 1.0)

    def check(self) -> None:
        self.whole.check()


def side_by_side(whole: Progress, *shares: float) -> list[Progress]:
    """For pieces of a larger work that go on at the same time, in different threads.

    shares: what part of the whole each is; they make 1 together.
    """
    parts, lock = [0.0] * len(shares), threading.Lock()
    return [_Beside(whole, number, shares, parts, lock) for number in range(len(shares))]


@dataclass(frozen=True)
class _Beside:
    _whole: Progress
    _number: int
    _shares: tuple[float, ...]
    _parts: list[float]  # how much of each piece is done, 0…1; never less than it was
    _lock: threading.Lock

    def step(self, done: float, total: float) -> None:
        with self._lock:
            part = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
            self._parts[self._number] = max(part, self._parts[self._number])
            together = sum(share * part for share, part in zip(self._shares, self._parts, strict=True))
            self._whole.step(together, 1.0)  # within the lock: who is told of less must be told first

    def check(self) -> None:
        self._whole.check()
