"""Moving files so that none is lost, whatever happens on the way.

Within a file system a file is renamed, in one step that overwrites nothing. Between two, a copy is made under
a temporary name, brought to the disk and compared; it gets the name, and then the source goes. No link is
followed, and what was killed is completed by doing it again.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
from pathlib import Path

from handlers.inbox.claim.copying import copy, has_all, take_away, tree_of
from handlers.inbox.claim.reading import StillWritten, check_whole, digest
from handlers.inbox.names import shown
from pipeline.workspace import remove, sync_folder

__all__ = ["StillWritten", "check_whole", "detach", "digest", "move", "temporary", "write_new"]

TEMPORARY = ".vigentd-*.part"  # what a copy is called until it is whole
_ELSEWHERE = frozenset((errno.EXDEV, errno.EBUSY))  # EBUSY: the folder is where a file system is mounted
_UNKNOWN = frozenset((errno.ENOSYS, errno.EINVAL))
_NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS))


def move(source: Path, target: Path) -> None:
    """A file, or a folder with all in it; of a link only the link. Times and rights stay, and all is synced.

    When all that the source has is at the target too, an earlier move was cut short: then the source goes.
    Raises FileExistsError when something else is there, StillWritten when the source changes while it is
    copied to another file system, and other OSErrors. Then all of it is still where it was; or, of a
    folder that could not be taken away whole, all is at the target.
    """
    remove(temporary(source, target))
    if os.path.lexists(target):
        tree = tree_of(source)
        if not has_all(target, source, tree):
            raise _exists(target)
        take_away(source, tree)
        return
    try:
        _rename(source, target)
    except OSError as e:
        if e.errno not in _ELSEWHERE:
            raise
        _copy_over(source, target)


def detach(path: Path, part: Path) -> None:
    """The file gets a content of its own: what is written through other names (hard links) misses it now.

    part: a free name on the same file system; when this is killed, something may be left there.
    Raises StillWritten and OSError.
    """
    remove(part)
    try:
        copy(path, part, tree_of(path))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """The file is there whole, or not at all. Raises FileExistsError when there is another, and OSErrors."""
    part = temporary(path, path)
    remove(part)
    try:
        with part.open("xb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        move(part, path)
    finally:
        part.unlink(missing_ok=True)


def temporary(source: Path, target: Path) -> Path:
    """What the copy of source is called, beside target, until it is whole: the same each time."""
    both = os.fsencode(source) + b"\0" + os.fsencode(target)  # no name would have room for more than a hash
    return target.with_name(TEMPORARY.replace("*", hashlib.sha256(both).hexdigest()[:16]))


# ---------------------------------------------------------------- within a file system


def _rename(source: Path, target: Path) -> None:
    """Raises FileExistsError, and OSError with one of _ELSEWHERE when only a copy will do."""
    if not _rename_exclusively(source, target):
        _rename_in_steps(source, target)
    sync_folder(target.parent)
    sync_folder(source.parent)


def _rename_exclusively(source: Path, target: Path) -> bool:
    """renameat2(2) with RENAME_NOREPLACE, which Python lacks. False: the file system lacks it, too."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    here, no_replace = -100, 1  # AT_FDCWD, RENAME_NOREPLACE
    if renameat2(here, os.fsencode(source), here, os.fsencode(target), no_replace) == 0:
        return True
    error = ctypes.get_errno()
    if error in _UNKNOWN:
        return False
    raise OSError(error, os.strerror(error), str(source), None, str(target))


def _rename_in_steps(source: Path, target: Path) -> None:
    """By a second name, which overwrites nothing; where there can be none (a folder), by looking first."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):  # not every file system looks for that first
            raise _exists(target) from None
        source.rename(target)
        return
    sync_folder(target.parent)
    try:
        if not os.path.samestat(source.lstat(), target.lstat()):
            raise StillWritten(f"{shown(source.name)} was replaced while it was moved")
        source.unlink()
    except OSError:
        target.unlink()
        raise


# ---------------------------------------------------------------- between file systems


def _copy_over(source: Path, target: Path) -> None:
    part = temporary(source, target)
    tree = tree_of(source)
    try:
        copy(source, part, tree)
        _rename(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            remove(part)
        raise
    try:
        take_away(source, tree)
    except OSError:
        if all(os.path.lexists(source / name) for name in tree):
            remove(target)
        raise


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
