"""Which file system a folder lies on, and whether other machines write to it: inotify does not see that."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)

# File systems that a server, a host or a program in user space may change behind the kernel's back.
_REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "davfs", "webdav"),
        *("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "drvfs", "wslfs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "orangefs", "pvfs2", "ocfs2", "gfs2"),
    )
)
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """kind: of the file system, as the kernel calls it; "" when it cannot be told."""

    point: Path
    kind: str


def mount_of(path: Path, mounts: Path = MOUNTS) -> Mount:
    """Where the file system of this path is mounted. The path need not exist."""
    whole = Path(os.path.realpath(path))
    best = Mount(Path("/"), "")
    for mount in _read(mounts):
        # Of those at one point the last is on top, and of those above the path the deepest.
        if whole.is_relative_to(mount.point) and len(mount.point.parts) >= len(best.point.parts):
            best = mount
    return best


def is_remote(kind: str) -> bool:
    """fuse.* is anything in user space: sshfs, rclone, a shared folder. fuseblk is a disk (NTFS)."""
    return kind in _REMOTE or kind.startswith("fuse.") or kind == "fuse"


def _read(mounts: Path) -> list[Mount]:
    try:
        lines = mounts.read_bytes().split(b"\n")
    except OSError:
        return []
    return [mount for line in lines if (mount := _parsed(line))]


def _parsed(line: bytes) -> Mount | None:
    fields = line.split(b" ")
    if b"-" not in fields[6:]:  # it ends the optional fields, of which there may be any number
        return None
    end = fields.index(b"-", 6)
    return Mount(Path(os.fsdecode(_plain(fields[4]))), os.fsdecode(_plain(fields[end + 1])))


def _plain(field: bytes) -> bytes:
    """Blanks, newlines and backslashes are written as octal numbers."""
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field)
