"""Reading files that others may be writing: only regular ones, without waiting, only when they are whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from handlers.inbox.look.mounts import mount_of
from handlers.inbox.names import shown
from models.beats import beat
from pipeline.copying import PIECE

# Their servers decide who gets a lease, and EAGAIN only means that they did not give one.
_SERVED = frozenset(("nfs", "nfs4", "cifs", "smb2", "smb3"))


class StillWritten(OSError):
    """Somebody has it open for writing, or it changed while it was read. The sentence says which.

    An OSError: who cannot do a thing now for any reason of the file system tries again later.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.ETXTBSY, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


def check_whole(path: Path) -> None:
    """Raises StillWritten when anybody has the file open for writing, under this or another of its names.

    Not everywhere can this be told (another's file, a file system of another machine): then nothing is
    raised. Raises OSError when it cannot be opened or is no regular file.
    """
    with opened(path) as f:
        if _is_open_for_writing(f.fileno(), path):
            raise StillWritten(f"{shown(path.name)} is still being written")


def digest(path: Path) -> str:
    """SHA-256 in hex. Raises StillWritten when the file changes meanwhile, and OSError."""
    with opened(path) as f:
        before = os.fstat(f.fileno())
        found = hashlib.sha256()
        while piece := f.read(PIECE):
            found.update(piece)
            beat()
        after = os.fstat(f.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StillWritten(f"{shown(path.name)} changed while it was read")
    return found.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[FileIO]:
    """Raises OSError when it is no regular file; what else there is, is never opened."""
    if not stat.S_ISREG(path.lstat().st_mode):  # devices do things when they are opened
        raise _not_regular(path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except BlockingIOError as e:  # a file server (Samba, NFS) has lent it to one client alone
        raise StillWritten(f"{shown(path.name)} is in use by another program") from e
    with os.fdopen(fd, "rb", buffering=0) as f:
        if not stat.S_ISREG(os.fstat(fd).st_mode):  # it was replaced between the two looks
            raise _not_regular(path)
        yield f


def _is_open_for_writing(fd: int, path: Path) -> bool:
    """The kernel gives a read lease only on what nobody has open for writing (fcntl(2))."""
    # Who opens it for writing now waits until the lease is back, and we are sent a signal: by default
    # SIGIO, which kills a process that does not expect it. SIGURG is ignored by default.
    fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as e:
        return e.errno == errno.EAGAIN and mount_of(path.parent).kind not in _SERVED
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is no regular file", str(path))
