"""C++ libraries talk on file descriptor 2, whatever one sets. This sends that to a file.

Python's own sys.stderr keeps going where it went, so a progress bar or an error still reaches the person.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def native_stderr_to(path: Path) -> Iterator[None]:
    """Meanwhile, what native code writes to stderr is appended to `path`."""
    sys.stderr.flush()
    person, python = os.dup(2), sys.stderr
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        with os.fdopen(os.dup(person), "w", buffering=1, errors="backslashreplace") as stream:
            if _is_native(python):
                sys.stderr = stream
            os.dup2(target, 2)
            yield
    finally:
        sys.stderr = python
        os.dup2(person, 2)
        os.close(person)
        os.close(target)


def _is_native(stream: object) -> bool:
    """Whether it ends in descriptor 2 (and not, say, in a test's buffer)."""
    try:
        return getattr(stream, "fileno", lambda: -1)() == 2
    except (OSError, ValueError):
        return False
