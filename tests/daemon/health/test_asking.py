"""How is it, asked from outside: of the socket, of the file, or of nobody."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.control import unix_socket
from daemon.control.events import Events
from daemon.health.asking import ANSWER_S, OLD_S, ask, of_file
from daemon.health.component import Component
from daemon.health.kept import keep, now
from daemon.health.metrics import CONTENT_TYPE
from daemon.health.report import Report
from daemon.health.report_file import Kept, ReportFile, read
from daemon.queue import Queue
from daemon.store.lock import Holder, Kind, WorkerLock
from models.errors import VigentdError
from tests.daemon.control_kit import TinyOffice, say, serving
from tests.daemon.control_kit import ask as request
from tests.daemon.daemon_kit import ROOT, Daemon, Desk
from tests.log_kit import Written
from tests.systemd.product import BLOCK

HEALTHY = Report((Component("worker", "busy", 1.0, 120.0, vital=True),), os.getpid())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path)


@contextmanager
def at_work(config: Config, kind: Kind = "daemon") -> Iterator[None]:
    with WorkerLock(config.data_dir, kind) as lock:
        assert lock.take()
        yield


@contextmanager
def silent(config: Config) -> Iterator[None]:
    """A control socket that takes connections, and never answers."""
    listener = unix_socket.listen(config.socket)
    try:
        yield
    finally:
        listener.close()


def write(config: Config, age_s: float = 0.0, boot: str = "", **other: Any) -> None:
    facts = HEALTHY.as_dict() | {"written_at": time.monotonic() - age_s} | other
    keep(config.health_file, boot or now().boot, facts)


def trouble(told: dict[str, Any]) -> str:
    (part,) = told["components"]
    return str(part["trouble"])


# ---------------------------------------------------------------- who answers


def test_who_answers_is_asked_and_not_its_file(config: Config) -> None:
    queue = Queue(config.database)
    write(config, age_s=1000)
    with at_work(config), serving(TinyOffice(queue, Events()), config.socket):
        for _ in range(50):  # a busy machine may be later than 150 ms, and then the file is asked
            if (told := ask(config))["from"] == "daemon":
                break
    queue.close()
    assert (told["verdict"], told["from"]) == ("healthy", "daemon")


def test_who_is_only_late_is_as_well_as_its_file_says(config: Config) -> None:
    with at_work(config), silent(config):
        write(config)
        began = time.monotonic()
        told = ask(config)
        assert time.monotonic() - began < ANSWER_S + 5
    assert (told["verdict"], told["from"], told["exit_code"]) == ("healthy", "file", 0)


def test_who_draws_consequences_waits_for_a_late_answer(config: Config) -> None:
    """A full disk takes no file: it would be restarted for what is only late, and again and again."""
    queue = Queue(config.database)
    office = TinyOffice(queue, Events())
    answer = office.health

    def late() -> Report:
        time.sleep(2 * ANSWER_S)
        return answer()

    office.health = late  # type: ignore[method-assign]
    write(config, age_s=1000)
    with at_work(config), serving(office, config.socket):
        assert ask(config)["verdict"] == "down"
        assert ask(config, 60.0)["verdict"] == "healthy"
    queue.close()


def test_an_old_file_is_of_a_daemon_that_stands_still(config: Config) -> None:
    with at_work(config), silent(config):
        write(config, age_s=OLD_S + 2)
        told = ask(config)
    assert (told["verdict"], told["pid"], told["from"]) == ("down", os.getpid(), "nobody")
    assert trouble(told).startswith("The daemon stands still")


@pytest.mark.parametrize(
    "other",
    [
        {"boot": "another"},
        {"pid": 1},
        {"written_at": "yesterday"},
        {"written_at": None},
    ],
)
def test_the_file_of_another_time_or_process_tells_nothing(config: Config, other: dict[str, Any]) -> None:
    with at_work(config), silent(config):
        write(config, **other)
        told = ask(config)
    assert (told["verdict"], told["pid"]) == ("down", os.getpid())
    assert "starting or stopping" in trouble(told)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"boot": 3}', b'{"pid": 1, "verdict": 2}']
)
def test_a_damaged_file_tells_nothing(config: Config, text: bytes) -> None:
    with at_work(config), silent(config):
        config.health_file.write_bytes(text)
        assert "starting or stopping" in trouble(ask(config))


def test_a_daemon_with_many_inboxes_has_a_long_file(config: Config) -> None:
    parts = [Component(f"inbox:{number}", "idle", facts={"way": "inotify"}) for number in range(1000)]
    keep(config.health_file, now().boot, Report((*parts,), 7).as_dict() | {"written_at": time.monotonic()})
    kept = read(config.health_file)
    assert kept is not None and len(kept.told["components"]) == 1000


def test_a_file_from_before_a_sleep_of_the_machine_is_as_old_as_the_daemon_ran(config: Config) -> None:
    """The monotonic clock stands still meanwhile: the first look after it must not say "down"."""
    write(config, age_s=1.0)
    kept = read(config.health_file)
    assert kept is not None and 1 <= kept.age_s < OLD_S
    keep(config.health_file, now().boot, HEALTHY.as_dict() | {"written_at": time.monotonic() + 50})
    kept = read(config.health_file)
    assert kept is not None and kept.age_s == 0


def test_without_a_daemon_it_is_down_whatever_the_file_says(config: Config) -> None:
    write(config)
    for kind in (None, "foreground"):
        with at_work(config, "foreground") if kind else silent(config):
            told = ask(config)
        assert (told["verdict"], told["pid"], trouble(told)) == ("down", None, "No daemon is running")


def test_a_socket_that_is_gone_is_a_trouble_of_its_own(config: Config) -> None:
    """It lives, and nobody can reach it: no order comes through any more."""
    with at_work(config):
        write(config)
        told = ask(config)
    assert (told["verdict"], told["exit_code"], told["pid"]) == ("down", 2, os.getpid())
    assert [part["name"] for part in told["components"]] == ["worker", "socket"]
    assert str(config.socket) in told["why"]


def test_an_answer_that_breaks_off_says_nothing_against_the_socket(config: Config) -> None:
    """A daemon that has no descriptor left for one more connection, and makes its video."""
    with at_work(config), unix_socket.listen(config.socket) as listener:
        dropping = threading.Thread(target=lambda: listener.accept()[0].close())
        dropping.start()
        write(config)
        told = ask(config, 60.0)
        dropping.join()
    assert (told["verdict"], told["from"]) == ("healthy", "file")


def test_who_has_taken_the_lock_this_very_moment_is_starting() -> None:
    told = of_file(Holder(0, "unknown"), Kept(HEALTHY.as_dict(), 0.0))
    assert "starting or stopping" in trouble(told)


@pytest.mark.parametrize(
    ("error", "code"), [(errno.EACCES, "daemon_not_yours"), (errno.EIO, "data_dir_unreadable")]
)
def test_a_data_folder_that_cannot_be_looked_into_is_no_fault_of_ours(
    config: Config, monkeypatch: pytest.MonkeyPatch, error: int, code: str
) -> None:
    def fails(_: Path) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("daemon.health.asking.holder", fails)
    with pytest.raises(VigentdError) as raised:
        ask(config)
    assert raised.value.code == code and raised.value.hint


def test_the_file_is_written_for_its_owner_only_and_taken_away(config: Config) -> None:
    log = Written()
    file = ReportFile(config.health_file, lambda: HEALTHY, log)
    file.start()
    until = time.monotonic() + 30
    while read(config.health_file) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert config.health_file.stat().st_mode & 0o777 == 0o600
    file.stop()
    assert not config.health_file.exists() and not log.lines
    assert not list(config.data_dir.glob(".health*"))


def test_a_disk_that_takes_no_file_is_logged_once(config: Config) -> None:
    log = Written()
    file = ReportFile(config.data_dir / "a" / "health.json", lambda: HEALTHY, log)
    (config.data_dir / "a").write_text("no folder")
    for _ in range(3):
        file.write()
    assert [name for name, _ in log.lines] == ["health_file"]


# ---------------------------------------------------------------- the routes


def test_the_routes_tell_the_same_in_two_ways(config: Config) -> None:
    queue = Queue(config.database)
    with serving(TinyOffice(queue, Events()), config.socket):
        code, told = request(config.socket, "GET /health")
        said = say(config.socket, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        refused, _ = request(config.socket, "POST /health", b"{}")
    queue.close()
    assert (code, told["verdict"], told["components"][0]["name"]) == (200, "healthy", "queue")
    head, _, body = said.partition(b"\r\n\r\n")
    assert CONTENT_TYPE.encode() in head and b'vigentd_health{verdict="healthy"} 1.0' in body
    assert refused == 405


def test_health_is_answered_while_all_threads_are_busy(config: Config) -> None:
    """As many ask for the status as there are threads, and none of those ends."""
    queue, go_on = Queue(config.database), threading.Event()
    office = TinyOffice(queue, Events())
    entered = threading.Semaphore(0)

    def hangs() -> None:
        entered.release()
        go_on.wait(60)

    office.during = hangs
    with serving(office, config.socket):
        asking = [threading.Thread(target=request, args=(config.socket, "GET /status")) for _ in range(40)]
        for one in asking:
            one.start()
        assert entered.acquire(timeout=30)
        try:
            assert request(config.socket, "GET /health")[0] == 200
        finally:
            go_on.set()
            for one in asking:
                one.join()
    queue.close()


# ---------------------------------------------------------------- a real daemon


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Its daemon's loop can be blocked for ever (BLOCK), or be busy for moments again and again (BUSY)."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / "tests/systemd/hang.py", hooks / "sitecustomize.py")
    with (hooks / "sitecustomize.py").open("a") as file:
        file.write(BUSY_IN_PIECES)
    return Desk(tmp_path, tmp_path / "no.mp4", {"PYTHONPATH": f"{hooks}:{ROOT}"})


BUSY = BLOCK + 2
BUSY_IN_PIECES = """

def _busy(number, _):
    import asyncio
    loop = asyncio.get_running_loop()

    def piece():
        time.sleep(1.5)
        loop.call_soon(piece)

    loop.call_soon_threadsafe(piece)


signal.signal(signal.SIGRTMIN + 3, _busy)
"""


def health(desk: Desk) -> tuple[int, dict[str, Any]]:
    done = desk.vigentd("health", "--json")
    return done.returncode, json.loads(done.stdout)


def until_told(desk: Desk, verdict: str, source: str) -> dict[str, Any]:
    """What is said then; its exit code is checked."""
    until = time.monotonic() + 90
    while True:
        code, told = health(desk)
        assert code == told["exit_code"]
        if (told["verdict"], told["from"]) == (verdict, source):
            return told
        assert time.monotonic() < until, told


def up(daemon: Daemon, desk: Desk) -> None:
    until = time.monotonic() + 60
    while read(desk.config.health_file) is None:
        assert time.monotonic() < until and daemon.process.poll() is None
        time.sleep(0.05)


@pytest.mark.slow
def test_a_daemon_whose_loop_is_blocked_is_down_as_its_file_says(desk: Desk) -> None:
    with desk.daemon() as daemon:
        up(daemon, desk)
        daemon.process.send_signal(BLOCK)
        told = until_told(desk, "down", "file")
        assert told["pid"] == daemon.process.pid
        assert "event loop has stood still" in told["why"]
        daemon.kill()
    assert until_told(desk, "down", "nobody")["why"] == "No daemon is running"


@pytest.mark.slow
def test_a_daemon_that_is_slow_to_answer_and_gets_on_is_healthy(desk: Desk) -> None:
    """Late answers mean nothing: for 20 seconds it takes 1.5 s for each, ten times what is waited for."""
    with desk.daemon() as daemon:
        up(daemon, desk)
        until_told(desk, "healthy", "daemon")
        daemon.process.send_signal(BUSY)
        until_told(desk, "healthy", "file")
        until = time.monotonic() + 20
        while time.monotonic() < until:
            code, told = health(desk)
            assert code == 0 and told["verdict"] == "healthy", told
        daemon.kill()
