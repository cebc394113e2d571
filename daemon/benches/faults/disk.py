"""A disk of its own for a data folder, that can be made too small for what lies on it (root).

A tmpfs takes memory only for what is written, and may be made smaller at any time: so it is full at once,
without a byte of filling. It is mounted where only this thread and what it starts can see it, and is gone
with them.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

from daemon.benches.faults.skipped import Skipped

LARGE = 8 * 2**30
_CLONE_NEWNS = 0x00020000
_LIBC = ctypes.CDLL(None, use_errno=True)
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Disk:
    """For the thread that makes the daemon."""

    def __init__(self) -> None:
        self._before: int | None = None

    def house(self, folder: Path) -> dict[str, Any]:
        """For a House: its data folder lies on this disk. Raises Skipped."""
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            raise Skipped("only root may mount a disk")
        before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        if _LIBC.unshare(_CLONE_NEWNS):
            os.close(before)
            raise Skipped(f"no mounts of its own: {os.strerror(ctypes.get_errno())}")
        self._before = before
        for command in (
            ["mount", "--make-rprivate", "/"],
            ["mount", "-t", "tmpfs", "-o", f"size={LARGE},mode=700", "tmpfs", str(data)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Skipped(f"no disk can be mounted: {done.stderr.strip()}")
        return {}

    def end(self) -> None:
        """The thread sees what it saw before."""
        before, self._before = self._before, None
        if before is not None:
            here = Path.cwd()
            failed = _LIBC.setns(before, _CLONE_NEWNS)
            os.close(before)
            if failed:
                raise OSError(ctypes.get_errno(), "the mounts of before cannot be had back")
            os.chdir(here)  # the change of mounts ends in the root


def fill(data: Path) -> None:
    """Not a page more."""
    has = os.statvfs(data)
    _resize(data, (has.f_blocks - has.f_bfree) * has.f_frsize + _PAGE)


def empty(data: Path) -> None:
    _resize(data, LARGE)


def _resize(data: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(data)], check=True, capture_output=True)
