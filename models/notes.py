"""Our own notes about the engines (loaded in …, spoken in …): into a log, with their time, among what
libraries print without saying when."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_OURS = logging.getLogger("vigentd")


def write_notes(handler: logging.Handler) -> None:
    """From now on."""
    handler.setFormatter(_Stamped("%(asctime)sZ %(message)s", "%Y-%m-%dT%H:%M:%S"))
    _OURS.addHandler(handler)
    _OURS.setLevel(logging.INFO)
    _OURS.propagate = False  # a library may set up the root's


@contextmanager
def notes_to(path: Path) -> Generator[None]:
    """Meanwhile, they are appended to `path`."""
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    before = _OURS.level, _OURS.propagate
    write_notes(handler)
    try:
        yield
    finally:
        _OURS.removeHandler(handler)
        _OURS.setLevel(before[0])
        _OURS.propagate = before[1]
        handler.close()


class _Stamped(logging.Formatter):
    converter = staticmethod(time.gmtime)
