"""Databases for tests that are not about their making."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from daemon.queue import Queue


def lay_database(path: Path) -> None:
    """An empty one, as a first start leaves it: to be opened in a tenth of the time that its making takes."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(_empty())


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vigentd.db")
        Queue(path).close()
        return path.read_bytes()
