"""Work that a process does not do itself: it is ordered from whoever has the engine, and a device free.

An order is a function by name, with JSON values and files: {"reads": [paths], "writes": path, …}. Whoever
takes it calls function(engine, arguments, progress), as a host does; what it leaves is in the file, and its
value is small. Two orders may be done at the same time, and in any order.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from models import wire
from models.progress import Progress
from models.wire import Message

LOOK_EVERY_S = 0.2


class Order(Protocol):
    def result(self, check: Callable[[], None]) -> Any:
        """What the function returned; waits for it, and calls `check` meanwhile, which may raise.

        Raises what the function raised, as a host does.
        """


class Orders(Protocol):
    def place(self, do: str, arguments: dict[str, Any], told: Callable[[float], None]) -> Order:
        """do: "package.module:function". told: gets how much of it is done, 0…1, while a
        result is waited for."""


class Taker(Protocol):
    """Who takes the orders of one piece of work, where they come from another process."""

    def take(
        self, order: int, call: str, arguments: dict[str, Any], reply: Callable[[Message], None]
    ) -> None:
        """Returns at once. reply: gets "told" and "brought" messages (models.wire), from any thread."""

    @property
    def busy(self) -> bool:
        """Whether something ordered was not brought yet."""

    def check(self) -> None:
        """Raises when what was ordered cannot be had."""

    def close(self) -> None:
        """Nothing of it is wanted any more."""


_TAKER: ContextVar[Orders] = ContextVar("orders")


def orders() -> Orders:
    """Of the work that is done here. Raises LookupError where nobody takes any."""
    return _TAKER.get()


@contextmanager
def taken_by(taker: Orders) -> Generator[None]:
    before = _TAKER.set(taker)
    try:
        yield
    finally:
        _TAKER.reset(before)


@dataclass(frozen=True)
class Heeding:
    """The Progress of work that is given up when what it ordered cannot be had."""

    progress: Progress
    taker: Taker

    def step(self, done: float, total: float) -> None:
        self.progress.step(done, total)

    def check(self) -> None:
        self.progress.check()
        self.taker.check()


class ByWire:
    """Orders of one piece of work, told to whoever asked for that; what comes back, to whoever waits."""

    def __init__(self, number: int, say: Callable[[Message], None]) -> None:
        self._number, self._say = number, say
        self._ids = itertools.count(1)
        self._told: dict[int, Callable[[float], None]] = {}
        self._brought: dict[int, Message] = {}
        self._news: deque[Message] = deque()
        self._changed = threading.Condition()

    def place(self, do: str, arguments: dict[str, Any], told: Callable[[float], None]) -> Order:
        order = next(self._ids)
        self._told[order] = told
        self._say(
            {"say": "order", "number": self._number, "order": order, "call": do, "arguments": arguments}
        )
        return _OrderByWire(self, order)

    def heard(self, message: Message) -> None:
        """From the thread that reads; returns at once."""
        if message["number"] == self._number:
            with self._changed:
                self._news.append(message)
                self._changed.notify_all()

    def wait_for(self, order: int, check: Callable[[], None]) -> Message:
        while order not in self._brought:
            with self._changed:
                if not self._news:
                    self._changed.wait(LOOK_EVERY_S)
                news, self._news = self._news, deque()
            for message in news:
                self._hear(message)
            check()
        return self._brought.pop(order)

    def _hear(self, message: Message) -> None:
        order = message["order"]
        if message["do"] == "told":
            self._told[order](message["share"])
            return
        told = self._told.pop(order)
        self._brought[order] = message
        if "value" in message:
            told(1.0)


class _OrderByWire:
    def __init__(self, orders: ByWire, order: int) -> None:
        self._orders, self._order = orders, order

    def result(self, check: Callable[[], None]) -> Any:
        brought = self._orders.wait_for(self._order, check)
        if "error" in brought:
            raise wire.restore(brought["error"])
        return brought["value"]
