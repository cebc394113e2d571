"""The log of one job: a line for each event, readable by people and by `grep`; tracebacks only here.

2026-11-21T22:39:25.612Z stage name=speech seconds=1.21 reused=false artifact=speech-3fa94c21b07d
"""

from __future__ import annotations

import datetime as dt
import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path

from daemon.folders import make_private
from daemon.jobs import iso


class JobLog:
    """Appends to `path`, whose folder is made. A full disk silences the log; it never stops the job."""

    def __init__(self, path: Path, now: Callable[[], dt.datetime]) -> None:
        self.path = path
        self._now = now

    def event(self, name: str, /, **facts: object) -> None:
        said = " ".join(f"{key}={_plain(value)}" for key, value in facts.items())
        self._write(f"{iso(self._now())} {name} {said}".rstrip() + "\n")

    def trace(self, error: BaseException) -> None:
        lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
        self._write("".join(f"    {line}\n" for line in lines))

    def _write(self, text: str) -> None:
        try:
            make_private(self.path.parent)
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as f:
                f.write(text)
        except OSError:
            pass


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = str(value)
    return text if text and not any(c in ' "=\n\r\t' for c in text) else json.dumps(text, ensure_ascii=False)
