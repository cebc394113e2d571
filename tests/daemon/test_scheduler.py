"""The tick: what is due is called, whatever the clock on the wall does, and whatever another action does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from daemon.scheduler import BUDGET_S, SELF_S, Scheduler
from tests.daemon.health.kit import Clock, pass_by
from tests.log_kit import Written


def settled(scheduler: Scheduler) -> None:
    """What was begun has ended."""
    for slot in scheduler._slots.values():
        if slot.thread is not None:
            slot.thread.join(60)
            assert not slot.thread.is_alive()


def ticking(scheduler: Scheduler) -> Callable[[], None]:
    def tick() -> None:
        scheduler.tick()
        settled(scheduler)

    return tick


def test_an_action_is_called_at_once_and_then_every_so_many_seconds() -> None:
    clock, calls = Clock(), []
    scheduler = Scheduler(Written(), clock)
    scheduler.every(900, "housekeeping", lambda: calls.append(clock.now))
    pass_by(2000, clock, scheduler.health, ticking(scheduler))
    assert calls == [1001, 1901, 2801]


def test_what_was_missed_is_called_once_and_not_so_many_times() -> None:
    clock, calls = Clock(), []
    scheduler = Scheduler(Written(), clock)
    scheduler.every(10, "slots", lambda: calls.append(clock.now))
    ticking(scheduler)()
    clock.now += 1000
    for _ in range(5):
        ticking(scheduler)()
    assert calls == [1000, 2000]


def test_an_action_that_breaks_is_told_and_called_again() -> None:
    clock, log, calls = Clock(), Written(), []

    def breaks() -> None:
        calls.append(clock.now)
        if len(calls) == 1:
            raise KeyError("bug")

    scheduler = Scheduler(log, clock)
    scheduler.every(10, "slots", breaks)
    broken = pass_by(1, clock, scheduler.health, ticking(scheduler))
    assert "slots met a fault of vigentd: KeyError" in broken.trouble
    assert [(name, facts["what"]) for name, facts in log.lines] == [("scheduled_failed", "slots")]
    assert pass_by(10, clock, scheduler.health, ticking(scheduler)).well and len(calls) == 2


def test_an_action_that_hangs_is_not_begun_twice_and_holds_up_nobody() -> None:
    clock, go_on, hung, calls = Clock(), threading.Event(), [], []

    def hangs() -> None:
        hung.append(1)
        go_on.wait()

    scheduler = Scheduler(Written(), clock)
    scheduler.every(10, "housekeeping", hangs, budget_s=300)
    scheduler.every(10, "slots", lambda: calls.append(1))

    def tick() -> None:
        scheduler.tick()
        for name in ("slots", "tick"):
            thread = scheduler._slots[name].thread
            assert thread is not None
            thread.join(60)

    try:
        patient = pass_by(300, clock, scheduler.health, tick)
        assert patient.well and patient.state == "busy" and patient.age_s < SELF_S
        late = pass_by(2, clock, scheduler.health, tick)
        assert "housekeeping has been at work for 30" in late.trouble and late.state == "busy"
        assert len(hung) == 1 and len(calls) == 31
    finally:
        go_on.set()
    settled(scheduler)
    assert pass_by(1, clock, scheduler.health).well


def test_a_scheduler_that_does_not_tick_is_a_stall() -> None:
    clock = Clock()
    scheduler = Scheduler(Written(), clock)
    ticking(scheduler)()
    assert pass_by(BUDGET_S, clock, scheduler.health).well
    late = pass_by(1, clock, scheduler.health)
    assert late.state == "stalled" and "has not ticked for 61 s" in late.trouble and not late.vital


@pytest.mark.parametrize("days", [-1, 1])
def test_ticks_go_on_when_the_clock_on_the_wall_jumps_by_a_day(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, news, shift, real = [], threading.Condition(), [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])

    def call() -> None:
        with news:
            calls.append(1)
            news.notify_all()

    monkeypatch.setattr("daemon.scheduler.LOOK_S", 0.01)
    scheduler = Scheduler(Written())
    scheduler.every(0.02, "slots", call)
    scheduler.start()
    try:
        with news:
            assert news.wait_for(lambda: len(calls) >= 3, 10)
            shift[0] = days * 86400.0
            before = len(calls)
            assert news.wait_for(lambda: len(calls) >= before + 5, 10)
    finally:
        scheduler.stop()
    after = len(calls)
    time.sleep(0.05)  # nothing tells that nothing is begun any more
    assert len(calls) == after
