"""Progress for tests that ask what was reported, or that cancel. For all others: models.progress.Quiet."""

from __future__ import annotations

from models.errors import Cancelled


class Steps:
    """Remembers every step as (done, total); cancels after so many."""

    def __init__(self, cancel_after: int = 10**9) -> None:
        self.seen: list[tuple[float, float]] = []
        self.cancel_after = cancel_after

    @property
    def shares(self) -> list[float]:
        """How far the whole was, 0…1, at every step."""
        return [done / total for done, total in self.seen]

    def step(self, done: float, total: float) -> None:
        self.seen.append((done, total))
        self._cancel_when_due()

    def check(self) -> None:
        self._cancel_when_due()

    def _cancel_when_due(self) -> None:
        if len(self.seen) >= self.cancel_after:
            raise Cancelled
