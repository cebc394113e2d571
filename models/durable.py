"""What is written, or gets its name, is on the disk then: it survives a power cut."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from pathlib import Path

from models.beats import beat

_PIECE = 32 * 2**20  # bytes


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
    """What was written to the file, or renamed in the folder, is on the disk now. Of a large file each piece
    is a heartbeat: a slow disk may take minutes for all of it. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if (size := os.fstat(file).st_size) > _PIECE and path.is_file():
            with suppress(OSError, ValueError):  # where that cannot be done, or fails, fsync says so
                _in_pieces(path, size)
        os.fsync(file)
    finally:
        os.close(file)
    beat()


def _in_pieces(path: Path, size: int) -> None:
    with path.open("rb+") as file:  # of who may not write, nothing is flushed
        for begin in range(0, size, _PIECE):
            length = min(_PIECE, size - begin)
            with mmap.mmap(file.fileno(), length, offset=begin) as piece:
                piece.flush()  # what was written by other means, too
            beat()
