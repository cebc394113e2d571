"""A seat keeps a host: it comes back when it is gone, and does not try for ever what cannot be loaded."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from daemon.engines import seat as seat_module
from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from models import host as host_module
from models.budgets import even
from models.errors import BadInput, Cancelled
from models.host import Plan
from models.process import Process
from models.progress import Quiet
from pipeline.progress import JobProgress, Snapshot
from tests.models import host_work
from tests.models.host_kit import Watch
from tests.pace_kit import quickest

WORK = host_work.__name__


class Told:
    """What the seat says, and a way to wait for it."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, dict[str, Any]]] = []
        self._changed = threading.Condition()

    def __call__(self, name: str, facts: dict[str, Any]) -> None:
        with self._changed:
            self.facts.append((name, facts))
            self._changed.notify_all()

    def until(self, name: str, times: int = 1) -> dict[str, Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.all(name)) >= times, 60), self.facts
            return self.all(name)[times - 1]

    def all(self, name: str) -> list[dict[str, Any]]:
        return [facts for said, facts in self.facts if said == name]


@pytest.fixture
def told() -> Told:
    return Told()


Make = Callable[..., Seat]


@pytest.fixture
def make(tmp_path: Path, told: Told) -> Iterator[Make]:
    made: list[Seat] = []

    def make(plan: Plan, **more: Any) -> Seat:
        seat = Seat(plan, "test engine", logs=tmp_path / "logs", scratch=tmp_path / "tmp", tell=told, **more)
        made.append(seat)
        seat.open()
        return seat

    yield make
    for seat in made:
        seat.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


class Gone(Quiet):
    """Nobody waits any more."""

    def check(self) -> None:
        raise Cancelled


def until_pid(seat: Seat) -> int:
    """Of the host that loads."""
    deadline = time.monotonic() + 20
    while (pid := seat.status()["pid"]) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(pid)


def test_a_host_that_is_killed_comes_back(make: Make, told: Told) -> None:
    seat = make(Plan("test"))
    first = seat.ready(Quiet())
    os.kill(first.pid, signal.SIGKILL)
    assert told.until("gone")["reason"] == "killed by SIGKILL"
    second = seat.ready(Quiet())
    assert second.pid != first.pid and second.alive
    assert seat.starts == 2 and seat.why() == ""


def test_what_a_host_took_to_load_and_holds_is_told(make: Make, told: Told) -> None:
    """For the log: of an engine one wants to know how long it takes, and how large it is."""
    seat = make(Plan("test", "models.choose:resident", {"kind": "speech", "name": "espeak"}))
    ready = told.until("ready")
    assert ready["seconds"] == seat.load_s > 0
    assert ready["engine"].startswith("espeak/") and ready["rss"] > 1_000_000 and ready["vram"] == 0


def test_a_dead_host_is_never_handed_out(make: Make) -> None:
    """Its end may be noticed here a moment before the keeper has noticed it."""
    seat = make(Plan("test"))
    for _ in range(5):
        host = seat.ready(Quiet())
        with seat.asked(Quiet()):
            pass
        host.kill()
        while host.alive:
            pass
        assert seat.ready(Quiet()).alive


def test_pauses_grow_until_work_is_done(make: Make, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = (0.0, 0.1, 0.2, 0.3)
    assert list(seat_module.PAUSES_S) == sorted(seat_module.PAUSES_S)
    monkeypatch.setattr(seat_module, "PAUSES_S", pauses)
    seat = make(Plan("test"))
    for death in range(1, 4):
        seat.ready(Quiet()).kill()
        assert told.until("gone", death)["again_in_s"] == pauses[death - 1]
    with pytest.raises(BadInput), seat.asked(Quiet()):
        raise BadInput("A refusal is an answer, too")
    seat.ready(Quiet()).kill()
    assert told.until("gone", 4)["again_in_s"] == 0.0


def test_an_engine_that_cannot_be_loaded_is_told_and_makes_jobs_wait(make: Make, told: Told) -> None:
    seat = make(Plan("test", f"{WORK}:load_without_weights"))
    told.until("not_loaded")
    assert "cannot be loaded" in seat.why()
    with pytest.raises(EngineAway, match="The test engine cannot be loaded: ") as away:
        seat.ready(Quiet())
    status = seat.status()
    assert "cannot be loaded" in status["why"] and status["hint"] == away.value.hint == "Get them"


def test_waiting_for_an_engine_can_be_cancelled(make: Make) -> None:
    class Impatient(Quiet):
        def check(self) -> None:
            raise Cancelled

    seat = make(Plan("test", f"{WORK}:load_slowly", {"seconds": 30}))
    with pytest.raises(Cancelled):
        seat.ready(Impatient())
    assert seat.why() == "The test engine is loading"


def test_who_waits_for_an_engine_sees_it(make: Make) -> None:
    """It died under a job, say: the job stood still, with a time left that counted on."""
    told: list[Snapshot] = []
    progress = JobProgress({"speech": 9.0}, told.append, every_s=0.0, expected=True)
    progress.enter("speech")
    seat = make(Plan("test", f"{WORK}:load_slowly", {"seconds": 0.5}))
    seat.ready(progress)
    assert ("the test engine", None) in {(at.loading, at.eta_s) for at in told}
    assert progress.loaded_s > 0 and told[-1].loading == "" and told[-1].eta_s is not None
    seen = len(told)
    seat.ready(progress)
    assert not any(at.loading for at in told[seen:])


def test_a_new_plan_comes_with_a_new_host(make: Make, told: Told) -> None:
    seat = make(Plan("test"))
    first = seat.ready(Quiet())
    seat.plan = Plan("test", preload=("wave",))
    seat.replace("its plan is another")
    assert told.until("replaced")["because"] == "its plan is another"
    told.until("ready", 2)
    assert seat.ready(Quiet()).plan.preload == ("wave",)
    assert not first.alive


def test_it_says_why_it_is_started_again(make: Make, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reload, its process was said to be gone, as if it had died."""
    monkeypatch.setattr(seat_module, "PAUSES_S", (0.0, 60.0))
    slowly = Plan("test", f"{WORK}:load_slowly", {"seconds": 30})
    seat = make(Plan("test"))
    seat.ready(Quiet())
    seat.plan = slowly
    seat.replace("its configuration has changed")
    for _ in range(2):  # as soon as it is ended, and while the next one loads
        assert seat.why() == "The test engine is started again, for its configuration has changed"
        told.until("starting", 2)
    os.kill(until_pid(seat), signal.SIGKILL)
    told.until("gone", 2)
    assert seat.why() == "The test engine is started again, for its process is gone"
    seat.close()
    seat.open()
    assert seat.why() == "The test engine is loading"


def test_what_ails_a_replaced_host_is_not_held_against_the_next(
    make: Make, told: Told, tmp_path: Path
) -> None:
    """A reload in the moment in which the old engine failed to load left a reason against the new one."""
    asked, weights = tmp_path / "asked", tmp_path / "weights"
    seat = make(Plan("test", f"{WORK}:load_in_vain", {"asked": str(asked), "until": str(weights)}))
    while not asked.exists():
        time.sleep(0.01)

    def tell(name: str, facts: dict[str, Any]) -> None:
        told(name, facts)
        if name == "replaced":  # it fails before it can be stopped
            weights.touch()
            told.until("gone")

    seat._tell = tell
    seat.plan = Plan("test", f"{WORK}:load_slowly", {"seconds": 30})
    seat.replace("its configuration has changed")
    assert seat.why() == "The test engine is started again, for its configuration has changed"
    assert told.all("not_loaded") == []


def test_a_seat_without_trouble_has_no_hint(make: Make, told: Told) -> None:
    seat = make(Plan("test", f"{WORK}:load_without_weights"))
    told.until("not_loaded")
    seat.plan = Plan("test")
    seat.replace("its configuration has changed")
    seat.ready(Quiet())
    status = seat.status()
    assert (status["why"], status["hint"]) == ("", "")


def test_opened_while_it_is_closed_it_has_one_keeper_and_ends(make: Make) -> None:
    """The door is closed when it is idle, and may be asked for in that very moment: `close` then hung."""
    seat = make(Plan("test"))
    for pause_s in (0.0, 0.001, 0.003, 0.01):
        seat.open()
        seat.ready(Quiet())
        closing = threading.Thread(target=seat.close)
        closing.start()
        time.sleep(pause_s)  # to meet different moments of it
        seat.open()
        closing.join(60)
        assert not closing.is_alive()
        keepers = [thread for thread in threading.enumerate() if thread.name == "keeper-test"]
        assert len(keepers) == 1
        assert seat.ready(Quiet()).alive
    seat.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "keeper-test"]


def test_closing_ends_the_host_and_the_keeper(make: Make, told: Told) -> None:
    seat = make(Plan("test"))
    host = seat.ready(Quiet())
    seat.close()
    assert not host.alive and told.until("ended")["reason"] == "exit status 0"
    assert not [thread for thread in threading.enumerate() if thread.name == "keeper-test"]
    with pytest.raises(EngineAway):
        seat.ready(Quiet())
    seat.open()  # as the door does, when it is needed again
    assert seat.ready(Quiet()).alive


# ---------------------------------------------------------------- ends that nobody asked for


class Bell:
    """What the admins are told."""

    def __init__(self) -> None:
        self.rung: dict[str, tuple[str, str]] = {}
        self.cleared: list[str] = []

    def raise_alarm(self, key: str, message: str, hint: str = "") -> None:
        self.rung[key] = message, hint

    def clear(self, key: str) -> None:
        self.rung.pop(key, None)
        self.cleared.append(key)


class Clock:
    """Real seconds, and those that a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def kill(seat: Seat) -> None:
    """After it has worked, so that it is nothing else than killed too often."""
    with seat.asked(Quiet()) as host:
        pass
    os.kill(host.pid, signal.SIGKILL)


def test_what_ends_too_often_rests_and_the_admins_are_told(make: Make, told: Told) -> None:
    bell, clock = Bell(), Clock()
    seat = make(Plan("test"), replacements=2, alarms=bell, clock=clock)
    for death in (1, 2):
        kill(seat)
        assert told.until("gone", death)["again_in_s"] == 0.0
    assert bell.rung == {}
    kill(seat)
    assert 590 < told.until("gone", 3)["again_in_s"] <= 600
    deadline = time.monotonic() + 10
    while not bell.rung:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    message, hint = bell.rung["host:test"]
    assert (
        message == "The test engine has ended 3 times within 10 minutes, and is started again in 10 minutes"
    )
    assert "host-test.log" in hint
    assert seat.why().startswith("The test engine has ended 3 times within 10 minutes")
    health = seat.health()
    assert (health.state, health.well, health.trouble) == ("dead", False, seat.why())
    assert told.all("starting")[-1]["start"] == 3

    clock.ahead = 601.0
    with seat._changed:
        seat._changed.notify_all()  # its keeper looks at the clock now
    with seat.asked(Quiet()):
        assert bell.rung, "it has started, and done nothing yet"
    assert bell.rung == {} and bell.cleared == ["host:test"]
    assert seat.why() == "" and seat.health().well


def test_ends_that_are_far_apart_or_wanted_are_not_counted(make: Make, told: Told) -> None:
    bell, clock = Bell(), Clock()
    seat = make(Plan("test"), replacements=1, alarms=bell, clock=clock)
    for death in (1, 2, 3):
        kill(seat)
        assert told.until("gone", death)["again_in_s"] == 0.0
        clock.ahead += 601
    for death in (4, 5, 6):
        seat.ready(Quiet())
        seat.replace("its configuration has changed")
        assert told.until("gone", death)["again_in_s"] == 0.0
    assert bell.rung == {}


def test_who_gives_up_waiting_has_not_seen_it_work(make: Make, told: Told) -> None:
    """The admins were told that all is well when somebody cancelled a job that waited for the engine."""
    bell = Bell()
    seat = make(Plan("test"), replacements=1, alarms=bell)
    for death in (1, 2):
        kill(seat)
        told.until("gone", death)
    with pytest.raises(Cancelled), seat.asked(Gone()):
        raise AssertionError
    assert "host:test" in bell.rung


def test_work_that_is_cancelled_and_does_not_come_back_is_no_fault_of_the_host(
    make: Make, told: Told, tmp_path: Path
) -> None:
    """After some cancels the engine rested for ten minutes, and the admins were told of it."""

    class Unwanted(Quiet):
        stepped = False

        def step(self, done: float, total: float) -> None:
            self.stepped = True

        def check(self) -> None:  # a while after the step: by then it is in native code
            if self.stepped:
                raise Cancelled

    bell = Bell()
    seat = make(Plan("test"), replacements=1, alarms=bell)
    stuck = {"how": "native", "pids": str(tmp_path / "pids")}
    for cancel in (1, 2, 3):
        with pytest.raises(Cancelled), seat.asked(Quiet()) as host:
            host.ask(f"{WORK}:stuck", stuck, Unwanted(), grace_s=0.1)
        assert told.until("gone", cancel)["again_in_s"] == 0.0
        assert seat.health().trouble == ""
    assert bell.rung == {} and seat.ready(Quiet()).alive


def test_who_cannot_be_loaded_and_knows_why_is_tried_again_every_minute(
    make: Make, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights may be there by then."""
    monkeypatch.setattr(seat_module, "PAUSES_S", (0.0,))
    bell = Bell()
    seat = make(Plan("test", f"{WORK}:load_without_weights"), replacements=1, alarms=bell)
    assert told.until("gone", 4)["again_in_s"] == 0.0
    assert bell.rung["host:test"] == ("The test engine cannot be loaded: The weights are missing", "Get them")
    seat.plan = Plan("test")
    seat.replace("its configuration has changed")
    seat.ready(Quiet())
    told.until("ready")
    assert bell.rung == {}


def test_what_ends_while_loading_is_counted(make: Make, told: Told) -> None:
    bell = Bell()
    seat = make(Plan("test", f"{WORK}:load_and_die"), replacements=1, alarms=bell)
    assert told.until("gone", 2)["again_in_s"] > 500
    assert seat.health().state == "dead"
    assert "exit status 3" in told.until("not_loaded")["message"]


def test_no_job_waits_for_a_process_that_does_not_even_end_when_it_is_killed(
    make: Make, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held by the driver of a lost GPU, say. It was waited for as one that loads is, and nobody told."""
    monkeypatch.setattr(seat_module, "KILLED_S", 0.2)
    monkeypatch.setattr(seat_module, "LOOK_AT_END_S", 0.1)
    monkeypatch.setattr(host_module, "KILL_S", 0.1)
    bell = Bell()
    seat = make(Plan("test"), alarms=bell)
    host = seat.ready(Quiet())
    os.kill(host.pid, signal.SIGSTOP)
    with monkeypatch.context() as held:
        held.setattr(Process, "signal", lambda *_, **__: None)
        with pytest.raises(Cancelled), seat.asked(Quiet()) as asked:
            asked.ask(f"{WORK}:echo", {}, Gone(), grace_s=0.1)
        told.until("undying")
        with pytest.raises(EngineAway, match="was killed and does not end") as away:
            seat.ready(Quiet())
        assert "restart the machine" in away.value.hint and "does not end" in seat.why()
        assert "does not end" in bell.rung["host:test"][0] and not seat.health().well
    host.kill()
    told.until("ready", 2)
    assert seat.ready(Quiet()).alive and bell.rung == {}


# ---------------------------------------------------------------- stalls


def test_a_host_that_gets_nowhere_while_loading_is_replaced(make: Make, told: Told, tmp_path: Path) -> None:
    """It was waited for, for ever. The second one gets on."""
    seat = make(Plan("test", f"{WORK}:load_slowly", {"seconds": 60}), floors=even(1.0))
    assert told.until("starting")
    deadline = time.monotonic() + 20
    while (health := seat.health()).budget_s is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (health.state, health.budget_s, health.well) == ("loading", 1.0, True)
    while (health := seat.health()).state == "loading":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert health.state == "stalled" and "got nowhere" in health.trouble and "host-test.log" in health.hint
    seat.plan = Plan("test")
    assert told.until("not_loaded")["code"] == "host_stalled"
    assert seat.ready(Quiet()).alive
    assert [facts["rung"] for facts in told.all("ladder")][:2] == ["found", "dump"]
    assert "in load_slowly" in (tmp_path / "logs" / "host-test.log").read_text()


def test_health_says_what_it_does_without_asking(make: Make, threads: ThreadPoolExecutor) -> None:
    seat = make(Plan("test", "models.choose:resident", {"kind": "speech", "name": "espeak"}))
    host = seat.ready(Quiet())
    watch = Watch()
    assert seat.health().state == "idle"
    how: dict[str, Any] = {"job": "j1", "stage": "speech", "floors": even(60)}
    work = threads.submit(host.ask, f"{WORK}:until_cancelled", {}, watch, **how)
    assert watch.began.wait(20)
    os.kill(host.pid, signal.SIGSTOP)  # who asked it would wait
    try:
        health = seat.health()
        assert quickest(seat.health, 0.1) < 0.1
    finally:
        os.kill(host.pid, signal.SIGCONT)
    watch.stop = Cancelled()
    with pytest.raises(Cancelled):
        work.result(20)
    assert (health.name, health.state, health.budget_s, health.well) == ("host:test", "busy", 60, True)
    facts = dict(health.facts)
    assert facts.pop("rss") > 1e6 and facts.pop("load_s") > 0 and facts.pop("engine").startswith("espeak/")
    assert facts == {
        "job": "j1", "stage": "speech", "heartbeats": 1,
        "pid": host.pid, "device": "cpu", "vram": 0, "starts": 1,
    }  # fmt: skip
