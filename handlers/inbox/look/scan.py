"""What lies in an inbox right now: names, kinds, and the marks that tell whether something has changed.

Nothing is opened, and no link is followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from handlers.inbox.names import role_of
from models.beats import beat

DEEPEST = 4  # levels of a folder that are looked into: one that has more is no job
MOST = 2_000  # files and folders in a folder, likewise

Kind = Literal["file", "folder", "link", "special"]
_KINDS: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_GONE = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether a file is still the same one, unchanged."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, there: os.stat_result) -> Mark:
        return cls(there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Entry:
    """links: how many names the file has (st_nlink)."""

    name: str
    kind: Kind
    mark: Mark
    links: int


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the inbox.

    inner:      of a folder, all that is in it, sorted; their names are relative to it ("sub/a.txt").
    too_much:   it is deeper than DEEPEST levels or has more than MOST in it; inner is not all of it.
    unreadable: why it (or a folder in it) cannot be looked at, as the system says it; "" when it can.
    """

    entry: Entry
    inner: tuple[Entry, ...] = ()
    too_much: bool = False
    unreadable: str = ""


def scan(root: Path, ours: frozenset[str]) -> dict[str, Found]:
    """All in the inbox but `ours`, by name. What vanishes while it is looked at is left out.

    Raises OSError when the inbox itself cannot be looked at.
    """
    found: dict[str, Found] = {}
    with os.scandir(root) as there:
        for item in there:
            if item.name in ours:
                continue
            try:
                entry = _entry(item, item.name)
            except _GONE:
                continue
            except OSError as e:
                if not os.access(root, os.X_OK):  # then it is not this one: nothing in it can be looked at
                    raise
                found[item.name] = Found(_unknown(item), unreadable=_why(e))
                continue
            looked_at = _folder(item.path, entry) if entry.kind == "folder" else Found(entry)
            if looked_at is not None:
                found[item.name] = looked_at
    return found


def _folder(path: str, entry: Entry) -> Found | None:
    """None: it has vanished. What programs keep for themselves is not entered: it may be large."""
    if not _is_entered(entry.name):
        return Found(entry)
    inner: list[Entry] = []
    try:
        with _opened(path) as folder:
            for within in _walk(folder, "", 1):
                if within is None or len(inner) == MOST:
                    return Found(entry, _sorted(inner), too_much=True)
                inner.append(within)
    except _GONE:
        return None
    except OSError as e:
        return Found(entry, _sorted(inner), unreadable=_why(e))
    return Found(entry, _sorted(inner))


def _walk(folder: int, prefix: str, level: int) -> Iterator[Entry | None]:
    """All in the open folder, to any depth; None when it goes too deep."""
    with os.scandir(folder) as there:
        for item in there:
            with contextlib.suppress(*_GONE):
                entry = _entry(item, prefix + item.name)
                yield entry
                if entry.kind == "folder" and _is_entered(item.name):
                    if level == DEEPEST:
                        yield None
                    with _opened(item.name, folder) as inner:
                        yield from _walk(inner, f"{entry.name}/", level + 1)


@contextlib.contextmanager
def _opened(name: str, within: int | None = None) -> Iterator[int]:
    """The folder itself: a link that was put in its place meanwhile is not followed, but gone."""
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    try:
        yield folder
    finally:
        os.close(folder)


def _entry(item: os.DirEntry[str], name: str) -> Entry:
    there = item.stat(follow_symlinks=False)
    beat()  # one look at very many files, or on a slow share, may last
    return Entry(name, _KINDS.get(stat.S_IFMT(there.st_mode), "special"), Mark.of(there), there.st_nlink)


def _unknown(item: os.DirEntry[str]) -> Entry:
    return Entry(item.name, "special", Mark(0, item.inode(), 0, 0, 0), 1)


def _is_entered(folder: str) -> bool:
    return role_of(folder) not in ("junk", "passing")


def _sorted(inner: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(inner, key=lambda entry: entry.name))  # so that two looks can be compared


def _why(error: OSError) -> str:
    return error.strerror or str(error)
