"""A probe: its answer comes from memory, whatever its look does."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from daemon.health.probe import About, Finding, Probe
from models.errors import Unavailable
from tests.daemon.health.kit import Clock, pass_by
from tests.log_kit import Written

ABOUT = About("thing", every_s=0.01, budget_s=30, stuck="It does not answer", hint="Look at it", vital=True)


def test_a_look_that_never_ends_is_a_stall_after_the_budget_and_the_answer_comes_at_once() -> None:
    clock, entered, go_on = Clock(), threading.Event(), threading.Event()

    def hangs() -> Finding:
        entered.set()
        go_on.wait()
        return Finding()

    probe = Probe(ABOUT, hangs, Written(), clock)
    probe.start()
    try:
        assert entered.wait(60)
        began = time.monotonic()
        patient = pass_by(30, clock, probe.health)
        late = pass_by(1, clock, probe.health)
        assert time.monotonic() - began < 20
        assert patient.state == "loading" and patient.well
        assert late.state == "stalled" and late.trouble == "It does not answer" and late.hint and late.vital
    finally:
        go_on.set()
    until = time.monotonic() + 10
    while next(iter(probe.health())).state != "idle":
        assert time.monotonic() < until
        time.sleep(0.005)
    probe.close()


def test_what_may_pass_is_a_trouble_only_when_it_does_not() -> None:
    clock = Clock()
    probe = Probe(ABOUT, lambda: Finding("It is busy", worked=False, passing=True), Written(), clock)
    assert pass_by(30, clock, probe.health, probe.look).well
    late = pass_by(1, clock, probe.health, probe.look)
    assert (late.state, late.trouble, late.age_s) == ("stalled", "It is busy", 31)


def test_what_may_pass_for_longer_is_no_stall_but_a_look_that_does_not_end_is() -> None:
    clock = Clock()
    probe = Probe(
        replace(ABOUT, passes_s=100),
        lambda: Finding("It is busy", worked=False, passing=True),
        Written(),
        clock,
    )
    patient = pass_by(100, clock, probe.health, probe.look)
    assert (patient.state, patient.trouble) == ("idle", "It is busy")
    assert pass_by(1, clock, probe.health, probe.look).state == "stalled"

    hung = Probe(replace(ABOUT, passes_s=100), Finding, Written(), clock)
    hung.look()
    assert pass_by(30, clock, hung.health).well
    late = pass_by(1, clock, hung.health)
    assert (late.state, late.trouble) == ("stalled", "It does not answer")


def test_a_definite_trouble_is_told_at_once_and_is_no_stall() -> None:
    def full() -> Finding:
        raise Unavailable("The disk is full", hint="Free some")

    clock = Clock()
    probe = Probe(ABOUT, full, Written(), clock)
    found = pass_by(100, clock, probe.health, probe.look)
    assert (found.state, found.trouble, found.hint, found.age_s) == (
        "idle",
        "The disk is full",
        "Free some",
        100,
    )


def test_a_fault_of_a_look_is_told_and_is_not_the_end_of_looking() -> None:
    looks: list[int] = []

    def looked() -> Finding:
        looks.append(1)
        if len(looks) <= 2:
            raise KeyError("bug")
        return Finding(facts={"looks": len(looks)})

    clock, log = Clock(), Written()
    probe = Probe(ABOUT, looked, log, clock)
    assert "fault of vigentd" in pass_by(2, clock, probe.health, probe.look).trouble
    assert pass_by(1, clock, probe.health, probe.look).well
    assert [name for name, _ in log.lines] == ["probe_fault"]


def test_that_it_is_over_is_known_sooner_than_the_next_look_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.health.probe.AGAIN_S", 0.01)
    looks = threading.Semaphore(0)

    def fails() -> Finding:
        looks.release()
        return Finding("It is busy", worked=False, passing=True)

    probe = Probe(replace(ABOUT, every_s=3600), fails, Written())
    probe.start()
    try:
        assert all(looks.acquire(timeout=60) for _ in range(3))
    finally:
        probe.close()


def test_what_was_opened_is_closed_in_the_end() -> None:
    ended = threading.Event()
    probe = Probe(ABOUT, Finding, Written(), end=ended.set)
    probe.start()
    assert not ended.is_set()
    probe.close()
    assert ended.is_set()
