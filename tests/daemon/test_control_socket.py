"""The socket itself: whose it is, where it may lie, and what clients make of a daemon that is not there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.control import unix_socket
from daemon.control.client import Client, DaemonAway, nudge
from daemon.queue import Queue
from models.errors import Unavailable
from tests.daemon.control_kit import TinyOffice, serving


def test_the_socket_is_for_its_owner_only_whatever_the_umask(office: TinyOffice, config: Config) -> None:
    for umask in (0o000, 0o777):
        before = os.umask(umask)
        try:
            with serving(office, config.socket):
                assert stat.S_IMODE(config.socket.stat().st_mode) == 0o600
        finally:
            os.umask(before)
        assert not config.socket.exists()


def test_the_socket_is_never_wider_not_even_while_it_is_made(tmp_path: Path, monkeypatch: Any) -> None:
    """Another process may look at the very moment after `bind`."""
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    before = os.umask(0)
    try:
        unix_socket.listen(tmp_path / "s").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600


def test_a_data_folder_with_a_very_long_name(office: TinyOffice, tmp_path: Path) -> None:
    folder = tmp_path / ("数据" * 40) / ("long" * 30)
    folder.mkdir(parents=True)
    with serving(office, folder / "control.sock") as _:
        assert Client(folder / "control.sock").get("/jobs") == []
        nudge(folder / "control.sock")
    assert office.asked == ["wake"] and list(folder.iterdir()) == []


def test_the_socket_of_a_dead_daemon_is_replaced(office: TinyOffice, config: Config) -> None:
    unix_socket.listen(config.socket).close()
    assert config.socket.exists()
    with serving(office, config.socket):
        assert Client(config.socket).get("/jobs") == []


def test_the_socket_of_a_living_one_is_not(office: TinyOffice, served: Path) -> None:
    with pytest.raises(Unavailable, match="another process listens there"), serving(office, served):
        pass
    assert Client(served).get("/jobs") == [], "it goes on"


def test_a_file_of_that_name_is_not_removed(office: TinyOffice, config: Config) -> None:
    config.socket.write_text("precious")
    with pytest.raises(Unavailable) as told, serving(office, config.socket):
        pass
    assert told.value.code == "control_socket" and config.socket.read_text() == "precious"


def test_a_socket_that_took_our_place_is_left_when_we_stop(office: TinyOffice, config: Config) -> None:
    with serving(office, config.socket):
        config.socket.unlink()
        another = unix_socket.listen(config.socket)
    assert config.socket.exists()
    another.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_is_refused_even_if_the_socket_lets_him_in(served: Path) -> None:
    for folder in (served.parent, *served.parent.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
        if folder.parent == Path(tempfile.gettempdir()):
            break
    served.chmod(0o666)
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); s.connect('control.sock')\n"
        "s.sendall(b'GET /jobs HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); print(s.recv(9999).decode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(served.parent)], capture_output=True, text=True, timeout=30
    )
    assert "403" in said.stdout.splitlines()[0] and "peer_refused" in said.stdout, said.stderr


def test_nobody_is_there(config: Config, tmp_path: Path) -> None:
    for path in (config.socket, tmp_path / "nowhere" / "s"):
        with pytest.raises(DaemonAway, match="No daemon is running"):
            Client(path).get("/status")
        with pytest.raises(DaemonAway):
            Client(path).events()
        nudge(path)
    config.data_dir.mkdir(parents=True)
    unix_socket.listen(config.socket).close()  # and what it left
    with pytest.raises(DaemonAway, match="No daemon is running"):
        Client(config.socket).get("/status")


def test_one_who_listens_and_never_answers_costs_a_nudge_no_time(config: Config, queue: Queue) -> None:
    with unix_socket.listen(config.socket):
        began = time.monotonic()
        nudge(config.socket)
        assert 0.2 < time.monotonic() - began < 5
        with pytest.raises(DaemonAway) as told:
            Client(config.socket, read_timeout_s=0.1).get("/status")
        assert told.value.code == "daemon_silent"


def test_when_nobody_is_let_in_any_more(config: Config, queue: Queue) -> None:
    """So many wait that the kernel takes no more: the daemon was stopped in a debugger, say."""
    with unix_socket.listen(config.socket) as listener, ExitStack() as waiting:
        listener.listen(1)
        for _ in range(2):
            waiting.enter_context(unix_socket.connect(config.socket, 5))
        began = time.monotonic()
        nudge(config.socket)
        with pytest.raises(DaemonAway) as told:
            Client(config.socket, read_timeout_s=0.2).get("/status")
        assert told.value.code == "daemon_silent" and 0.4 < time.monotonic() - began < 5


def test_a_daemon_that_breaks_off(config: Config, queue: Queue) -> None:
    with unix_socket.listen(config.socket) as listener:

        def break_off() -> None:
            for said in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"what?\r\n\r\n"):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(9999)
                    connection.sendall(said)

        thread = threading.Thread(target=break_off)
        thread.start()
        for _ in range(3):
            with pytest.raises(DaemonAway):
                Client(config.socket).get("/status")
        thread.join(60)
