"""One counter for the bar, the ETA and the heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Cancelled
from models.progress import Share
from pipeline.progress import JobProgress, Snapshot, loading

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


def test_loading_is_told_and_no_time_left_is_made_of_it() -> None:
    clock, told = Clock(), list[Snapshot]()
    p = JobProgress(WEIGHTS, told.append, clock=clock)
    p.enter("lipsync")
    with p.loading("LatentSync"):
        clock.now += 90
        p.check()
    assert [(at.loading, at.eta_s) for at in told] == [("", None), *[("LatentSync", None)] * 2, ("", None)]
    assert p.loaded_s == 90
    clock.now += 40
    p.step(1, 2)
    assert p.snapshot().eta_s == pytest.approx(40 * 5 / 4)
    p.leave()
    assert p.snapshot().eta_s == pytest.approx(40 / 8)


def test_what_this_machine_took_before_is_expected_again_after_loading() -> None:
    clock = Clock()
    p = JobProgress(WEIGHTS, clock=clock, expected=True)
    p.enter("speech")
    assert p.snapshot().eta_s == pytest.approx(10)
    with loading(Share(p, 0, 1), "nobody is told"), loading(p, "Qwen3-TTS"):
        clock.now += 90
        assert p.snapshot().eta_s is None
    assert p.snapshot().eta_s == pytest.approx(10)


def test_a_small_stage_says_nothing_about_the_rest() -> None:
    """A real voice took a hundred times its usual share: an hour was told for a job of a minute."""
    clock = Clock()
    p = JobProgress({"speech": 0.02, "lipsync": 0.8, "compose": 0.6}, clock=clock)
    p.enter("speech")
    clock.now += 20
    p.step(99, 100)
    assert p.snapshot().eta_s is None
    p.leave()
    p.enter("lipsync")
    clock.now += 8
    p.step(1, 2)
    assert p.snapshot().eta_s == pytest.approx(8 + 12)
    clock.now += 8
    p.step(2, 2)
    assert p.snapshot().eta_s == pytest.approx(12), "all is done but for its end"


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


# ---------------------------------------------------------------- expected seconds

Doing = list[tuple[str, float, list[float]]]  # stage, seconds that it takes, fractions that it tells


@st.composite
def jobs(draw: st.DrawFn) -> Doing:
    steps = st.lists(st.floats(0.01, 0.99), max_size=12).map(sorted)
    count = draw(st.integers(1, 6))
    return [(f"stage {i}", draw(st.floats(0.1, 1000)), draw(steps)) for i in range(count)]


def work(doing: Doing, pace: Callable[[str], float] = lambda _: 1.0) -> list[tuple[float, Snapshot]]:
    """Each snapshot of a job, with the seconds that were truly left; stages take `pace` times as expected."""
    clock, seen = Clock(), list[tuple[float, Snapshot]]()
    end = clock.now + sum(seconds * pace(stage) for stage, seconds, _ in doing)
    p = JobProgress({stage: seconds for stage, seconds, _ in doing}, clock=clock, expected=True)

    def look() -> None:
        seen.append((end - clock.now, p.snapshot()))

    for stage, expected_s, fractions in doing:
        p.enter(stage)
        look()
        began = clock.now
        for fraction in [*fractions, 1.0]:
            then = began + fraction * expected_s * pace(stage)
            clock.now = (clock.now + then) / 2
            p.check()
            look()  # between two steps
            clock.now = then
            p.step(fraction, 1.0)
            look()
        p.leave()
        look()
    return seen


@given(jobs())
def test_work_that_goes_as_expected_has_the_right_eta_all_along(doing: Doing) -> None:
    whole = sum(seconds for _, seconds, _ in doing)
    for left, at in work(doing):
        assert at.eta_s == pytest.approx(left, rel=0.05, abs=1e-6 * whole)


@given(jobs(), st.lists(st.floats(0.05, 20), min_size=6, max_size=6))
def test_whatever_the_pace_the_bar_goes_forward_and_the_eta_ends_at_nothing(
    doing: Doing, paces: list[float]
) -> None:
    seen = [at for _, at in work(doing, lambda stage: paces[int(stage.split()[1])])]
    fractions = [at.fraction for at in seen]
    assert fractions == sorted(fractions)
    assert all(at.eta_s is not None and at.eta_s >= 0 for at in seen)
    assert seen[-1].fraction == pytest.approx(1.0)
    assert seen[-1].eta_s == pytest.approx(0.0, abs=1e-6 * sum(seconds for _, seconds, _ in doing))


@pytest.mark.parametrize("pace", [0.5, 2.0, 4.0])
def test_work_at_another_pace_than_expected_is_found_out(pace: float) -> None:
    steps = [i / 50 for i in range(1, 50)]
    doing = [("a", 10.0, steps), ("b", 60.0, steps), ("c", 30.0, steps)]
    seen = work(doing, lambda _: pace)
    assert seen[0][1].eta_s == pytest.approx(100)
    off = [(at.fraction, abs((at.eta_s or 0.0) - left) / (100 * pace)) for left, at in seen]
    assert all(error < 0.12 for done, error in off if done > 0.6)
    assert all(error < 0.05 for done, error in off if done > 0.75)
    etas = [at.eta_s or 0.0 for _, at in seen]
    jumps = [abs(b - a) for a, b in pairwise(etas)]
    assert max(jumps) < 0.05 * 100 * pace, "it glides"


def test_what_a_stage_needs_to_get_ready_does_not_make_the_eta_jump() -> None:
    """A minute goes by, half of it before the first of 100 steps: at that pace it would be 50 minutes."""
    clock = Clock()
    p = JobProgress({"lipsync": 60.0, "compose": 60.0}, clock=clock, expected=True)
    p.enter("lipsync")
    clock.now += 30
    p.step(0, 100)
    assert p.snapshot().eta_s == pytest.approx(90)
    p.step(1, 100)
    assert p.snapshot().eta_s == pytest.approx(120, rel=0.05)


@given(st.floats(0.0, 5.0), st.integers(1, 3))
def test_reused_artifacts_do_not_flatter_what_is_expected(took_s: float, reused: int) -> None:
    clock = Clock()
    weights = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}
    p = JobProgress(weights, clock=clock, expected=True)
    for stage in list(weights)[:reused]:
        p.enter(stage)
        clock.now += took_s
        p.step(1, 1)
        p.leave(reused=True)
    assert p.snapshot().eta_s == pytest.approx(sum(list(weights.values())[reused:]))


def test_a_silent_stage_that_is_late_needs_as_much_again() -> None:
    clock = Clock()
    p = JobProgress({"probe": 10.0, "verify": 5.0}, clock=clock, expected=True)
    p.enter("probe")
    for elapsed, left in ((4, 6), (10, 0), (13, 3), (30, 20)):
        clock.now = 100 + elapsed
        assert p.snapshot().eta_s == pytest.approx(left + 5)


def test_without_any_weight_nothing_is_expected() -> None:
    p = JobProgress({}, expected=True)
    p.enter("speech")
    assert p.snapshot().eta_s is None
