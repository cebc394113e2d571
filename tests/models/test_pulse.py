"""Slow work is not stuck work; stuck work is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.budgets import even
from models.pulse import TIMES_USUAL, Pulse


def live(pulse: Pulse, since: float, until: float, every_s: float, beats_every_s: float, beats: int) -> int:
    """Looks at work that beats steadily; returns the heartbeats so far. No look may find a stall."""
    started = beats
    for look in range(1, int((until - since) / every_s) + 1):
        now = since + look * every_s
        beats = started + int(look * every_s / beats_every_s)
        pulse.feed(beats, now)
        assert not pulse.stalled
    return beats


def silence(pulse: Pulse, beats: int, since: float) -> float:
    """Seconds until the stall is found."""
    for look in range(1, 100_000):
        pulse.feed(beats, since + look * 0.2)
        if pulse.stalled:
            return look * 0.2
    raise AssertionError("never found")


def test_patience_counts_before_the_first_heartbeat() -> None:
    assert 5.0 < silence(Pulse(even(5.0), 100.0), 0, 100.0) < 5.5


def test_quick_work_is_given_its_patience() -> None:
    pulse = Pulse(even(5.0), 0.0)
    beats = live(pulse, 0.0, 60.0, 0.2, 0.05, 0)
    assert 5.0 < silence(pulse, beats, 60.0) < 5.5


def test_slow_work_is_given_ten_times_its_own_pace() -> None:
    """A chunk of 3 s with a patience of 5: the budget grows to 30 s, and a chunk of 25 s is no stall."""
    pulse = Pulse(even(5.0), 0.0)
    beats = live(pulse, 0.0, 60.0, 0.2, 3.0, 0)
    found = silence(pulse, beats, 60.0)
    assert 0.9 * TIMES_USUAL * 3.0 < found < 1.1 * TIMES_USUAL * 3.0


def test_what_used_to_be_slow_is_forgotten() -> None:
    pulse = Pulse(even(1.0), 0.0)
    beats = live(pulse, 0.0, 9.0, 0.2, 0.9, 0)
    assert pulse.budget_s > 5.0
    beats = live(pulse, 9.0, 19.0, 0.2, 0.1, beats)
    assert pulse.budget_s < 1.5


def test_a_long_preparation_is_not_the_pace() -> None:
    pulse = Pulse(even(5.0), 0.0)
    beats = live(pulse, 0.0, 4.0, 0.2, 3.9, 0)
    assert beats == 1
    assert 4.5 < silence(pulse, beats, 4.0) < 5.5


def test_a_watcher_that_slept_finds_no_stall() -> None:
    """The daemon was stopped, or its disk was: that is not the silence of the host."""
    pulse = Pulse(even(10.0), 0.0)
    pulse.feed(1, 0.2)
    pulse.feed(1, 5000.0)
    assert not pulse.stalled
    assert 7.0 < silence(pulse, 1, 5000.0) < 10.0


@given(
    patience_s=st.floats(1.0, 300.0),
    pace=st.floats(0.001, 0.5),
    looks=st.lists(st.floats(0.01, 0.5), min_size=1, max_size=300),
)
def test_work_that_keeps_within_its_patience_never_stalls(
    patience_s: float, pace: float, looks: list[float]
) -> None:
    pulse, now = Pulse(even(patience_s), 0.0), 0.0
    for look in looks:
        now += look
        pulse.feed(int(now / (pace * patience_s)), now)
        assert not pulse.stalled
        assert pulse.budget_s >= patience_s
