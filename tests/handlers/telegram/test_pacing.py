"""How fast the bot may speak: a clock that only the test moves."""

from __future__ import annotations

import itertools
import random

import pytest

from handlers.telegram.content import Rank
from handlers.telegram.courier.pacing import (
    EDITS,
    GROUP_CALLS,
    GROUP_OTHER_EDITS,
    GROUP_PROGRESS_EDITS,
    OVERALL,
    PROGRESS_EDITS,
    PROGRESS_EVERY_S,
    SENDS_AT_ONCE,
    Call,
    Pacing,
)

ANNA, BO, GROUP = 7, 8, -1001
MINUTE_S = 60.0


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


def bar(chat: int, number: int) -> Call:
    return Call(chat, "edit", number, Rank.PROGRESS)


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
        call = Call(ANNA, "edit", dice.randrange(30), Rank.PROGRESS if dice.random() < 0.7 else Rank.ANSWER)
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
    """However long the bars moved before: a card can be tapped twelve times."""
    while time.now < 5200:
        done(pacing, time, bar(ANNA, int(time.now) % 5))
    began = time.now
    for _ in range(12):
        done(pacing, time, Call(ANNA, "edit", 99))
    assert time.now - began < 9, "five at once, and then one a second"


def test_progress_alone_does_not_take_the_whole_budget(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, bar(ANNA, n % 9)) for n in range(60)]
    assert most_within(began, MINUTE_S) == PROGRESS_EDITS == 8


def test_bars_that_all_move_at_once_leave_room_for_an_answer(pacing: Pacing, time: Time) -> None:
    bars = [bar(ANNA, n) for n in range(10)]
    moved = [pacing.take(call) for call in bars if pacing.wait_s(call) == 0]
    assert len(moved) == 2
    assert pacing.wait_s(Call(ANNA, "send")) == 0
    assert pacing.wait_s(Call(ANNA, "edit", 99)) == 0


@pytest.mark.parametrize(("chat", "longest_s"), [(ANNA, 13), (GROUP, 13)])
def test_one_bar_moves_every_three_seconds_and_does_not_stop(
    pacing: Pacing, time: Time, chat: int, longest_s: float
) -> None:
    began = [done(pacing, time, bar(chat, 1)) for _ in range(60)]
    gaps = [b - a for a, b in itertools.pairwise(began)]
    assert min(gaps) >= PROGRESS_EVERY_S == 3.0
    assert max(gaps) < longest_s, "nobody looks at a bar that stands still"


def test_a_group_takes_twenty_calls_a_minute(pacing: Pacing, time: Time) -> None:
    began = [done(pacing, time, Call(GROUP, "send" if n % 5 else "edit", n)) for n in range(60)]
    assert most_within(began, MINUTE_S) == GROUP_CALLS == 20


def test_a_group_where_bars_and_cards_are_edited_all_the_time_is_answered(pacing: Pacing, time: Time) -> None:
    """Everything that may be edited is, for minutes: six answers are sent as fast as sends may be."""
    dice = random.Random(5)
    edits: dict[bool, list[float]] = {True: [], False: []}
    while time.now < 5300:
        number = dice.randrange(6)
        call = bar(GROUP, number) if number < 3 else Call(GROUP, "edit", number)
        if pacing.wait_s(call) == 0:
            edits[call.progress].append(done(pacing, time, call))
        time.now += 0.3
    assert most_within(edits[True], MINUTE_S) == GROUP_PROGRESS_EDITS == 5
    assert most_within(edits[False], MINUTE_S) == GROUP_OTHER_EDITS == 9
    began = time.now
    for n in range(6):
        done(pacing, time, Call(GROUP, "send", 100 + n))
    assert time.now - began < 4, "three at once, and then one a second"


def test_the_last_calls_of_a_group_are_for_answers(pacing: Pacing, time: Time) -> None:
    for n in range(16):
        done(pacing, time, Call(GROUP, "send", n, Rank.RESULT))
    assert pacing.wait_s(Call(GROUP, "send", 90, Rank.RESULT)) > 20
    assert pacing.wait_s(Call(GROUP, "edit", 91)) > 20
    began = time.now
    for n in range(4):
        done(pacing, time, Call(GROUP, "send", 100 + n))
    assert time.now - began < 5
    assert pacing.wait_s(Call(GROUP, "send", 110)) > 20


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
    """Bars moved until three seconds ago: as often as they may, altogether."""
    for number in (1, 2, 3):
        pacing.remember(bar(ANNA, number), 3.0)
    assert pacing.wait_s(Call(ANNA, "edit", 9)) == 0
    began = [done(pacing, time, bar(ANNA, 1)) - 5000.0 for _ in range(10)]
    assert began[0] < 8, "it goes on soon"
    assert most_within([*began, *(-3.0 - 7.5625 * n for n in range(8))], MINUTE_S) <= PROGRESS_EDITS


def test_after_a_restart_a_group_is_not_spoken_to_all_anew(pacing: Pacing) -> None:
    for number in range(20):
        pacing.remember(Call(GROUP, "send", number), 3.0)
    assert pacing.wait_s(Call(GROUP, "send", 99)) > 50


def test_what_is_over_is_forgotten(pacing: Pacing, time: Time) -> None:
    for n in range(1000):
        done(pacing, time, Call(ANNA, "edit", n))
    assert len(pacing._chats[ANNA].tickets) <= EDITS
