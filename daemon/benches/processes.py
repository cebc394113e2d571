"""Who runs on this machine, as /proc tells it. For measuring and for tests; nothing is decided by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        for children in PROC.glob(f"{parent}/task/*/children"):
            waiting += [int(child) for child in _read(children).split()]
    return found


def host(daemon: int, name: str) -> int:
    """The process of this host; 0 when there is none."""
    return next((pid for pid in family(daemon)[1:] if is_host(pid, name)), 0)


def is_host(pid: int, name: str) -> bool:
    told = command(pid)
    return "models.resident" in told and told.endswith(" " + name)


def rss(pid: int) -> int:
    """Bytes of memory that it holds now; 0 when it is gone."""
    fields = _read(PROC / f"{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def cpu_s(pid: int) -> float:
    """Seconds of processor time that it has taken so far, its threads' together."""
    fields = _read(PROC / f"{pid}/stat").rpartition(b")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def command(pid: int) -> str:
    return _read(PROC / f"{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def maps(pid: int) -> str:
    """The files that it has mapped: its libraries."""
    return _read(PROC / f"{pid}/maps").decode(errors="replace")


def with_variable(name: str, value: str) -> Iterator[int]:
    """The processes that were started with this in their environment, zombies not counted."""
    wanted = f"{name}={value}".encode()
    for folder in PROC.glob("[0-9]*"):
        if wanted in _read(folder / "environ").split(b"\0"):
            yield int(folder.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile, or is somebody else's
        return b""
