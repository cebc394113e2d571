"""Telegram's rate limits: who sends faster is told to wait."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from tests.handlers.telegram.botapi.errors import ApiError
from tests.handlers.telegram.botapi.state import Chat

MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """per_chat_s: seconds between messages, of which `burst` may come at once. overall: in one second."""

    per_chat_s: float = 1.0
    burst: int = 5
    per_group_minute: int = 20
    overall: int = 30


@dataclass
class _Bucket:
    """Of `size` drops, one more every `every` seconds."""

    every: float
    size: int
    drops: float
    at: float

    def wait(self, now: float) -> float:
        """Seconds to wait before there is a drop; 0: there is one."""
        self.drops = min(self.size, self.drops + (now - self.at) / self.every)
        self.at = now
        return max(0.0, (1 - self.drops) * self.every) if self.drops < 1 else 0.0


@dataclass
class Pace:
    """Counts what is sent and edited. A refused call is not counted."""

    limits: Limits
    _chats: dict[int, _Bucket] = field(default_factory=dict)
    _groups: dict[int, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)

    def take(self, chat: Chat, now: float) -> None:
        """Raises ApiError 429. now: monotonic seconds."""
        limits = self.limits
        full = _Bucket(limits.per_chat_s, limits.burst, limits.burst, now)
        bucket = self._chats.setdefault(chat.id, full)
        group = self._groups.setdefault(chat.id, deque())
        waits = [bucket.wait(now), _window(self._all, now, 1.0, limits.overall)]
        if chat.kind != "private":
            waits.append(_window(group, now, MINUTE, limits.per_group_minute))
        if (wait := max(waits)) > 0:
            seconds = max(1, math.ceil(wait))
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        bucket.drops -= 1
        self._all.append(now)
        group.append(now)


def _window(times: deque[float], now: float, length: float, most: int) -> float:
    while times and times[0] <= now - length:
        times.popleft()
    return times[0] + length - now if len(times) >= most else 0.0
