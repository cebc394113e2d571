"""What systemd hears of the daemon: over a real socket, from a real daemon."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.sd_notify import LONGEST, Notifier
from daemon.store.lock import WorkerLock
from daemon.supervised import Supervised, status_line
from pipeline.progress import Snapshot
from tests.daemon.daemon_kit import LONG, ROOT, Daemon, Desk
from tests.daemon.notify_kit import Systemd
from tests.face_kit import portrait
from tests.systemd.product import BLOCK

WATCHDOG = "WATCHDOG=1"


@pytest.fixture
def systemd() -> Iterator[Systemd]:
    with Systemd.listening() as systemd:
        yield systemd


# ---------------------------------------------------------------- the words


def test_each_word_is_as_sd_notify_wants_it(systemd: Systemd) -> None:
    notifier = Notifier(systemd.address)
    notifier.ready("idle")
    notifier.status("job 7k3w")
    notifier.watchdog()
    notifier.reloading()
    notifier.extend(5_000_000)
    notifier.stopping("bye")
    systemd.until(lambda line: line == "STATUS=bye")
    heard = systemd.heard
    word, _, micros = heard.pop(5).partition("=")
    assert word == "MONOTONIC_USEC" and abs(int(micros) / 1e6 - time.monotonic()) < 60
    assert heard == [
        *("READY=1", "STATUS=idle", "STATUS=job 7k3w", WATCHDOG, "RELOADING=1"),
        *("EXTEND_TIMEOUT_USEC=5000000", "STOPPING=1", "STATUS=bye"),
    ]


def test_a_socket_with_a_path_is_told_too() -> None:
    folder = Path(f"/tmp/vigentd-{os.getpid()}")  # a test's own folder may be too long for a socket
    folder.mkdir(mode=0o700)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(str(folder / "notify"))
            heard.settimeout(20)
            Notifier(str(folder / "notify")).watchdog()
            assert heard.recv(100) == WATCHDOG.encode()
        (folder / "notify").unlink()
        Notifier(str(folder / "notify")).watchdog()  # nobody there any more: nothing is raised
    finally:
        folder.rmdir()


def test_nothing_that_is_told_can_be_an_order(systemd: Systemd) -> None:
    """A reason with a line end in it would feed the watchdog, or end the service."""
    notifier = Notifier(systemd.address)
    notifier.status("held: no\nWATCHDOG=1\nSTOPPING=1")
    notifier.status("x" * 70_000)
    assert systemd.until(lambda line: "xxx" in line) == "STATUS=" + "x" * LONGEST
    assert systemd.heard[0] == "STATUS=held: no WATCHDOG=1 STOPPING=1"


def test_what_it_starts_cannot_speak_for_it() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "45000000", "PATH": "/bin"}
    notifier = Notifier.of(environment)
    assert environment == {"PATH": "/bin"}
    assert notifier.listens and notifier.watchdog_s == 45


@pytest.mark.parametrize(
    "said", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "²"}]
)
def test_a_watchdog_that_is_not_ours_is_not_fed(said: dict[str, str]) -> None:
    assert Notifier.of({"NOTIFY_SOCKET": "@x", **said}).watchdog_s == 0


def test_without_systemd_nobody_is_told() -> None:
    notifier = Notifier.of({"WATCHDOG_USEC": "45000000"})
    notifier.ready("idle")
    with notifier.extending(10):
        assert not notifier.listens and notifier.watchdog_s == 0
    before = threading.active_count()
    supervised = Supervised(notifier, lambda: True, lambda: "idle")
    supervised.start()
    assert threading.active_count() == before


def test_more_time_is_asked_for_as_long_as_it_takes_and_not_for_ever(systemd: Systemd) -> None:
    notifier = Notifier(systemd.address)
    with notifier.extending(60, every_s=0.01):
        systemd.until(lambda _: systemd_count(systemd) >= 3)
    told = systemd_count(systemd)
    with notifier.extending(0.0, every_s=0.01):  # its time is over
        pass
    assert systemd_count(systemd) == told


def systemd_count(systemd: Systemd) -> int:
    return sum(line.startswith("EXTEND_TIMEOUT_USEC=") for line in systemd.heard)


def test_the_watchdog_is_fed_while_it_is_fit_and_no_longer(systemd: Systemd) -> None:
    fit = threading.Event()
    fit.set()
    supervised = Supervised(Notifier(systemd.address, watchdog_s=0.2), fit.is_set, lambda: "idle")
    supervised.start()
    systemd.until(lambda line: line == WATCHDOG)
    fit.clear()
    assert systemd.quiet(WATCHDOG, 0.5, 20)
    heard = len(systemd.heard)
    fit.set()
    systemd.until(lambda line: line == WATCHDOG, after=heard)
    supervised.stop()


def test_a_status_that_hangs_or_fails_does_not_starve_the_watchdog(systemd: Systemd) -> None:
    hangs = threading.Event()

    def said() -> str:
        hangs.wait()
        raise ValueError

    supervised = Supervised(Notifier(systemd.address, watchdog_s=0.2), lambda: True, said)
    supervised.start()
    for _ in range(3):
        systemd.until(lambda line: line == WATCHDOG, after=len(systemd.heard))
    supervised.stop()
    hangs.set()


def test_a_look_that_fails_once_is_not_the_end_of_feeding(systemd: Systemd) -> None:
    fails = iter([True])

    def fit() -> bool:
        if next(fails, False):
            raise MemoryError
        return True

    supervised = Supervised(Notifier(systemd.address, watchdog_s=0.2), fit, lambda: "idle")
    supervised.start()
    systemd.until(lambda line: line == WATCHDOG)
    supervised.stop()


def test_the_status_says_what_it_does() -> None:
    at = Snapshot("lipsync", 0.2, 0.42, 12.0, 7)
    assert status_line("7k3w", at, "", {"queued": 3}) == "job 7k3w, lipsync 42 %, 3 waiting"
    assert status_line("7k3w", None, "", {}) == "job 7k3w"
    assert status_line(None, None, "the disk is full", {"queued": 1}) == "held: the disk is full, 1 waiting"
    assert status_line(None, None, "", {"queued": 0, "done": 8}) == "idle"


# ---------------------------------------------------------------- a daemon


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


@pytest.fixture
def desk(tmp_path: Path, clip: Path, systemd: Systemd) -> Desk:
    return Desk(tmp_path, clip, {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "4000000"})


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def test_a_daemon_tells_of_its_life(desk: Desk, systemd: Systemd) -> None:
    with desk.daemon() as daemon:
        systemd.until(lambda line: line == "READY=1")
        systemd.until(lambda line: line == WATCHDOG)
        job_id = desk.submit(LONG)
        status = systemd.until(lambda line: job_id in line and " %" in line)
        assert status.startswith(f"STATUS=job {job_id}, ")
        hosts = [host["pid"] for host in daemon.status()["hosts"] if host["pid"]]
        assert hosts and not any(b"NOTIFY_SOCKET" in environment(pid) for pid in hosts)
        _reloads(daemon, systemd)
        daemon.cancel(job_id)
        ended = len(systemd.heard)
        assert daemon.stop() == 0
    heard = systemd.heard[ended:]
    assert heard.index("STOPPING=1") < next(i for i, line in enumerate(heard) if "EXTEND" in line)
    assert "READY=1" not in heard


def _reloads(daemon: Daemon, systemd: Systemd) -> None:
    heard = len(systemd.heard)
    daemon.process.send_signal(signal.SIGHUP)
    systemd.until(lambda line: line == "RELOADING=1", after=heard)
    systemd.until(lambda line: line == "READY=1", after=heard)


def test_it_is_not_ready_while_somebody_else_works(desk: Desk, systemd: Systemd) -> None:
    """A video made in the foreground may take an hour: systemd is asked to wait for that."""
    desk.config.data_dir.mkdir()
    lock = WorkerLock(desk.config.data_dir)
    assert lock.take()
    done = threading.Thread(target=lambda: _given_back(lock, systemd))
    done.start()
    with desk.daemon():
        systemd.until(lambda line: line == "READY=1")
    done.join()


def _given_back(lock: WorkerLock, systemd: Systemd) -> None:
    systemd.until(lambda line: line.startswith("EXTEND_TIMEOUT_USEC="))
    assert "READY=1" not in systemd.heard
    lock.release()


@pytest.mark.slow
def test_a_daemon_whose_loop_stands_still_feeds_no_watchdog(desk: Desk, systemd: Systemd) -> None:
    """As long as nothing blocks it is fed, also while a job runs."""
    folder = desk.folder / "hooks"
    folder.mkdir()
    shutil.copy(ROOT / "tests/systemd/hang.py", folder / "sitecustomize.py")
    desk.variables["PYTHONPATH"] = f"{folder}:{ROOT}"
    with desk.daemon() as daemon:
        systemd.until(lambda line: line == WATCHDOG)
        daemon.process.send_signal(BLOCK)
        assert systemd.quiet(WATCHDOG, 4.0, 60)
        assert daemon.process.poll() is None  # it is systemd's to end it
        daemon.kill()
