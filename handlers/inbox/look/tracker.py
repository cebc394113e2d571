"""What has stopped changing: told from one look at the folder to the next, by a monotonic clock.

A file's own times are only compared, never read: they may lie in the future, or in another century.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.inbox.look.scan import Found


@dataclass(frozen=True, slots=True)
class _Seen:
    """first: when the name was first there. since: when it was first seen as it is now."""

    found: Found
    first: float
    since: float


class Tracker:
    """It has no clock: all times are the ones given, in seconds, and never run backwards.

    settle_s: so long nothing may change. A folder has changed when anything in it has.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: dict[str, _Seen] = {}
        self._now = 0.0
        self._next_at: float | None = None

    def observe(self, found: Mapping[str, Found], now: float) -> None:
        """All that is there now. What is gone is forgotten, and begins anew when it comes back."""
        self._now = now
        self._seen = {name: self._look(name, there, now) for name, there in found.items()}
        ends = (seen.since + self._settle_s for seen in self._seen.values())
        self._next_at = min((end for end in ends if end > now), default=None)

    def settled(self, name: str) -> bool:
        """At the last look. False for what was not there."""
        seen = self._seen.get(name)
        return seen is not None and seen.since + self._settle_s <= self._now

    def since(self, name: str) -> float:
        """When it was first seen as it is now. Raises KeyError."""
        return self._seen[name].since

    def first_seen(self, name: str) -> float:
        """When the name was first there, however often its file has changed. Raises KeyError."""
        return self._seen[name].first

    def next_at(self) -> float | None:
        """When the next of them is settled if nothing changes; None: all are."""
        return self._next_at

    @property
    def restless(self) -> bool:
        """Something is not settled."""
        return self._next_at is not None

    def _look(self, name: str, there: Found, now: float) -> _Seen:
        before = self._seen.get(name)
        if before is None:
            return _Seen(there, now, now)
        return before if before.found == there else _Seen(there, before.first, now)
