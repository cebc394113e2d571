"""Does each operation on a file system that is really full, with a little more room each time.

Run in a mount namespace of its own, with an empty tmpfs (first argument) and a folder elsewhere. Prints,
as JSON, how many free pages each operation needed; an AssertionError says what was not as it should be
with less.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from daemon.queue import Queue
from models.errors import VigentdError
from tests.daemon.operations import OPERATIONS, Operation, files, opened, rows

PAGE = 4096
ENOUGH = 400  # pages: no operation needs as many


def needed(operation: Operation, disk: Path, elsewhere: Path) -> int:
    """Pages, tried from none at all to as many as it takes: each number, or, of what takes some fifty, each
    tenth."""
    with TemporaryDirectory(dir=elsewhere) as name:
        before, after = Path(name) / "before", Path(name) / "after"
        before.mkdir()
        operation.prepare(before)
        shutil.copytree(before, after)
        with opened(after) as queue:
            operation.act(queue, after)
        for pages in range(0, ENOUGH, 10 if operation.opens else 1):
            folder = disk / "data"
            shutil.copytree(before, folder)
            refused = _try(operation, folder, disk, pages, rows(before), rows(after))
            shutil.rmtree(folder)
            if not refused:
                return pages
    raise AssertionError("there is never enough room")


def _try(operation: Operation, folder: Path, disk: Path, pages: int, before: object, after: object) -> bool:
    """Whether there was no room. Then all is as before, and the same call works once there is."""
    filler = disk / "filler"
    there = files(folder)
    with ExitStack() as stack:
        queue: Queue | None = None
        if operation.opens:
            gc.collect()  # the file of one that could not be opened is held until then, and so is its room
        else:
            queue = stack.enter_context(opened(folder))
        _fill(filler, disk, pages)
        try:
            operation.act(queue or stack.enter_context(opened(folder)), folder)
        except (VigentdError, OSError) as e:
            _check_words(e)
        else:
            filler.unlink()
            assert rows(folder) == after
            return False
        filler.unlink()
        assert rows(folder) == before, f"{pages} pages"
        found = files(folder)
        assert {name: found.get(name) for name in there} == there
    with opened(folder) as queue:  # the same call again; the hour is the same, so the rows are
        operation.act(queue, folder)
    assert rows(folder) == after, f"{pages} pages"
    return True


def _check_words(error: VigentdError | OSError) -> None:
    if isinstance(error, VigentdError):
        assert error.code == "disk_full", f"{error.code}: {error.message}"
        assert "full" in error.message and error.hint
    else:  # of a stage: the runner says that the disk is full
        assert error.errno == errno.ENOSPC, error


def _fill(filler: Path, disk: Path, pages: int) -> None:
    """So that as many pages are free, and not one more."""
    with filler.open("wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(PAGE))
        except OSError as e:
            assert e.errno == errno.ENOSPC
        os.truncate(filler, filler.stat().st_size // PAGE * PAGE - pages * PAGE)
    assert shutil.disk_usage(disk).free == pages * PAGE


if __name__ == "__main__":
    tmpfs, other = map(Path, sys.argv[1:])
    print(json.dumps({name: needed(operation, tmpfs, other) for name, operation in OPERATIONS.items()}))
