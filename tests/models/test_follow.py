"""Hours of work on a clock that is moved by hand, through what really watches it: none of it is touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from queue import Empty
from typing import Any

import pytest

from models import budgets
from models.budgets import Budget, even
from models.follow import Stuck, follow
from models.progress import Quiet
from models.pulse import Pulse
from models.wire import Message

HOUR = 3600.0


class Work:
    """News of a host whose steps come after these pauses, in seconds; then the answer. Time passes only while
    somebody waits. slept: before the step of that number, the watcher itself stands still for so long."""

    def __init__(self, pauses: Iterable[float], slept: dict[int, float] | None = None) -> None:
        self.now = 1000.0
        self._news = self._happens(pauses)
        self._next: tuple[float, Message] | None = None
        self._slept = slept or {}
        self._number = 0

    def _happens(self, pauses: Iterable[float]) -> Iterator[tuple[float, Message]]:
        at = self.now
        for number, pause in enumerate(pauses, 1):
            at += pause
            yield at, {"say": "step", "beats": number, "done": number, "total": 10**9}
        yield at, {"say": "answer", "value": "done"}

    def get(self, block: bool = True, timeout: float | None = None) -> Message | None:
        assert timeout is not None
        if self._next is None:
            self._next = next(self._news)
            self._number += 1
        self.now += self._slept.pop(self._number, 0.0)
        at, message = self._next
        if at > self.now + timeout:
            self.now += timeout
            raise Empty
        self.now, self._next = max(self.now, at), None
        return message

    def followed(self, floors: Budget) -> Any:
        answer = follow(self, Quiet(), Pulse(floors, self.now), lambda: self.now)
        assert answer is not None
        return answer["value"]


def lasting(seconds: float, pauses: Iterable[float]) -> Iterator[float]:
    for pause in pauses:
        yield pause
        seconds -= pause
        if seconds < 0:
            return


STEADY = [100.0]
SLOWER = [min(1.0 * 1.1**step, 500.0) for step in range(150)]  # every step takes a tenth longer
BURSTS = [*[0.01] * 500, 110.0]
UNEVEN = [0.1, 30.0, 3.0, 110.0, 0.1, 90.0]


@pytest.mark.parametrize(
    "pauses", [STEADY, SLOWER, BURSTS, UNEVEN], ids=["steady", "slower", "bursts", "uneven"]
)
def test_slow_work_that_gets_on_for_hours_is_never_touched(pauses: list[float]) -> None:
    """The system before this one killed long jobs."""
    work = Work(lasting(3 * HOUR, itertools.cycle(pauses) if pauses is not SLOWER else pauses))
    assert work.followed(even(120)) == "done"
    assert work.now > 1000.0 + HOUR


def test_what_is_slow_from_its_first_step_on_is_given_its_pace() -> None:
    """Without a GPU, with a floor for machines that have one."""
    work = Work(lasting(2 * HOUR, itertools.chain([400.0], itertools.cycle([70.0, 140.0, 290.0, 60.0]))))
    assert work.followed(Budget(900, 300)) == "done"


def test_a_compilation_in_the_first_step_is_no_stall_and_in_a_later_one_it_is() -> None:
    assert Work([800.0, 0.3, 0.3]).followed(Budget(900, 300)) == "done"
    with pytest.raises(Stuck):
        Work([0.3, 0.3, 800.0]).followed(Budget(900, 300))


@pytest.mark.parametrize("minutes", [10, 600])
def test_a_daemon_that_was_stopped_finds_no_stall_on_waking(minutes: int) -> None:
    """Its hosts went on, or were stopped with it: either way it has yet to hear of what they did."""
    work = Work([1.0] * 2000, slept=dict.fromkeys((1, 5, 700), minutes * 60.0))
    assert work.followed(even(5)) == "done"
    held = Work([*[1.0] * 50, minutes * 60 + 3.0, *[1.0] * 50], slept={51: minutes * 60.0})
    assert held.followed(even(8)) == "done"


def test_what_is_compiled_for_one_job_may_take_as_long_as_on_a_slow_machine_after_tracking() -> None:
    """A minute and more for each graph, three times that there; pictures tracked first were heartbeats."""
    work = Work([*[0.01] * 256, *[400.0] * 2, *[1.0] * 40])
    assert work.followed(budgets.LIPSYNC) == "done"


@pytest.mark.parametrize("floors", [even(120), Budget(900, 300)], ids=str)
def test_silence_is_found_within_its_budget_and_a_look(floors: Budget) -> None:
    work = Work([10.0, 0.5, 0.5, 10**6])
    with pytest.raises(Stuck):
        work.followed(floors)
    assert floors.step_s < work.now - 1011.0 < floors.step_s + 1.0
