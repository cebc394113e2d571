"""The heart: what counts as age, and what does not."""

from __future__ import annotations

from daemon.health.heart import LONGEST_LOOK_S, Heart
from tests.daemon.health.kit import Clock


def test_it_ages_until_something_is_done() -> None:
    clock = Clock()
    heart = Heart(clock)
    ages = []
    for second in range(1, 100):
        clock.now += 1
        if second == 70:
            heart.beat()
        ages.append(heart.age_s())
    assert ages[68] == 69 and ages[69] == 0 and ages[-1] == 29


def test_a_beat_between_two_looks_is_as_old_as_it_is() -> None:
    clock = Clock()
    heart = Heart(clock)
    clock.now += 3
    heart.beat()
    clock.now += 2
    assert heart.age_s() == 2 and heart.age_s() == 2


def test_a_daemon_that_was_stopped_for_an_hour_finds_nobody_an_hour_old() -> None:
    clock = Clock()
    heart = Heart(clock)
    heart.age_s()
    clock.now += 3600
    assert heart.age_s() == LONGEST_LOOK_S
    heart.beat()
    clock.now += 3600
    assert heart.age_s() == LONGEST_LOOK_S
