"""A host that gets nowhere is found, and ended rung by rung; one that gets on, however slowly, is let be."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from models import ladder
from models.budgets import Budget, even
from models.errors import Cancelled
from models.host import Host, HostDied, HostStalled
from tests.models.host_kit import Hosts, Watch, ask, gone, pids, within
from tests.pace_kit import quickest

ALL_RUNGS_S = 10.0


@pytest.fixture
def short_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "GRACE_S", 0.2)


@pytest.fixture
def long_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can answer does, on a machine that has other things to do, too."""
    for name in ("DUMP_S", "GRACE_S"):
        monkeypatch.setattr(ladder, name, 10.0)


def climbed(hosts: Hosts) -> dict[str, dict[str, Any]]:
    return dict(hosts.rungs)


# ---------------------------------------------------------------- at work


@pytest.mark.parametrize(
    ("how", "stacks", "last"),
    [
        pytest.param("sleep", "control", "term", marks=pytest.mark.slow),
        ("python", "control", "term"),
        ("native", "signal", "kill"),
    ],
)
@pytest.mark.usefixtures("short_rungs")
def test_stuck_work_is_found_and_ended_with_all_that_it_started(
    hosts: Hosts,
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    stacks: str,
    last: str,
) -> None:
    if stacks == "control":  # it answers, if not at once
        monkeypatch.setattr(ladder, "DUMP_S", 5.0)
    began = time.monotonic()
    with pytest.raises(HostStalled, match=r"got nowhere for \d s and was ended") as failed:
        ask(host, "stuck", patience_s=0.6, how=how, pids=str(tmp_path / "pids"))
    assert 0.6 < time.monotonic() - began < 0.6 + 2 * ALL_RUNGS_S
    assert failed.value.code == "host_stalled" and 0.6 < failed.value.silent_s < 10.0
    assert gone(host.pid)  # already now: the next try must not meet it in the job's folder
    assert hosts.ended == [host]
    assert within(10.0, lambda: all(map(gone, pids(tmp_path / "pids"))))
    rungs = climbed(hosts)
    assert list(rungs)[:3] == ["found", "dump", "cancel"] and list(rungs)[-1] in (last, "kill")
    assert (rungs["dump"]["stacks"], rungs["cancel"]["came_back"]) == (stacks, False)
    assert "in stuck" in hosts.log.read_text()


def test_a_stopped_process_is_ended_though_it_answers_nothing(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    """It heeds no order and no SIGTERM, and keeps all that it holds of the GPU."""
    watch = Watch()
    work = aside(ask, host, "until_cancelled", watch, patience_s=0.6)
    assert watch.began.wait(30)
    os.kill(host.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    with pytest.raises(HostStalled):
        work.result(20)
    assert time.monotonic() - stopped < 0.6 + ALL_RUNGS_S
    assert host.exit_reason == "killed by SIGKILL" and gone(host.pid)
    assert [rung for rung, _ in hosts.rungs] == ["found", "dump", "cancel", "term", "kill"]
    assert climbed(hosts)["dump"]["stacks"] == "none"
    assert 3.0 < climbed(hosts)["kill"]["after_s"] < ALL_RUNGS_S


@pytest.mark.usefixtures("long_rungs")
def test_work_that_comes_back_leaves_a_host_that_is_kept(hosts: Hosts, host: Host) -> None:
    """It waited for an ffmpeg that hung, say: loading the engine anew would not help, and take minutes."""
    for _ in range(2):
        hosts.rungs.clear()
        with pytest.raises(HostStalled, match="its work was broken off"):
            ask(host, "until_cancelled", patience_s=0.3)
        assert list(climbed(hosts)) == ["found", "dump", "cancel"]
        assert climbed(hosts)["dump"]["stacks"] == "control" and climbed(hosts)["cancel"]["came_back"]
        assert host.seen().state == "idle"
    assert ask(host, "echo")["pid"] == host.pid


@pytest.mark.parametrize("how", ["sleep", "native"])
def test_a_person_who_cancels_meanwhile_wins_and_waits_for_no_further_rung(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], tmp_path: Path, how: str
) -> None:
    watch = Watch()
    work = aside(ask, host, "stuck", watch, patience_s=0.3, how=how, pids=str(tmp_path / "pids"))
    assert hosts.climbs.wait(20)
    asked, watch.stop = time.monotonic(), Cancelled()
    with pytest.raises(Cancelled):
        work.result(30)
    assert time.monotonic() - asked < ALL_RUNGS_S
    assert gone(host.pid) and host.exit_reason == "killed by SIGKILL"
    assert "term" not in climbed(hosts)


@pytest.mark.usefixtures("short_rungs")
def test_who_waits_for_a_host_that_stalls_under_another_is_not_blamed(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    """Two stalls of a job set it aside; this one has not even begun."""
    first, second = Watch(), Watch()
    one = aside(ask, host, "stuck", first, patience_s=0.3, how="sleep", pids=str(tmp_path / "pids"))
    assert first.began.wait(30)
    two = aside(ask, host, "echo", second)
    with pytest.raises(HostStalled):
        one.result(20)
    with pytest.raises(HostDied) as failed:
        two.result(20)
    assert not isinstance(failed.value, HostStalled)


def test_long_work_that_gets_on_is_never_stalled(hosts: Hosts, host: Host) -> None:
    assert ask(host, "steps", patience_s=1.0, count=28, every_s=0.05) == "done"
    assert hosts.rungs == []


def test_what_moves_no_bar_is_life_all_the_same(hosts: Hosts, host: Host) -> None:
    """A long file that reaches a slow disk piece by piece, say."""
    watch = Watch()
    assert ask(host, "beats", watch, patience_s=1.0, count=28, every_s=0.05) == "done"
    assert hosts.rungs == [] and {done for done, _ in watch.steps} == {0.0}


def test_late_answers_mean_nothing_while_there_is_progress(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]]
) -> None:
    """The system before this one restarted a server that had not answered three polls in a row."""
    watch = Watch()
    work = aside(ask, host, "steps_natively", watch, patience_s=2.0, count=5, every_s=0.5)
    assert watch.began.wait(30)
    polls = []
    while not work.done():
        polls.append(host.health(0.02).answered)
        assert host.seen().state in ("busy", "idle")
        time.sleep(0.02)
    assert work.result() == "done" and hosts.rungs == []
    assert polls.count(False) > 3


def test_what_comes_before_the_first_step_has_a_floor_of_its_own(hosts: Hosts, host: Host) -> None:
    """Kernels are compiled then."""
    work = {"count": 1, "every_s": 1.2}
    assert host.ask("tests.models.host_work:steps", work, Watch(), floors=Budget(30.0, 0.3)) == "done"
    with pytest.raises(HostStalled):
        host.ask("tests.models.host_work:until_cancelled", {}, Watch(), floors=Budget(30.0, 0.3))


@pytest.mark.usefixtures("short_rungs")
def test_an_idle_host_that_was_stopped_is_found_when_it_does_not_take_up_work(
    hosts: Hosts, host: Host
) -> None:
    """It cannot be compiling: it was given as long as that."""
    os.kill(host.pid, signal.SIGSTOP)
    with pytest.raises(HostStalled, match=r"got nowhere for [01] s"):
        host.ask("tests.models.host_work:echo", {}, Watch(), floors=Budget(60.0, 60.0, take_s=0.5))
    assert hosts.ended == [host]


def test_what_is_taken_up_is_given_its_first_step(host: Host) -> None:
    floors = Budget(60.0, 60.0, take_s=1.0)
    assert host.ask("tests.models.host_work:steps", {"count": 1, "every_s": 1.5}, Watch(), floors=floors)


# ---------------------------------------------------------------- while loading


@pytest.mark.parametrize("load", [pytest.param("load_slowly", marks=pytest.mark.slow), "load_natively"])
@pytest.mark.usefixtures("short_rungs")
def test_loading_that_gets_nowhere_is_found(hosts: Hosts, load: str) -> None:
    """It was waited for, for ever."""
    host = hosts.started(load, arguments={"seconds": 60})
    with pytest.raises(HostStalled, match="while it was loading"):
        host.watch_loading(even(0.5))
    assert gone(host.pid) and hosts.ended == [host]
    rungs = climbed(hosts)
    assert rungs["found"]["stage"] == "loading" and "cancel" not in rungs
    assert f"in {'load_slowly' if load == 'load_slowly' else '_sleep_natively'}" in hosts.log.read_text()
    with pytest.raises(HostDied):
        host.wait_ready(0)


def test_loading_that_gets_on_may_take_long(hosts: Hosts) -> None:
    host = hosts.started("load_steadily", arguments={"pieces": 28, "every_s": 0.05})
    host.watch_loading(Budget(20.0, 1.0))
    assert host.seen().state == "idle" and hosts.rungs == []


def test_what_ends_while_loading_was_not_stuck(hosts: Hosts) -> None:
    host = hosts.started("load_and_die")
    with pytest.raises(HostDied, match="exit status 3") as failed:
        host.watch_loading(even(30))
    assert not isinstance(failed.value, HostStalled) and hosts.rungs == []


# ---------------------------------------------------------------- seen from outside


@pytest.mark.usefixtures("short_rungs")
def test_how_it_is_can_be_seen_at_once_without_its_help(
    hosts: Hosts, aside: Callable[..., Future[Any]]
) -> None:
    assert hosts.new().seen().state == "dead"
    host = hosts.started("load_slowly", arguments={"seconds": 0.3})
    loading = aside(host.watch_loading, even(30))
    assert within(20, lambda: host.seen().budget_s == 30)
    assert host.seen().state == "loading"
    loading.result(20)
    seen = host.seen()
    assert (seen.state, seen.budget_s, seen.heartbeats) == ("idle", None, 0) and seen.rss > 5e6
    watch = Watch()
    work = aside(
        host.ask,
        "tests.models.host_work:until_cancelled",
        {},
        watch,
        job="j1",
        stage="lipsync",
        floors=even(0.8),
    )
    assert watch.began.wait(30)
    seen = host.seen()
    assert (seen.state, seen.job, seen.stage, seen.heartbeats) == ("busy", "j1", "lipsync", 1)
    assert seen.age_s <= 0.8 == seen.budget_s
    os.kill(host.pid, signal.SIGSTOP)
    assert quickest(host.seen, 0.1) < 0.1
    assert within(10, lambda: host.seen().state == "stalled")
    with pytest.raises(HostStalled):
        work.result(20)
    assert (host.seen().state, host.seen().budget_s) == ("dead", None)


# ---------------------------------------------------------------- what it has started


@pytest.mark.parametrize("how", [pytest.param("run", marks=pytest.mark.slow), "pieces"])
@pytest.mark.usefixtures("long_rungs")
def test_an_ffmpeg_that_hangs_is_found_and_ended_and_the_host_is_kept(
    hosts: Hosts, host: Host, aside: Callable[..., Future[Any]], how: str
) -> None:
    watch = Watch()
    work = aside(ask, host, "encode", watch, patience_s=1.5, how=how)
    assert watch.began.wait(20)
    (ffmpeg,) = psutil.Process(host.pid).children()
    time.sleep(2.0)  # longer than it may be silent: it is not, for it gets on
    assert hosts.rungs == []
    ffmpeg.suspend()
    hung = time.monotonic()
    with pytest.raises(HostStalled, match="its work was broken off"):
        work.result(30)
    assert time.monotonic() - hung < 2 * 1.5 + ALL_RUNGS_S
    assert gone(ffmpeg.pid) and host.usable
    assert climbed(hosts)["cancel"]["came_back"]
    assert ask(host, "echo")["pid"] == host.pid


def test_work_that_waits_for_others_has_no_budget(hosts: Hosts, aside: Callable[..., Future[Any]]) -> None:
    """And not an infinite one, which JSON does not know."""
    host, watch = hosts.started(), Watch()
    work = aside(
        host.ask, "tests.models.host_work:until_cancelled", {}, watch, floors=Budget(math.inf, math.inf)
    )
    assert watch.began.wait(30)
    assert within(20, lambda: host.seen().state == "busy") and host.seen().budget_s is None
    watch.stop = Cancelled()
    with pytest.raises(Cancelled):
        work.result(30)
