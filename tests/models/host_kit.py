"""What the tests of hosts share: hosts that are ended again, a progress to watch and stop them by."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from models.budgets import even
from models.host import Host, Plan
from models.progress import Quiet

WORK = "tests.models.host_work"


class Watch:
    """Progress that remembers, and raises `stop` once it is set."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.began = threading.Event()
        self.waited = threading.Event()
        self.stop: BaseException | None = None

    def step(self, done: float, total: float) -> None:
        self.steps.append((done, total))
        self.began.set()
        self._look()

    def check(self) -> None:
        self.waited.set()
        self._look()

    def _look(self) -> None:
        if self.stop is not None:
            raise self.stop


class Hosts:
    """Makes hosts, and remembers in which order they ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "logs" / "host.log"
        self.scratch = folder / "tmp" / "host"
        self.made: list[Host] = []
        self.rungs: list[tuple[str, dict[str, Any]]] = []  # of all of them
        self.climbs = threading.Event()
        self.ended: list[Host] = []

    def new(self, load: str = "", **plan: Any) -> Host:
        plan = {"name": "media", "load": load and f"{WORK}:{load}", **plan}
        host = Host(
            Plan(**plan), log=self.log, scratch=self.scratch, on_exit=self.ended.append, on_rung=self._rung
        )
        self.made.append(host)
        return host

    def _rung(self, rung: str, facts: dict[str, Any]) -> None:
        self.rungs.append((rung, facts))
        self.climbs.set()

    def started(self, load: str = "", **plan: Any) -> Host:
        host = self.new(load, **plan)
        host.start()
        return host


def ask(host: Host, do: str, progress: Any = None, *, patience_s: float = 60.0, **arguments: Any) -> Any:
    return host.ask(f"{WORK}:{do}", arguments, progress or Quiet(), floors=even(patience_s))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def within(seconds: float, true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def gone(pid: int) -> bool:
    """Or a zombie that its new parent has not looked at yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def pids(path: Path) -> list[int]:
    """What `stuck` has started."""
    assert within(10, lambda: path.exists() and path.read_text().endswith("\n"))
    return [int(pid) for pid in path.read_text().split()]
