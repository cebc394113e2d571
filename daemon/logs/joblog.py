"""The log of one job: a line for each event; tracebacks of its faults are only here."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

from daemon.folders import make_private
from daemon.jobs import iso
from daemon.logs import logline


class JobLog:
    """Appends to `path`, whose folder is made. A full disk silences the log; it never stops the job."""

    def __init__(self, path: Path, now: Callable[[], dt.datetime]) -> None:
        self.path = path
        self._now = now
        self._mask = logline.Mask()

    def event(self, name: str, /, **facts: object) -> None:
        self._write(f"{iso(self._now())} {logline.line(name, facts)}\n")

    def trace(self, error: BaseException) -> None:
        self._write(logline.trace(error))

    def _write(self, text: str) -> None:
        try:
            make_private(self.path.parent)
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace", opener=private) as f:
                f.write(self._mask(text))
        except OSError:
            pass


def private(path: str, flags: int) -> int:
    """An opener of files that only their owner may read."""
    return os.open(path, flags, 0o600)
