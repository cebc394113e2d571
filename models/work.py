"""What a host knows of its own work: the steps it takes, and what it says when asked how it is."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.errors import Cancelled
from models.wire import Health, Message

_TELL_EVERY_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Status:
    """Written by the work, read by the control thread, which must not have to wait for it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.device = "cpu"
        self._clock = clock
        self._lock = threading.Lock()  # never held for longer than it takes to write a few numbers
        self._state, self._job, self._stage = "loading", "", ""
        self._heartbeats = 0
        self._since = clock()
        self._vram = 0
        self.engine = ""

    def enter(self, state: str, job: str = "", stage: str = "") -> None:
        with self._lock:
            self._state, self._job, self._stage, self._since = state, job, stage, self._clock()
        self.look_at_gpu()

    def beat(self) -> None:
        with self._lock:
            self._heartbeats += self._state == "busy"
            self._since = self._clock()

    def look_at_engine(self, engine: Any) -> None:
        name = getattr(engine, "name", None)
        self.engine = "" if name is None else f"{name}/{getattr(engine, 'version', 0)}"

    def look_at_gpu(self) -> None:
        """To be called by who works: asking torch may mean to wait for it."""
        cuda = getattr(sys.modules.get("torch"), "cuda", None)
        initialized = getattr(cuda, "is_initialized", None)  # torch may be only half imported
        if cuda is not None and initialized is not None and initialized():
            self._vram = int(cuda.memory_reserved())

    def size(self) -> Message:
        """What goes along with every message about work: then nobody has to ask for it."""
        return {"heartbeats": self._heartbeats, "rss": _rss(), "vram": self._vram}

    def health(self) -> Message:
        """A Health, as a message."""
        with self._lock:
            state, job, stage = self._state, self._job, self._stage
            beats, age_s = self._heartbeats, self._clock() - self._since
        memory = (_rss(), self._vram)
        health = Health(state, job, stage, beats, age_s, *memory, self._versions(), self.device, os.getpid())
        return asdict(health)

    def _versions(self) -> dict[str, str]:
        torch = getattr(sys.modules.get("torch"), "__version__", None)
        found = {
            "python": sys.version.split()[0],
            "engine": self.engine,
            "torch": None if torch is None else str(torch),
        }
        return {name: version for name, version in found.items() if version}


class Steps:
    """The Progress of one piece of work: each step is counted, some are told, the last one is.

    tell: sends a message. cancelled: whether the work should stop. Steps may come from any thread.
    """

    def __init__(
        self,
        number: int,
        status: Status,
        tell: Callable[[Message], None],
        cancelled: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._number = number
        self._status = status
        self._tell = tell
        self._cancelled = cancelled
        self._clock = clock
        self._lock = threading.Lock()
        self._beats = 0
        self._at = (0.0, 1.0)  # how far it is
        self._untold = False
        self._told_at = float("-inf")

    def step(self, done: float, total: float) -> None:
        self._count((float(done), float(total)))
        self.check()

    def beat(self) -> None:
        """Work that brings it no further, as far as one sees, and yet is work: a heartbeat alone."""
        self._count(None)

    def _count(self, at: tuple[float, float] | None) -> None:
        self._status.beat()
        with self._lock:
            self._beats += 1
            self._at, self._untold = at or self._at, True
            if self._clock() - self._told_at >= _TELL_EVERY_S:
                self._tell_last()

    def check(self) -> None:
        if self._cancelled():
            raise Cancelled

    def finish(self) -> None:
        """The work is over: tells the last step, if it was not."""
        with self._lock:
            self._tell_last()

    def _tell_last(self) -> None:
        if not self._untold:
            return
        self._status.look_at_gpu()
        step = {"number": self._number, "beats": self._beats, "done": self._at[0], "total": self._at[1]}
        self._tell({"say": "step", **step, "size": self._status.size()})
        self._untold, self._told_at = False, self._clock()


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
