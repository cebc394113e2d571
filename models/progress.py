"""How work reports itself. Only real work does: it is the heartbeat."""

from __future__ import annotations

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
