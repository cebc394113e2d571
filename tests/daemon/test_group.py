"""Which seat a job gets, when there are several of a kind; and which seats there are, for how many lanes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest

from daemon.config import Config
from daemon.engines.group import Group, Name, numbered, parsed
from daemon.engines.hosts import Hosts
from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from models.errors import Cancelled
from models.progress import Quiet
from pipeline.progress import JobProgress


class Chair:
    """As much of a Seat as a Group looks at."""

    title = "speech engine"

    def __init__(self, name: str, why: str = "", *, away: bool = False) -> None:
        self.name, self.reason, self.away = name, why, away

    def why(self) -> str:
        return self.reason

    def trouble(self) -> EngineAway | None:
        return EngineAway(self.reason) if self.away else None

    def __repr__(self) -> str:
        return self.name


def group_of(*chairs: Chair, shared: bool = False) -> Group:
    return Group(cast(list[Seat], list(chairs)), shared=shared)


class Looks(Quiet):
    """Tells that it waits, and is told to give up."""

    def __init__(self) -> None:
        self.looked, self.unwanted = threading.Event(), False

    def check(self) -> None:
        self.looked.set()
        if self.unwanted:
            raise Cancelled


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def test_names_are_made_and_read_in_one_place() -> None:
    assert [parsed(name) for name in ("media", "speech.2", "lipsync-11", "lipsync.16")] == [
        Name("media"),
        Name("speech", 2),
        Name("lipsync", replica=11),
        Name("lipsync", 16),
    ]
    assert [numbered("media", number) for number in (1, 2)] == ["media", "media.2"]


def test_everybody_has_a_seat_alone_and_who_came_first_gets_the_next_one(threads: ThreadPoolExecutor) -> None:
    group, order = group_of(Chair("one"), Chair("two")), []

    def come(number: int, looks: Looks) -> None:
        with group.taking(looks) as seat:
            order.append((number, str(seat)))

    with ExitStack() as stays, ExitStack() as leaves:
        assert str(stays.enter_context(group.taking(Quiet()))) == "one"
        assert str(leaves.enter_context(group.taking(Quiet()))) == "two"
        waiting = []
        for number in range(3):
            looks = Looks()
            waiting.append(threads.submit(come, number, looks))
            assert looks.looked.wait(20)
            while len(group._line) <= number:  # it looks before it stands in line
                looks.looked.clear()
                assert looks.looked.wait(20)
        assert order == []
        leaves.close()
        for one in waiting:
            one.result(20)
    assert order == [(0, "two"), (1, "two"), (2, "two")]


def test_one_that_gives_up_holds_nobody_up(threads: ThreadPoolExecutor) -> None:
    group, impatient = group_of(Chair("one")), Looks()

    def come(looks: Quiet) -> str:
        with group.taking(looks) as seat:
            return str(seat)

    with group.taking(Quiet()):
        gives_up = threads.submit(come, impatient)
        assert impatient.looked.wait(20)
        stays = threads.submit(come, Quiet())
        impatient.unwanted = True
        with pytest.raises(Cancelled):
            gives_up.result(20)
    assert stays.result(20) == "one"


def test_whoever_serves_first_is_taken_and_none_that_is_in_trouble_unless_all_are(
    threads: ThreadPoolExecutor,
) -> None:
    """One job waited for a process that rested for minutes, while that of another job was long free."""
    broken, loads, serves = Chair("broken", "x", away=True), Chair("loads", "loading"), Chair("serves")
    group = group_of(broken, loads, serves)
    assert group.why() == "" and group.serving == 2
    waits, looks = Looks(), Looks()
    with ExitStack() as stays:
        with group.taking(Quiet()) as first:
            assert str(first) == "serves"
            second = threads.submit(stays.enter_context, group.taking(waits))
            assert waits.looked.wait(20) and not second.done()
        assert str(second.result(20)) == "serves", "it is free before the other one is loaded"
        third = threads.submit(stays.enter_context, group.taking(looks))
        assert looks.looked.wait(20) and not third.done()
        loads.away, serves.away, serves.reason = True, True, "y"  # there is nobody to wait for any more
        assert str(third.result(20)) == "broken"
    assert group.why() == "x" and group.serving == 0


def test_waiting_for_ones_turn_is_no_work_on_the_job_and_only_loading_is_told_as_such(
    threads: ThreadPoolExecutor,
) -> None:
    """A voice that another job had for a minute made this machine expect a minute more of the next ones."""
    now, told = [0.0], SimpleQueue[str]()
    chair = Chair("one", "loading")
    group = group_of(chair)
    progress = JobProgress({"speech": 1.0}, lambda at: told.put(at.loading), clock=lambda: now[0], every_s=0)
    progress.enter("speech")
    with ExitStack() as stays:
        seat = threads.submit(stays.enter_context, group.taking(progress))
        while told.get(timeout=20) != "the speech engine":
            pass
        now[0], chair.reason = 30.0, ""
        assert seat.result(20) and progress.loaded_s == 30.0
        while not told.empty():
            told.get()
        second = threads.submit(group.taking(progress).__enter__)
        assert [told.get(timeout=20), told.get(timeout=20)] == ["", ""]  # it looked, and waits now
        now[0] = 45.0
    assert second.result(20) and progress.loaded_s == 45.0


def test_a_seat_is_set_aside_only_while_nobody_has_it() -> None:
    group = group_of(Chair("one"), Chair("two"))
    one, two = group.seats
    with group.taking(Quiet()) as taken, group.aside(taken) as had, group.aside(two) as free:
        assert taken is one and (had, free) == (False, True)
    with group.aside(one) as free, group.taking(Quiet()) as other:
        assert free and other is two
    with group.taking(Quiet()) as again:
        assert again is one


def test_with_one_lane_whoever_asks_gets_the_seat_and_its_host_serves_one_after_the_other() -> None:
    group = group_of(Chair("one"), shared=True)
    with group.taking(Quiet()) as first, group.taking(Quiet()) as second, group.aside(first) as idle:
        assert first is second and idle


def test_where_one_host_of_a_kind_is_there_jobs_can_be_worked_on(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"data_dir": tmp_path, "queue": {"lanes": 2}, "lipsync": {"engine": "mouthwarp"}}
        | {"speech": {"engine": "espeak"}, "whisper": {"model": "tiny"}}
    )
    hosts = Hosts(config, lambda *_: None)
    assert hosts.lanes == 0 and hosts.why(), "none was opened"
    there = ("speech", "lipsync.2", "media")
    for name in there:
        hosts._seats[name]._wanted = True
        hosts._seats[name]._host, hosts._seats[name]._loaded = cast(Any, object()), True
    assert hosts.lanes == 1 and hosts.why() == ""
    hosts._seats["lipsync.2"]._host = None
    assert hosts.why() and hosts.lanes == 1, "it is on its way"
