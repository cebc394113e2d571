"""How fast the bot may speak: a clock that only the test moves."""

from __future__ import annotations

import itertools
import random

import pytest

from handlers.telegram.courier.pacing import (
    EDITS,
    GROUP_CALLS,
    OVERALL,
    PROGRESS_EDITS,
    PROGRESS_EVERY_S,
    SENDS_AT_ONCE,
    Call,
    Pacing,
)

ANNA, BO, GROUP = 7, 8, -1001


class Time:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pacing(time: Time) -> Pacing:
    return Pacing(time)


def done(pacing: Pacing, time: Time, call: Call, took_s: float = 0.0) -> float:
    """As early as it may be; returns when it began."""
    time.now += pacing.wait_s(call)
    assert pacing.wait_s(call) == 0.0, "it said for how long, and that was not long enough"
    began = time.now
    ticket = pacing.take(call)
    time.now += took_s
    ticket.end()
    return began


def most_within(times: list[float], length: float) -> int:
    return max(sum(start <= at < start + length for at in times) for start in times)


def test_three_messages_at_once_and_then_one_a_second(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(ANNA, "send")) - 5000.0 for _ in range(6)]
    assert began == pytest.approx([0, 0, 0, 1, 2, 3])
    assert SENDS_AT_ONCE == 3


def test_another_chat_does_not_wait(pacing: Pacing, time: Time) -> None:
    for _ in range(3):
        done(pacing, time, Call(ANNA, "send"))
    assert pacing.wait_s(Call(ANNA, "send")) > 0
    assert pacing.wait_s(Call(BO, "send")) == 0


def test_twenty_edits_a_minute_whoever_wants_them(pacing: Pacing, time: Time) -> None:
    dice = random.Random(3)
    began: list[float] = []
    progress: list[float] = []
    while time.now < 5400:
        call = Call(ANNA, "edit", dice.randrange(30), progress=dice.random() < 0.7)
        wait_s = pacing.wait_s(call)
        if wait_s > 0:
            time.now += dice.random() / 3
            continue
        began.append(done(pacing, time, call, took_s=dice.random() * 0.2))
        if call.progress:
            progress.append(began[-1])
    assert most_within(began, 60) == EDITS == 20
    assert most_within(progress, 60) <= PROGRESS_EDITS


def test_a_minute_is_counted_from_the_end_of_a_slow_edit(pacing: Pacing, time: Time) -> None:
    """Telegram may have counted it as late as that."""
    began = [done(pacing, time, Call(ANNA, "edit", n), took_s=20 if n == 0 else 0.0) for n in range(21)]
    assert began[20] - (began[0] + 20) >= 60


def test_an_answer_does_not_wait_behind_progress(pacing: Pacing, time: Time) -> None:
    for n in range(PROGRESS_EDITS):
        done(pacing, time, Call(ANNA, "edit", n, progress=True))
    assert pacing.wait_s(Call(ANNA, "edit", 99, progress=True)) > 10
    for _ in range(3):
        assert pacing.wait_s(Call(ANNA, "edit", 99)) == 0
        done(pacing, time, Call(ANNA, "edit", 99))


def test_progress_alone_does_not_take_the_whole_budget(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(ANNA, "edit", n % 9, progress=True)) for n in range(60)]
    assert 12 <= most_within(began, 60) <= PROGRESS_EDITS == 14


def test_bars_that_all_move_at_once_leave_room_for_an_answer(pacing: Pacing, time: Time) -> None:
    bars = [Call(ANNA, "edit", n, progress=True) for n in range(10)]
    moved = [pacing.take(call) for call in bars if pacing.wait_s(call) == 0]
    assert len(moved) == 3
    assert pacing.wait_s(Call(ANNA, "send")) == 0
    assert pacing.wait_s(Call(ANNA, "edit", 99)) == 0


def test_one_bar_moves_every_three_seconds_and_does_not_stop(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(ANNA, "edit", 1, progress=True)) for _ in range(60)]
    gaps = [b - a for a, b in itertools.pairwise(began)]
    assert min(gaps) >= PROGRESS_EVERY_S == 3.0
    assert max(gaps) < 6, "nobody looks at a bar that stands still"


def test_a_group_takes_twenty_calls_a_minute(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(GROUP, ("send", "edit")[n % 2], n)) for n in range(45)]
    assert most_within(began, 60) == GROUP_CALLS == 20


def test_all_chats_together(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(chat, "send")) for chat in range(1, 200)]
    assert most_within(began, 1.0) == OVERALL == 28


def test_silence_in_one_chat_and_in_all(pacing: Pacing, time: Time) -> None:
    pacing.hold(30, ANNA)
    assert pacing.wait_s(Call(ANNA, "edit", 1)) == 30
    assert pacing.wait_s(Call(ANNA, "delete")) == 30
    assert pacing.wait_s(Call(BO, "send")) == 0
    pacing.hold(60)
    assert pacing.wait_s(Call(BO, "send")) == 60
    pacing.hold(1)  # a shorter one does not end a longer one
    time.now += 59
    assert pacing.wait_s(Call(BO, "send")) == pytest.approx(1)


def test_after_a_restart_the_minute_before_counts(pacing: Pacing, time: Time) -> None:
    """Fourteen edits of progress within the last minute, and a restart three seconds ago."""
    pacing.remember(ANNA, 3.0, progress=True)
    began = [done(pacing, time, Call(ANNA, "edit", 1, progress=True)) - 5000.0 for _ in range(10)]
    assert began[0] < 5, "it goes on soon"
    assert sum(at < 57 - 14 * 3 for at in began) <= 4, "and slowly"
    assert pacing.wait_s(Call(ANNA, "edit", 2)) == 0


def test_what_is_over_is_forgotten(pacing: Pacing, time: Time) -> None:
    for n in range(1000):
        done(pacing, time, Call(ANNA, "edit", n))
    assert len(pacing._chats[ANNA].tickets) <= EDITS
