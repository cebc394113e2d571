"""The monitor: who stands still is found, who is only slow is not, and each change is told once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from daemon.health.component import Component, State
from daemon.health.monitor import EVERY_S, GATHERING_S, LOOP_S, Monitor, Source
from daemon.health.report import named
from tests.daemon.health.kit import Clock
from tests.log_kit import Written


class Part:
    """A source with one component, which the test changes."""

    def __init__(self, name: str, vital: bool = False) -> None:
        self.name, self.vital = name, vital
        self.state: State = "idle"
        self.trouble = ""

    def __call__(self) -> Iterable[Component]:
        return [Component(self.name, self.state, trouble=self.trouble, vital=self.vital)]


class Watched:
    """A monitor with a clock moved by hand; a "look" is one round of gathering, a "tick" one of the loop."""

    def __init__(self, **sources: Source) -> None:
        self.clock, self.log = Clock(), Written()
        self.told: list[dict[str, Any]] = []
        self.monitor = Monitor(sources, self.log, self._publish, self.clock)
        self.monitor.tick()
        self.monitor.gather()

    def _publish(self, name: str, **facts: object) -> None:
        assert name == "health"
        self.told.append(facts)

    def pass_by(self, seconds: float, loop: bool = True, gathering: bool = True) -> None:
        for second in range(int(seconds)):
            self.clock.now += 1
            if loop:
                self.monitor.tick()
            if gathering and second % EVERY_S == EVERY_S - 1:
                self.monitor.gather()

    def fit(self) -> bool:
        return self.monitor.fit

    def state(self, name: str) -> State:
        part = named(self.monitor.report().components, name)
        assert part is not None
        return part.state


def test_all_is_well_for_an_hour() -> None:
    watched = Watched(worker=Part("worker", vital=True))
    watched.pass_by(3600)
    assert watched.monitor.report().verdict == "healthy" and watched.fit()
    assert not watched.told and not watched.log.lines


def test_a_loop_that_stands_still_is_down_and_well_when_it_goes_on() -> None:
    watched = Watched()
    watched.pass_by(LOOP_S - EVERY_S, loop=False)
    assert watched.fit()
    watched.pass_by(2 * EVERY_S, loop=False)
    assert watched.state("loop") == "stalled"
    assert watched.monitor.report().verdict == "down" and not watched.fit()
    watched.pass_by(EVERY_S)
    assert watched.monitor.report().verdict == "healthy" and watched.fit()


def test_a_loop_that_is_busy_in_pieces_is_never_late() -> None:
    """Its ticks come 8 seconds apart: late answers, and yet it gets on."""
    watched = Watched()
    for _ in range(50):
        watched.pass_by(8, loop=False)
        watched.monitor.tick()
        assert watched.fit()
    assert not watched.told


def test_a_daemon_that_was_stopped_or_slept_for_an_hour_has_nobody_late() -> None:
    """SIGSTOP, a machine asleep or one that swaps: the clock goes on, and nobody could do a thing."""
    watched = Watched(worker=Part("worker", vital=True))
    for _ in range(3):
        watched.clock.now += 3600
        assert watched.fit()
        watched.monitor.gather()  # before the loop has had its turn
        assert watched.fit()
        watched.pass_by(2)
    assert not watched.told


def test_a_source_that_hangs_is_named_by_whoever_can_still_speak() -> None:
    entered, go_on, hang = threading.Event(), threading.Event(), False

    def hangs() -> Iterable[Component]:
        if hang:
            entered.set()
            go_on.wait(60)
        return []

    watched = Watched(hosts=hangs)
    hang = True
    stuck = threading.Thread(target=watched.monitor.gather)
    stuck.start()
    try:
        assert entered.wait(60)
        watched.pass_by(GATHERING_S, gathering=False)
        assert watched.fit()
        watched.pass_by(2, gathering=False)
        report = watched.monitor.report()
        assert report.verdict == "down" and not watched.fit()
        assert "hosts does not say" in report.why
    finally:
        go_on.set()
        stuck.join()
    assert watched.fit()


def test_a_source_that_raises_takes_no_other_with_it_and_is_logged_once() -> None:
    def raises() -> Iterable[Component]:
        raise RuntimeError("secret words")

    disk = Part("disk")
    watched = Watched(hosts=raises, disk=disk)
    watched.pass_by(60)
    report = watched.monitor.report()
    broken = named(report.components, "hosts")
    assert broken is not None and broken.state == "dead" and "secret" not in broken.trouble
    assert report.verdict == "degraded" and watched.state("disk") == "idle"
    assert [name for name, _ in watched.log.lines].count("health_fault") == 1
    assert watched.fit()  # no restart mends that


@pytest.mark.parametrize(("name", "fit"), [("worker", False), ("database", False), ("telegram", True)])
@pytest.mark.parametrize("state", ["stalled", "dead"])
def test_the_watchdog_starves_for_what_only_a_restart_mends(name: str, fit: bool, state: State) -> None:
    part = Part(name)
    watched = Watched(part=part)
    part.state = state
    watched.pass_by(EVERY_S)
    assert watched.fit() == fit
    part.state, part.trouble = "idle", "The disk is full"
    watched.pass_by(EVERY_S)
    assert watched.fit()


def test_each_change_is_told_once_and_so_is_its_end() -> None:
    disk = Part("disk")
    watched = Watched(disk=disk)
    for second in range(30):  # the words change with every look
        disk.trouble = f"Full for {second} s"
        watched.pass_by(EVERY_S)
    assert [(told.get("component"), told.get("verdict")) for told in watched.told] == [
        ("disk", None),
        (None, "degraded"),
    ]
    disk.trouble = ""
    watched.pass_by(30)
    assert watched.told[2]["well"] is True and watched.told[3]["verdict"] == "healthy"
    assert len(watched.told) == 4


def test_what_is_gone_is_not_unwell_any_more() -> None:
    parts = [Component("inbox:a", "dead")]
    watched = Watched(inboxes=lambda: parts)
    parts = []
    watched.pass_by(EVERY_S)
    assert watched.told[-2]["state"] == "gone" and watched.told[-1]["verdict"] == "healthy"


def test_a_publisher_that_raises_does_not_end_the_looking() -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OSError("nobody listens")

    seen = threading.Event()
    looks = 0

    def source() -> Iterable[Component]:
        nonlocal looks
        looks += 1
        if looks >= 2:
            seen.set()
        return [Component("disk", "dead")]

    async def run() -> None:
        monitor = Monitor({"disk": source}, Written(), breaks)
        monitor.start(asyncio.get_running_loop())
        try:
            assert await asyncio.to_thread(seen.wait, 30)
        finally:
            monitor.stop()

    asyncio.run(run())


@pytest.mark.slow
def test_a_real_loop_that_is_blocked_is_found_from_its_own_thread() -> None:
    watched: list[str] = []

    async def run() -> None:
        monitor = Monitor({}, Written(), lambda *_, **__: None)
        monitor.start(asyncio.get_running_loop())
        await asyncio.sleep(0)
        until = time.monotonic() + 60

        def look() -> None:
            while monitor.fit and time.monotonic() < until:
                time.sleep(0.1)
            watched.append(monitor.report().why)

        looker = threading.Thread(target=look)
        looker.start()
        looker.join()  # blocks the loop, that is the point
        monitor.stop()

    asyncio.run(run())
    assert "event loop has stood still" in watched[0]
