"""Which file system a folder lies on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.inbox.look.mounts import Mount, is_remote, mount_of

TABLE = rb"""22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:50 / /mnt/my\040share rw shared:5 master:2 - cifs //nas/video rw,vers=3.0
41 22 0:51 / /mnt/tab\011line\012back\134slash rw - nfs4 nas:/export rw
42 22 0:52 / /mnt/b rw - autofs systemd-1 rw
43 42 0:53 / /mnt/b rw - fuse.sshfs me@there:/ rw
44 22 0:54 /sub /mnt/\377 rw - tmpfs none rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "point", "kind"),
    [
        ("/home/me/inbox", "/", "ext4"),
        ("/mnt/my share", "/mnt/my share", "cifs"),
        ("/mnt/my share/in/box", "/mnt/my share", "cifs"),
        ("/mnt/my shares", "/", "ext4"),  # only begins with the same letters
        ("/mnt/tab\tline\nback\\slash/in", "/mnt/tab\tline\nback\\slash", "nfs4"),
        ("/mnt/b/in", "/mnt/b", "fuse.sshfs"),  # of two at one point, the one on top
        ("/mnt/\udcff/in", "/mnt/\udcff", "tmpfs"),
    ],
)
def test_the_mount_of_a_path(tmp_path: Path, path: str, point: str, kind: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_bytes(TABLE)
    assert mount_of(Path(path), table) == Mount(Path(point), kind)


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert mount_of(tmp_path, tmp_path / "nowhere") == Mount(Path("/"), "")


def test_a_link_to_a_folder_lies_where_the_folder_does(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc/self")
    assert mount_of(tmp_path / "proc" / "task") == Mount(Path("/proc"), "proc")
    assert mount_of(tmp_path / "nowhere") == mount_of(tmp_path)


IN_PRIVATE = """
import subprocess, sys
from pathlib import Path
from handlers.inbox.look.mounts import mount_of
point = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "none", point], check=True)
(point / "in").mkdir()
mount = mount_of(point / "in")
print(mount.point == point, mount.kind)
"""


def test_a_real_mount_with_an_odd_name(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    point = tmp_path / "a b\n\\ü"
    point.mkdir()
    private = ["unshare", "--mount", sys.executable, "-c", IN_PRIVATE, str(point)]
    ran = subprocess.run(private, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "True tmpfs\n"


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "9p", "virtiofs"]
)
def test_file_systems_that_others_write_to(kind: str) -> None:
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "tmpfs", "overlay", "fuseblk", "zfs", "vfat", ""])
def test_file_systems_that_tell_all(kind: str) -> None:
    assert not is_remote(kind)
