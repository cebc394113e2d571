"""A control group with little memory, where the kernel's own OOM killer ends who wants more (root)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PLACES = ((Path("/sys/fs/cgroup"), "memory.max"), (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"))


@contextmanager
def limited(pid: int, limit: int) -> Iterator[bool]:
    """Meanwhile the process is in a group of its own with so many bytes. False: this machine lets us not;
    then it has to end itself as the kernel would (inside.py)."""
    for root, name in PLACES:
        folder = root / f"vigentd-faults-{pid}"
        with suppress(OSError):
            folder.mkdir()
            try:
                (folder / name).write_text(str(limit))
                (folder / "cgroup.procs").write_text(str(pid))
            except OSError:
                folder.rmdir()
                continue
            try:
                yield True
            finally:
                with suppress(OSError):  # who is in it still keeps it
                    folder.rmdir()
            return
    yield False
