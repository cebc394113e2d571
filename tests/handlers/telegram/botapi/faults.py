"""What goes wrong between the bot and Telegram: one at a time as told, or a storm that can be had again."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

Kind = Literal["too_many", "error", "bad_gateway", "drop_before", "drop_after", "late", "slow"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DONE = {"drop_after", "late", "slow"}  # what was asked is done nevertheless


@dataclass
class Fault:
    """Hits `times` calls of `method` (a glob; downloads are "download"), after it has let `after` pass.

    too_many: 429 with retry_after seconds. error: 500 in JSON. bad_gateway: 502 in HTML.
    drop_before: the connection is closed and nothing was done. drop_after: it is done, and then closed with
    no answer. late: it is done, the answer comes after `seconds`. slow: half of `seconds` go by before the
    request is read (a bot that leaves before that has asked for nothing), the other half in the middle of the
    answer.
    """

    method: str
    kind: Kind
    times: int = 1
    after: int = 0
    retry_after: int = 1
    seconds: float = 1.0
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault: {', '.join(KINDS)}")

    def strike(self, method: str) -> Fault | None:
        if not _matches(method, self.method):
            return None
        if self.after > 0:
            self.after -= 1
            return None
        if self.hits >= self.times:
            return None
        self.hits += 1
        return self

    @property
    def is_over(self) -> bool:
        return self.hits >= self.times


class Storm:
    """Faults by chance at `rate` (0..1) of the calls of `methods` (globs), at most `most` of them.

    The same seed hits the n-th call of a method in the same way, whatever other methods are called between.
    """

    def __init__(
        self,
        seed: int,
        rate: float,
        methods: Sequence[str] = ("*",),
        kinds: Sequence[Kind] = KINDS,
        *,
        most: int | None = None,
        retry_after: int = 1,
        seconds: float = 0.2,
    ) -> None:
        self.seed = seed
        self.rate = rate
        self.methods = tuple(methods)
        self.kinds = tuple(kinds)
        self.most = most
        self.retry_after = retry_after
        self.seconds = seconds
        self.hits = 0
        self._counts: Counter[str] = Counter()

    def strike(self, method: str) -> Fault | None:
        if not any(_matches(method, m) for m in self.methods) or self.is_over:
            return None
        name = method.lower()
        self._counts[name] += 1
        chance = random.Random(f"{self.seed} {name} {self._counts[name]}")
        if chance.random() >= self.rate:
            return None
        self.hits += 1
        kind = chance.choice(self.kinds)
        return Fault(method, kind, retry_after=self.retry_after, seconds=self.seconds)

    @property
    def is_over(self) -> bool:
        return self.most is not None and self.hits >= self.most


class Trouble(Protocol):
    """Fault or Storm."""

    @property
    def is_over(self) -> bool: ...

    def strike(self, method: str) -> Fault | None: ...


class Faults:
    """struck: (method, kind) of every fault that hit, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []
        self.struck: list[tuple[str, Kind]] = []

    def add(self, *troubles: Trouble) -> None:
        with self._lock:
            self._troubles += troubles

    def clear(self) -> None:
        with self._lock:
            self._troubles.clear()

    @property
    def are_over(self) -> bool:
        with self._lock:
            return all(t.is_over for t in self._troubles)

    def strike(self, method: str) -> Fault | None:
        with self._lock:
            for trouble in self._troubles:
                fault = trouble.strike(method)
                if fault is not None:
                    self.struck.append((method, fault.kind))
                    return fault
            return None


def _matches(method: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(method.lower(), pattern.lower())
