"""A replica on its node, without Ray: the host that it keeps there, and files that have to be sent."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from models import ladder
from models.budgets import even
from models.cluster import replica as module
from models.cluster.replica import KEPT_S, PREFIX, Replica
from tests.daemon.daemon_kit import gone
from tests.models import host_work
from tests.models.cluster import node_work

WORK, HERE = host_work.__name__, node_work.__name__
PATIENT = list(astuple(even(60)))


@pytest.fixture
def replica(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # it sets this; taken back afterwards
    arguments = {"loads": str(tmp_path / "loads")}
    plan = {
        "name": "lipsync-1",
        "load": f"{WORK}:load",
        "arguments": arguments,
        "device": "cpu",
        "preload": [],
    }
    made = Replica(plan, None, "1")
    assert made.load(PATIENT, True) == {"value": "pretend/3"}
    yield made
    made._host.stop()


def test_what_it_works_on_is_what_was_asked(replica: Replica) -> None:
    told = replica.work(f"{WORK}:echo", {"n": 1}, None, PATIENT)
    assert told["value"]["engine"] == "pretend" and told["value"]["n"] == 1


def test_files_that_are_not_seen_here_are_sent_and_what_is_written_comes_back(replica: Replica) -> None:
    asked = {"reads": ["/head/batch.safetensors"], "writes": "/head/answer.safetensors"}
    told = replica.work(f"{HERE}:reverse", asked, [b"abc"], PATIENT)
    assert told == {"value": ["0.safetensors", "out.safetensors"], "written": b"cba"}
    left = [path.name for path in replica._folder.iterdir()]
    assert sorted(left) == ["host.log", "tmp"], "nothing of the files"


def test_what_gets_nowhere_is_found_and_ended_here(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head hears of it as of one of its own hosts."""
    monkeypatch.setattr(ladder, "GRACE_S", 0.2)
    pid = replica._host.pid
    asked = {"how": "sleep", "pids": str(tmp_path / "pids")}
    told = replica.work(f"{WORK}:stuck", asked, None, list(astuple(even(1.0))))
    assert (told["error"]["kind"], told["error"]["code"]) == ("ProcessDied", "host_stalled")
    assert gone(lambda: psutil.pid_exists(pid))


def test_it_can_be_looked_at_and_cancelled_meanwhile(replica: Replica) -> None:
    told: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: told.append(replica.work(f"{WORK}:until_cancelled", {}, None, PATIENT))
    )
    thread.start()
    assert gone(lambda: not replica.look()["beats"], 20)
    replica.cancel()
    thread.join(20)
    assert told[0]["error"]["kind"] == "Cancelled"
    assert replica.work(f"{WORK}:echo", {}, None, PATIENT)["value"]["engine"] == "pretend", "it serves on"


def test_what_it_sees_of_the_head(replica: Replica, tmp_path: Path) -> None:
    (tmp_path / "probe").write_text("token")
    assert replica.sees(str(tmp_path / "probe"), "token")
    assert not replica.sees(str(tmp_path / "probe"), "other") and not replica.sees("/nowhere", "token")


def test_kernels_are_the_heads_where_its_files_are_seen_and_else_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(module, "Host", lambda plan, **_: kept.append(plan.arguments["kernels"]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # it sets this; taken back afterwards
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for shared in (True, False):
        plan = {"name": "lipsync-1", "arguments": {"kernels": "/head/kernels"}, "preload": []}
        Replica(plan, None, "").load(PATIENT, shared)
    assert kept == ["/head/kernels", str(tmp_path / "cache" / "vigentd" / "kernels")]


def test_logs_of_those_that_are_long_gone_are_removed(tmp_path: Path) -> None:
    """Ray ends an actor without a word."""
    old, new, ours = (tmp_path / f"{PREFIX}{pid}-x" for pid in ("4194305", "4194306", os.getpid()))
    for folder in (old, new, ours):
        folder.mkdir()
        (folder / "host.log").touch()
    for folder in (old, ours):
        then = folder.stat().st_mtime - KEPT_S - 10
        os.utime(folder, (then, then))
    module._tidy(tmp_path)
    assert [folder.exists() for folder in (old, new, ours)] == [False, True, True]
