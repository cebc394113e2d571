"""Files and folders of weights: named when they are whole, and one command at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from models.errors import FULL, Unavailable

LOCK = ".models.lock"
PART = ".part"  # a model's folder while it is not whole: "LatentSync-1.6.part"


def part_of(weights: Path, name: str) -> Path:
    """Where the files of a model are gathered until all of them are there."""
    return weights / f"{name}{PART}"


def free_bytes(folder: Path) -> int:
    """On the disk of a folder that may not be there yet. Raises OSError."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


@contextmanager
def alone(weights: Path) -> Generator[None]:
    """Makes the folder; no other command changes anything in it meanwhile.

    Raises Unavailable `models_busy` at once when one does, `models_unwritable`, `disk_full`.
    """
    with told(weights):
        weights.mkdir(parents=True, exist_ok=True)
        lock = os.open(weights / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with told(weights):
            _take(lock, weights)
        yield
    finally:
        os.close(lock)


def _take(lock: int, weights: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        whose = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        process = f" (process {whose})" if whose.isdigit() else ""
        raise Unavailable(
            f"Another `vigentd models` is at work in {weights}{process}",
            code="models_busy",
            hint="Wait until it is done; `vigentd models ls` shows how far it is.",
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


@contextmanager
def told(path: Path, doing: Literal["read", "written"] = "written") -> Generator[None]:
    """Troubles with the disk, in words for a person: Unavailable `disk_full`, `file_too_large`,
    `models_unwritable`, `models_unreadable`."""
    try:
        yield
    except OSError as e:
        raise _in_words(path, doing, e) from e


def _in_words(path: Path, doing: str, error: OSError) -> Unavailable:
    if error.errno in FULL:
        return Unavailable(
            f"The disk of {path} is full",
            code="disk_full",
            hint="Free some space (`vigentd clean`) and run the same command again: it goes on where it was.",
        )
    if error.errno == errno.EFBIG:
        return Unavailable(
            f"A file of {path} grew larger than this disk, or `ulimit -f`, allows",
            code="file_too_large",
            hint="Set models.folder in vigentd.toml to another disk, or lift the limit.",
        )
    if doing == "read":
        hint = "Check the disk, and give vigentd's user the right to read there."
    else:
        hint = "Give vigentd's user the right to write there, or set models.folder in vigentd.toml."
    return Unavailable(
        f"{error.filename or path} cannot be {doing}: {error.strerror or error}",
        code="models_unreadable" if doing == "read" else "models_unwritable",
        hint=hint,
    )
