"""A host comes back when told to, and when it dies, it is noticed and takes all of its own along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from models.errors import Cancelled, Unavailable
from models.host import Host, HostDied, Plan
from tests.models.host_kit import WORK, Hosts, Watch, ask, descriptors, gone, pids, within

ROOT = Path(__file__).resolve().parents[2]


# ---------------------------------------------------------------- cancelling


@pytest.mark.parametrize("reason", [Cancelled(), KeyboardInterrupt(), Unavailable("Taken away")])
def test_work_that_looks_is_back_at_once(
    host: Host, aside: Callable[..., Future[Any]], reason: BaseException
) -> None:
    watch = Watch()
    work = aside(ask, host, "until_cancelled", watch)
    assert watch.began.wait(30)
    asked, watch.stop = time.monotonic(), reason
    with pytest.raises(type(reason)):
        work.result(30)
    assert time.monotonic() - asked < 10
    assert host.alive
    assert ask(host, "steps", count=1, every_s=0.0) == "done"  # it was that work only


@pytest.mark.parametrize(("how", "grace_s"), [("sleep", 1.2), ("native", 0.3), ("python", 0.3)])
def test_work_that_does_not_look_is_killed_with_all_that_it_started(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], tmp_path: Path, how: str, grace_s: float
) -> None:
    watch = Watch()
    arguments = {"how": how, "pids": str(tmp_path / "pids")}
    work = aside(host.ask, f"{WORK}:stuck", arguments, watch, grace_s=grace_s)
    assert watch.began.wait(30)
    asked, watch.stop = time.monotonic(), Cancelled()
    with pytest.raises(Cancelled):
        work.result(30)
    assert time.monotonic() - asked < 10
    assert gone(host.pid)  # already now: the next try must not meet it in the job's folder
    assert hosts.ended == [host]
    assert host.exit_reason == "killed by SIGKILL"
    assert within(20, lambda: all(map(gone, pids(tmp_path / "pids"))))


# ---------------------------------------------------------------- dying


def test_a_killed_host_is_noticed(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    watch = Watch()
    work = aside(ask, host, "stuck", watch, how="sleep", pids=str(tmp_path / "pids"))
    assert watch.began.wait(30)
    killed = time.monotonic()
    os.kill(host.pid, signal.SIGKILL)
    with pytest.raises(HostDied, match=r"media process ended unexpectedly \(killed by SIGKILL\)") as failed:
        work.result(30)
    assert time.monotonic() - killed < 10
    assert hosts.ended == [host]  # told before the caller is, who may look for another at once
    assert failed.value.code == "host_died"
    assert "memory" in failed.value.hint
    assert not host.alive
    assert within(20, lambda: all(map(gone, pids(tmp_path / "pids"))))
    with pytest.raises(HostDied):
        ask(host, "echo")
    assert not host.health().answered


def test_a_signal_without_a_name_ends_a_host_as_any_other(hosts: Hosts, host: Host) -> None:
    """Its descriptors were left open, and it was said to have been stopped by us."""
    before = descriptors()
    another = hosts.started()
    assert another.wait_ready(20)
    os.kill(another.pid, 40)
    assert within(10, lambda: not another.alive)
    assert another.exit_reason == "killed by signal 40" and descriptors() == before


def test_a_host_that_exits_tells_its_status(host: Host) -> None:
    for _ in range(2):
        with pytest.raises(HostDied, match="exit status 3"):
            ask(host, "die", status=3)
    assert host.exit_reason == "exit status 3"


def test_a_listener_that_fails_keeps_nobody_waiting(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda what: told.append(str(what.exc_value)))

    def fail(_: Host) -> None:
        raise RuntimeError("a fault of the listener")

    host = Host(Plan("media"), log=hosts.log, scratch=hosts.scratch, on_exit=fail)
    host.start()
    with pytest.raises(HostDied, match="exit status 4"):
        ask(host, "die", status=4)
    assert within(20, lambda: told == ["a fault of the listener"])


# A parent of which the thread that started the host has ended.
PARENT = f"""
import sys, threading
from pathlib import Path
from models.host import Host, Plan
from models.progress import Quiet

folder = Path(sys.argv[1])
host = Host(Plan("media"), log=folder / "log", scratch=folder / "tmp")
starter = threading.Thread(target=host.start)
starter.start()
starter.join()
host.wait_ready(None)
print(host.pid, flush=True)
host.ask("{WORK}:stuck", {{"how": sys.argv[2], "pids": sys.argv[3]}}, Quiet())
"""


@pytest.mark.parametrize("how", ["sleep", "native"])
def test_a_killed_parent_takes_its_hosts_and_their_programs_along(tmp_path: Path, how: str) -> None:
    arguments = [str(tmp_path), how, str(tmp_path / "pids")]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        try:
            family = [int(parent.stdout.readline()), *pids(tmp_path / "pids")]
            assert not any(map(gone, family))
        finally:
            parent.kill()
    assert within(20, lambda: all(map(gone, family)))


# ---------------------------------------------------------------- stopping


def test_stopping_twice_is_stopping_once(hosts: Hosts, host: Host) -> None:
    host.stop()
    host.stop()
    host.kill()
    assert host.exit_reason == "exit status 0"
    assert hosts.ended == [host]


def test_a_host_that_was_stopped_before_its_start_never_starts(hosts: Hosts) -> None:
    host = hosts.new()
    host.stop()
    host.start()
    with pytest.raises(HostDied):
        host.wait_ready(10)
    assert host.pid == 0
    assert within(20, lambda: hosts.ended == [host])


def test_a_loading_host_stops(hosts: Hosts) -> None:
    host = hosts.started("load_slowly", arguments={"seconds": 60})
    began = time.monotonic()
    host.stop()
    assert time.monotonic() - began < 10
    with pytest.raises(HostDied, match="stopped"):
        host.wait_ready(10)


@pytest.mark.parametrize("do", ["until_cancelled", "stuck"])
def test_work_in_a_host_that_is_stopped_was_not_cancelled(
    host: Host, aside: Callable[..., Future[Any]], tmp_path: Path, do: str
) -> None:
    """Else a job would be given up because a process was replaced."""
    watch = Watch()
    work = aside(ask, host, do, watch, how="sleep", pids=str(tmp_path / "pids"))
    assert watch.began.wait(30)
    began = time.monotonic()
    host.stop()
    assert time.monotonic() - began < 20
    with pytest.raises(HostDied):
        work.result(30)


def test_sigterm_ends_it_and_ctrl_c_does_not(
    host: Host, aside: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    watch = Watch()
    work = aside(ask, host, "stuck", watch, how="sleep", pids=str(tmp_path / "pids"))
    assert watch.began.wait(30)
    os.kill(host.pid, signal.SIGINT)
    assert host.health(5.0).answered
    os.kill(host.pid, signal.SIGTERM)
    with pytest.raises(HostDied, match="exit status 143"):
        work.result(30)
