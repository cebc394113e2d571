"""One counter for the bar, the ETA and the heartbeat."""

from __future__ import annotations

import pytest

from models.errors import Cancelled
from models.progress import Share
from pipeline.progress import JobProgress, Snapshot

WEIGHTS = {"speech": 1.0, "lipsync": 8.0, "compose": 1.0}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_whole_is_the_weighted_sum_of_the_parts() -> None:
    p = JobProgress(WEIGHTS)
    p.enter("speech")
    p.step(1, 2)
    assert p.snapshot().fraction == pytest.approx(0.05)
    p.leave()
    p.enter("lipsync")
    p.step(50, 100)
    assert p.snapshot().fraction == pytest.approx(0.5)
    assert p.snapshot().stage == "lipsync"
    assert p.snapshot().stage_fraction == pytest.approx(0.5)


def test_the_time_left_follows_the_pace() -> None:
    clock = Clock()
    p = JobProgress(WEIGHTS, clock=clock)
    p.enter("speech")
    clock.now += 10
    p.leave()
    p.enter("lipsync")
    clock.now += 40
    p.step(1, 2)
    # 50 s for half of the work: as much again is left.
    assert p.snapshot().eta_s == pytest.approx(50)


def test_reused_artifacts_do_not_flatter_the_time_left() -> None:
    clock = Clock()
    p = JobProgress(WEIGHTS, clock=clock)
    for stage in ("speech", "lipsync"):
        p.enter(stage)
        clock.now += 0.01
        p.leave(reused=True)
    p.enter("compose")
    clock.now += 5
    p.step(1, 2)
    assert p.snapshot().eta_s == pytest.approx(5, rel=0.1)


def test_every_step_is_a_heartbeat_and_nothing_else_is() -> None:
    p = JobProgress(WEIGHTS)
    p.enter("speech")
    before = p.heartbeats
    p.snapshot()
    assert p.heartbeats == before
    p.step(1, 10)
    p.step(1, 10)
    assert p.heartbeats == before + 2


def test_cancel_is_raised_in_the_working_code() -> None:
    stop = False
    p = JobProgress(WEIGHTS, cancelled=lambda: stop)
    p.enter("speech")
    p.step(1, 10)
    stop = True
    with pytest.raises(Cancelled):
        p.step(2, 10)


def test_asking_whether_to_stop_is_not_a_heartbeat() -> None:
    clock, told = Clock(), list[Snapshot]()
    p = JobProgress(WEIGHTS, told.append, cancelled=lambda: len(told) > 1, clock=clock)
    p.enter("speech")
    before = p.heartbeats
    p.check()  # too soon to tell anybody
    clock.now += 1
    p.check()  # the listener learns that a cancel was asked
    with pytest.raises(Cancelled):
        Share(p, 0.2, 0.4).check()
    assert p.heartbeats == before
    assert p.snapshot().stage_fraction == 0


def test_listeners_are_not_flooded() -> None:
    clock, told = Clock(), list[Snapshot]()
    p = JobProgress(WEIGHTS, told.append, clock=clock, every_s=0.2)
    p.enter("speech")
    for i in range(1000):
        clock.now += 0.001
        p.step(i, 1000)
    assert 4 <= len(told) <= 8


def test_a_part_of_a_stage_has_its_own_zero_and_one() -> None:
    p = JobProgress(WEIGHTS)
    p.enter("lipsync")
    Share(p, 0.25, 0.75).step(1, 2)
    assert p.snapshot().stage_fraction == pytest.approx(0.5)
