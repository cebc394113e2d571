"""The report in a file, for when the event loop cannot answer: written anew every two seconds.

Its age tells whether the daemon runs at all. The clock stands still while the machine sleeps, is the same
in all processes, and begins anew with each boot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from daemon.health.kept import keep, now, recall
from daemon.health.report import Report
from daemon.logs.tell import Tell

EVERY_S = 2.0
STOP_S = 1.0


class Kept(NamedTuple):
    told: dict[str, Any]
    age_s: float


class ReportFile:
    """A thread of its own writes it, so that a disk which hangs does not hold up the gathering."""

    def __init__(self, file: Path, report: Callable[[], Report], log: Tell) -> None:
        self._file = file
        self._report = report
        self._log = log
        self._failed = ""
        self._boot = now().boot
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-file", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """And takes the file away."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        try:
            self._file.unlink(missing_ok=True)
        except OSError as e:
            self._log.warning("health_file", error=e.strerror)

    def write(self) -> None:
        """Once. What fails is logged once: a full disk is told of by others."""
        try:
            keep(self._file, self._boot, self._report().as_dict() | {"written_at": time.monotonic()})
            self._failed = ""
        except Exception as e:
            if self._failed != repr(e):
                self._failed = repr(e)
                self._log.warning("health_file", error=repr(e))

    def _run(self) -> None:
        while not self._leaving.is_set():
            self.write()
            self._leaving.wait(EVERY_S)


def read(file: Path) -> Kept | None:
    """None when there is none of this boot, or it is damaged."""
    told = recall(file, now().boot)
    written_at = told.pop("written_at", None)
    if not isinstance(written_at, int | float) or not {"pid", "verdict", "components"} <= told.keys():
        return None
    return Kept(told, max(time.monotonic() - written_at, 0.0))
