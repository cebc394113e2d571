"""The log of one host: what the process and its libraries print is appended to it, and where it was stuck."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

LARGEST = 5_000_000  # bytes, at the start; then the log begins anew


def rotate(log: Path) -> None:
    """When it is large, its content is set aside; a process that appends to it goes on doing so."""
    with suppress(OSError):
        if log.stat().st_size > LARGEST:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)


def opened(log: Path) -> int:
    """A descriptor to append to. Raises OSError."""
    rotate(log)
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def tail(log: Path, begin: int, most: int = 64_000) -> str:
    """The last that was written after the first `begin` bytes; "" when it cannot be read."""
    try:
        with log.open("rb") as f:
            end = f.seek(0, os.SEEK_END)
            f.seek(max(begin if begin <= end else 0, end - most))  # it has begun anew meanwhile
            return f.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def size(log: Path) -> int:
    """Bytes; 0 when there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0
