"""Files of all kinds and names, others who write them, and other file systems."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

NAMES = ["monday.mp4", " a\n'b\" ", "名前🙂.mp4", "caf\udce9.mp4", "x" * 255, "é" * 127 + "\udcff"]
CONTENT = bytes(range(256)) * 5000
AT = 10**18 + 7  # ns

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else, or mount something")


def file(path: Path, content: bytes = CONTENT) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(AT, AT))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def special(kind: str, path: Path) -> Path:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    elif kind == "device":
        return Path("/dev/zero")  # never ends
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link": __file__, "dangling": "/nowhere", "loop": path.name}[kind])
    return path


@contextmanager
def writer_elsewhere(path: Path) -> Iterator[None]:
    """Another process that has the file open for writing."""
    code = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, os.fsencode(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    try:
        yield
    finally:
        process.communicate(timeout=20)


@contextmanager
def writer_here(path: Path) -> Iterator[None]:
    with path.open("ab"):
        yield


# ---------------------------------------------------------------- fixtures


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for half a megabyte."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def anybody() -> Iterator[Path]:
    """A folder that everybody may enter, for tests in which this process is somebody else for a moment."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
