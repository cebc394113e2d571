"""One worker at a time: a lock on a file in the data folder.

The kernel lets go of the lock when its holder dies, however it dies; so whoever holds it knows that
nobody else works, and that a job still marked as running lost its worker.

It is an "open file description" lock (fcntl(2)): like flock(2) it belongs to the opened file and not to
the process, but one can also ask who has it without taking it oneself; a worker that starts at that
moment is not turned away.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
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
        if not _locked(fd):
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
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _is_free(fd):
            return None
        said = os.pread(fd, 200, 0)
    finally:
        os.close(fd)
    try:
        told = json.loads(said)
        return Holder(int(told["pid"]), str(told["kind"]))
    except (ValueError, KeyError):
        return Holder(0, "unknown")  # taken this very moment: its name is not written yet


# struct flock of 64-bit Linux: type, whence, start, length (0: all of it), pid (0: unused here)
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _locked(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except BlockingIOError:
        return False
    return True


def _is_free(fd: int) -> bool:
    kind: int = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE_FILE))[0]
    return kind == fcntl.F_UNLCK
