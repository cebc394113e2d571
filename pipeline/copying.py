"""Bytes from one file to another, in pieces, so that one sees that it gets on: also on a slow share."""

from __future__ import annotations

import os
import shutil
from typing import IO

from models.beats import beat

PIECE = 2**20
# What is written goes into memory first, and then one wait for all of it would be long and silent.
AT_ONCE = 16 * PIECE


def copy_bytes(read: IO[bytes], write: IO[bytes]) -> None:
    """All that is left to read; on the disk when this returns. Each piece is a heartbeat. Raises OSError."""
    steady = _Steady(write)
    shutil.copyfileobj(read, steady, PIECE)
    steady.sync()


class _Steady:
    """What is written reaches the disk little by little."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting = 0

    def write(self, piece: bytes) -> int:
        written = self._file.write(piece)
        self._waiting += len(piece)
        if self._waiting >= AT_ONCE:
            self.sync()
        beat()
        return written

    def flush(self) -> None:
        self._file.flush()

    def sync(self) -> None:
        self.flush()
        os.fsync(self._file.fileno())
        self._waiting = 0
        beat()
