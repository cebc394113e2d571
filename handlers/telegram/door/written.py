"""A file that is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.result import temporary


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Where to write: what is there at the end of the block becomes `out`; when it raises, nothing does."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = temporary(out)
    try:
        yield part
        with part.open("rb") as f:
            os.fsync(f.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
