"""What is written, or gets its name, is on the disk then: it survives a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def written(path: Path, data: bytes) -> None:
    """The file is there with this content, or it is as it was. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        moved(part, path)
    finally:
        part.unlink(missing_ok=True)


def moved(source: Path, target: Path) -> None:
    """Renames, also over a file or a link that is there. Raises OSError."""
    source.replace(target)
    flushed(target.parent)


def flushed(path: Path) -> None:
    """What was written to the file, or renamed in the folder, is on the disk now. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
