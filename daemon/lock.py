"""One worker at a time: an flock on a file in the data folder.

The kernel lets go of the lock when its holder dies, however it dies; so whoever holds it knows that
nobody else works, and that a job still marked as running lost its worker.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

LOCK_NAME = "worker.lock"

Kind = Literal["daemon", "foreground"]


@dataclass(frozen=True)
class Holder:
    """Who says that they hold the lock: for messages, not for decisions."""

    pid: int
    kind: str


class WorkerLock:
    """Held from `take` to `release` (or the end of the process). Child programs do not inherit it."""

    def __init__(self, folder: Path, kind: Kind = "foreground") -> None:
        self._path = folder / LOCK_NAME
        self._kind = kind
        self._fd: int | None = None

    def take(self) -> bool:
        """True when it is ours now; never waits."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _flock(fd):
            os.close(fd)
            return False
        self._fd = fd
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid(), "kind": self._kind}).encode(), 0)
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(folder: Path) -> Holder | None:
    """Who holds the worker lock now; None when nobody does."""
    path = folder / LOCK_NAME
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _flock(fd):
            return None
        said = os.pread(fd, 200, 0)
    finally:
        os.close(fd)
    try:
        told = json.loads(said)
        return Holder(int(told["pid"]), str(told["kind"]))
    except (ValueError, KeyError):
        return Holder(0, "unknown")  # taken this very moment: its name is not written yet


def _flock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
