"""Copies of files and folders that may take the place of the source: on the disk, compared; then it goes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from handlers.inbox.claim.reading import StillWritten, check_whole, digest, opened
from handlers.inbox.look.scan import Mark
from handlers.inbox.names import shown
from pipeline.copying import copy_bytes
from pipeline.workspace import sync_folder

# What there is, by its name relative to the top, which is Path(); a folder stands before all that is in it.
Tree = dict[Path, os.stat_result]


def tree_of(top: Path) -> Tree:
    """A file, a link, or a folder with all in it. Raises OSError."""
    found = {Path(): top.lstat()}
    folders = [Path()]
    while folders:
        folder = folders.pop()
        if stat.S_ISDIR(found[folder].st_mode):
            inner = [folder / path.name for path in (top / folder).iterdir()]
            found |= {name: (top / name).lstat() for name in inner}
            folders += inner
    return found


def copy(source: Path, part: Path, tree: Tree) -> None:
    """All that is in the tree. Raises StillWritten when the source is not, or does not stay, as it was.

    Raises OSError, also for what is no file, folder or link; something may then be left at `part`.
    """
    for name, there in tree.items():
        if stat.S_ISDIR(there.st_mode):
            (part / name).mkdir(mode=0o700)
        elif stat.S_ISLNK(there.st_mode):
            (part / name).symlink_to((source / name).readlink())
        else:
            _copy_file(source / name, part / name, there)
    for name, there in reversed(tree.items()):  # a folder's time changes when something is put into it
        if stat.S_ISDIR(there.st_mode):
            _keep_looks(part / name, there)
            sync_folder(part / name)
    _compare(source, part, tree)


def take_away(source: Path, tree: Tree) -> None:
    """Only what is in the tree, and only while it is as it was. Raises StillWritten and OSError."""
    for name, there in reversed(tree.items()):
        path = source / name
        if stat.S_ISDIR(there.st_mode):
            _remove_folder(path)
        elif Mark.of(path.lstat()) == Mark.of(there):
            path.unlink()
        else:
            raise StillWritten(f"{shown(path.name)} changed while it was moved")
    sync_folder(source.parent)


def has_all(copy: Path, source: Path, tree: Tree) -> bool:
    """Whether all of the source is in the copy too, with the same content, so that the source may go."""
    return all(_is_copied(there, source / name, copy / name) for name, there in tree.items())


# ---------------------------------------------------------------- the parts


def _copy_file(source: Path, part: Path, there: os.stat_result) -> None:
    with opened(source) as read:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as write:
            copy_bytes(read, write)
            _keep_looks(fd, there)
            os.fsync(fd)


def _keep_looks(copied: int | Path, there: os.stat_result) -> None:
    """Owner, rights and times, as far as we may and the file system has them. An int is a descriptor."""
    with contextlib.suppress(OSError):
        os.chown(copied, there.st_uid, there.st_gid)
    with contextlib.suppress(OSError):
        os.chmod(copied, there.st_mode & 0o777)  # noqa: PTH101 (no set-uid: the owner may be another now)
    with contextlib.suppress(OSError):
        os.utime(copied, ns=(there.st_atime_ns, there.st_mtime_ns))


def _compare(source: Path, part: Path, tree: Tree) -> None:
    differ = []
    for name, there in tree.items():
        if stat.S_ISREG(there.st_mode):
            check_whole(source / name)
            if digest(source / name) != digest(part / name):
                differ.append(source / name)
    if _marks(tree_of(source)) != _marks(tree):
        raise StillWritten(f"{shown(source.name)} changed while it was copied")
    if differ:
        raise OSError(errno.EIO, "the copy is not the same as the file", str(differ[0]))


def _marks(tree: Tree) -> dict[Path, Mark]:
    return {name: Mark.of(there) for name, there in tree.items()}


def _remove_folder(path: Path) -> None:
    try:
        path.rmdir()
    except OSError as e:
        if e.errno == errno.ENOTEMPTY:
            raise StillWritten(f"{shown(path.name)} got something new while it was moved") from e
        if e.errno != errno.EBUSY or any(path.iterdir()):
            raise  # else a file system is mounted there: its folder stays, empty


def _is_copied(there: os.stat_result, source: Path, target: Path) -> bool:
    try:
        found = target.lstat()
        if stat.S_IFMT(found.st_mode) != stat.S_IFMT(there.st_mode):
            return False
        if os.path.samestat(found, there):
            return _are_two_names(there, source, target)
        if stat.S_ISLNK(there.st_mode):
            return source.readlink() == target.readlink()
        if stat.S_ISREG(there.st_mode):
            return found.st_size == there.st_size and digest(source) == digest(target)
        return stat.S_ISDIR(there.st_mode)
    except OSError:
        return False


def _are_two_names(there: os.stat_result, source: Path, target: Path) -> bool:
    """Of one file, so that one may go; not the same name twice (in capitals and not, or by two ways)."""
    if stat.S_ISDIR(there.st_mode) or there.st_nlink == 1:
        return False
    return source.name != target.name or not source.parent.samefile(target.parent)
