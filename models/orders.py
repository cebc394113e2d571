"""Work that a process does not do itself: it is ordered from whoever has the engine, and a device free.

An order is a function by name, with JSON values and files: {"reads": [paths], "writes": path, …}. Whoever
takes it calls function(engine, arguments, progress), as a host does; what it leaves is in the file, and its
value is small. Two orders may be done at the same time, and in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Order(Protocol):
    def result(self, check: Callable[[], None]) -> Any:
        """What the function returned; waits for it, and calls `check` meanwhile, which may raise.

        Raises what the function raised, as a host does.
        """


class Orders(Protocol):
    def place(self, do: str, arguments: dict[str, Any], told: Callable[[float], None]) -> Order:
        """do: "package.module:function". told: gets how much of it is done, 0…1, from any thread."""


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
