"""SHA-256 of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from models.hub.watch import Watch

PIECE = 1 << 20  # bytes read at once


class Stopped(Exception):
    """Nobody waits for the result any more."""


def watched_sha256(path: Path, what: str, watch: Watch, stop: Callable[[], bool] = lambda: False) -> str:
    """64 hex digits. what: the file's name for a person. stop: asked now and then; True raises Stopped.

    Raises OSError.
    """
    digest = hashlib.sha256()
    piece = memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as file:
        number = watch.begin("checking", what, path.stat().st_size)
        try:
            while count := file.readinto(piece):
                digest.update(piece[:count])
                watch.advance(number, count)
                if stop():
                    raise Stopped
        finally:
            watch.end(number)
    return digest.hexdigest()
