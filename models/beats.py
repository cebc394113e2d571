"""Heartbeats of work that has no steps of its own: loading, and the copying of files.

Whatever is done says so by `beat()`: a tensor laid into a network, a graph recorded, a piece of a file
copied. In work that has steps it is one heartbeat more (work.py). While loading, each module that is
imported does by itself. Nothing here runs by a timer.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.machinery import ModuleSpec
from types import ModuleType

_TELL_EVERY_S = 0.1
_LISTENER: ContextVar[Callable[[], None]] = ContextVar("listener", default=lambda: None)


def beat() -> None:
    """A piece of the work is done. Nobody has to listen."""
    _LISTENER.get()()


@contextmanager
def heard(listen: Callable[[], None]) -> Generator[None]:
    """Meanwhile each beat in this thread calls `listen`, which has to return at once."""
    before = _LISTENER.set(listen)
    try:
        yield
    finally:
        _LISTENER.reset(before)


@contextmanager
def beating(tell: Callable[[int], None], clock: Callable[[], float] = time.monotonic) -> Generator[None]:
    """Meanwhile `tell` is told how many heartbeats there were, ten times a second at most."""
    beats = _Beats(tell, clock)
    imports = _Imports(beats)
    sys.meta_path.insert(0, imports)
    try:
        with heard(beats):
            yield
    finally:
        sys.meta_path.remove(imports)


class _Beats:
    """From any thread. One that comes while others are told, such as by an import for that, is told later."""

    def __init__(self, tell: Callable[[int], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._count = 0
        self._told_at = float("-inf")
        self._telling = threading.Lock()

    def __call__(self) -> None:
        self._count += 1
        if self._clock() - self._told_at >= _TELL_EVERY_S and self._telling.acquire(blocking=False):
            try:
                self._told_at = self._clock()
                self._tell(self._count)
            finally:
                self._telling.release()


class _Imports:
    """A finder of modules that finds none, and only sees that one is looked for."""

    def __init__(self, beats: _Beats) -> None:
        self._beats = beats

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        self._beats()
        return None
