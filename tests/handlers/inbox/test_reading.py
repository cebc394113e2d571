"""What is still being written is known, and what is no file is not opened."""

from __future__ import annotations

import hashlib
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from handlers.inbox.claim import reading
from handlers.inbox.claim.files import StillWritten, check_whole, digest
from handlers.inbox.look.mounts import Mount
from models.beats import heard
from tests.daemon.conftest import ROOT
from tests.handlers.inbox.files_kit import (
    CONTENT,
    NAMES,
    as_root,
    file,
    nobody,
    special,
    writer_elsewhere,
    writer_here,
)
from tests.handlers.inbox.files_kit import anybody as anybody


@contextmanager
def writer_of_a_mapping(path: Path) -> Iterator[None]:
    """Closed already, but what is written to its memory comes into the file."""
    with path.open("r+b") as f:
        mapped = mmap.mmap(f.fileno(), 0)
    with mapped:
        yield


@pytest.mark.parametrize("writer", [writer_elsewhere, writer_here, writer_of_a_mapping])
@pytest.mark.parametrize("name", ["monday.mp4", "other name.mp4"])
def test_a_file_that_is_open_for_writing(writer: Callable[[Path], Any], name: str, tmp_path: Path) -> None:
    path = file(tmp_path / "monday.mp4")
    (tmp_path / "other name.mp4").hardlink_to(path)
    check_whole(path)
    with writer(tmp_path / name), pytest.raises(StillWritten, match=r"^monday\.mp4 is still being written$"):
        check_whole(path)
    check_whole(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_others_only_read(name: str, tmp_path: Path) -> None:
    path = file(tmp_path / name)
    with path.open("rb"):
        check_whole(path)
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # the lease is back: nobody would have to wait


def test_a_file_system_whose_server_gives_no_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS and SMB answer EAGAIN there too; nothing would ever be taken up."""
    path = file(tmp_path / "monday.mp4")
    monkeypatch.setattr(reading, "mount_of", lambda _: Mount(tmp_path, "nfs4"))
    with writer_here(path):
        check_whole(path)


def test_who_opens_it_during_the_check_does_not_kill_us(tmp_path: Path) -> None:
    """The kernel sends a signal then, by default one that ends the process."""
    code = """if True:
        import fcntl, os, sys
        from pathlib import Path
        from handlers.inbox.claim.reading import check_whole
        real, met = fcntl.fcntl, []
        def meet(fd, what, value):
            real(fd, what, value)
            if (what, value) == (fcntl.F_SETLEASE, fcntl.F_RDLCK):
                try: os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
                except BlockingIOError: met.append("a writer that has to wait")
        fcntl.fcntl = meet
        check_whole(Path(sys.argv[1]))
        assert met
        os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK))
    """
    path = file(tmp_path / "monday.mp4")
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@as_root
def test_a_file_of_somebody_else(anybody: Path) -> None:
    """No lease is given on it, so nobody knows whether it is written; `settle` has to do."""
    path = file(anybody / "monday.mp4")
    with writer_here(path), nobody():
        check_whole(path)
    path.chmod(0o600)
    with nobody(), pytest.raises(PermissionError):
        check_whole(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder", "link", "dangling", "loop"])
@pytest.mark.parametrize("read", [check_whole, digest])
def test_what_is_no_file_is_not_opened(read: Callable[[Path], Any], kind: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is no regular file"):
        read(special(kind, tmp_path / "monday.mp4"))


@pytest.mark.parametrize("name", NAMES)
def test_a_digest(name: str, tmp_path: Path) -> None:
    assert digest(file(tmp_path / name)) == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_digest_of_what_changes(mode: str, tmp_path: Path) -> None:
    path = file(tmp_path / "monday.mp4")

    def then_write() -> None:
        if path.read_bytes() == CONTENT:
            with path.open(mode) as f:
                f.write(b"more")

    with pytest.raises(StillWritten, match=r"^monday\.mp4 changed while it was read$"), heard(then_write):
        digest(path)
