"""A control group with little memory, where the kernel's own OOM killer ends who wants more (root)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEAVE_S = 5.0
PLACES = ((Path("/sys/fs/cgroup"), "memory.max"), (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"))

SWAP = {"memory.swap.max": 0, "memory.memsw.limit_in_bytes": None}  # none; of both together, as much


@contextmanager
def limited(pid: int, limit: int) -> Iterator[bool]:
    """Meanwhile the process is in a group of its own with so many bytes. False: this machine lets us not;
    then it has to end itself as the kernel would (inside.py)."""
    found = (folder for root, name in PLACES if (folder := _entered(root, name, pid, limit)))
    folder = next(found, None)
    try:
        yield folder is not None
    finally:
        if folder is not None:
            _remove(folder)


def _entered(root: Path, name: str, pid: int, limit: int) -> Path | None:
    """None where the folder is none of the kernel's, or its groups have no limits of memory."""
    folder = root / f"vigentd-faults-{pid}"
    try:
        folder.mkdir()
    except OSError:
        return None
    with suppress(OSError):
        if (folder / name).exists():
            (folder / name).write_text(str(limit))
            for swap, least in SWAP.items():
                if (folder / swap).exists():
                    (folder / swap).write_text(str(limit if least is None else least))
            (folder / "cgroup.procs").write_text(str(pid))
            return folder
    folder.rmdir()
    return None


def _remove(folder: Path) -> None:
    """Once who was in it has been reaped."""
    until = time.monotonic() + LEAVE_S
    while time.monotonic() < until:
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)
