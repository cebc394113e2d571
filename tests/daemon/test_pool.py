"""What is ordered goes to whichever seat is free; one that dies or stalls loses only its order. Here hosts do
what the test says; real ones: test_lipsync_replicas.py, test_cluster.py."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from daemon.engines.pool import MOST_DEATHS, MOST_STALLS, PACE_S, Pool
from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from models.budgets import even
from models.errors import BadInput
from models.host_errors import HostDied, HostStalled
from models.wire import Message
from tests.daemon.health.kit import Clock

WITHIN_S = 20.0
Does = Callable[[str, Any], Any]  # (call, progress) → value


class Chair:
    """As much of a Seat as a Pool asks, and of its host."""

    def __init__(self, name: str, does: Does) -> None:
        self.plan = SimpleNamespace(name=name, load="")
        self.does = does
        self.away: EngineAway | None = None
        self.calls: list[str] = []

    def why(self) -> str:
        return self.away.message if self.away else ""

    def trouble(self) -> EngineAway | None:
        return self.away

    def ready(self, _: Any) -> Chair:
        if self.away:
            raise self.away
        return self

    @contextmanager
    def asked(self, _: Any) -> Iterator[Chair]:
        yield self.ready(None)

    def ask(self, call: str, arguments: dict[str, Any], progress: Any, **_: Any) -> Any:
        self.calls.append(call)
        return self.does(call, progress)


class Gate:
    """Work that waits until it is let through, with a step before that, and as many as that takes."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, call: str, progress: Any) -> str:
        progress.step(1, 2)
        self.reached.set()
        while not self.open.wait(0.01):
            progress.step(1, 2)
        return call.upper()


class Replies:
    """What came back to who ordered."""

    def __init__(self) -> None:
        self.told: dict[str, list[Message]] = defaultdict(list)
        self.order: list[str] = []
        self._changed = threading.Condition()

    def of(self, name: str) -> Callable[[Message], None]:
        def reply(message: Message) -> None:
            with self._changed:
                self.told[name].append(message)
                if message["do"] == "brought":
                    self.order.append(name)
                self._changed.notify_all()

        return reply

    def until(self, names: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(names) <= set(self.order), WITHIN_S), self.told


Made = Callable[..., Pool]


@pytest.fixture
def opened() -> Iterator[Made]:
    pools: list[Pool] = []

    def make(chairs: Sequence[Chair], tell: Any = lambda *_: None, clock: Any = None) -> Pool:
        pool = Pool("lipsync", cast(Sequence[Seat], chairs), even(60), tell, clock or Clock())
        pools.append(pool)
        pool.open()
        return pool

    yield make
    for pool in pools:
        pool.close()


def upper(call: str, _: Any) -> str:
    return call.upper()


def test_who_is_free_takes_the_next_one(opened: Made) -> None:
    gate, replies = Gate(), Replies()
    chairs = [Chair("lipsync-1", upper), Chair("lipsync-2", upper)]
    for chair in chairs:
        chair.does = lambda call, progress: gate(call, progress) if call == "a" else upper(call, progress)
    with opened(chairs).taking("job") as taking:
        taking.take(1, "a", {}, replies.of("a"))
        assert gate.reached.wait(WITHIN_S)
        for number, name in enumerate("bcd", 2):
            taking.take(number, name, {}, replies.of(name))
        replies.until("bcd")
        assert taking.busy, "one is not brought yet"
        gate.open.set()
        replies.until("abcd")
    assert replies.told["a"][-1] == {"do": "brought", "value": "A"}
    assert {"do": "told", "share": 0.5} in replies.told["a"]
    assert sorted(len(chair.calls) for chair in chairs) == [1, 3]


def test_pieces_of_work_take_turns(opened: Made) -> None:
    gate, replies = Gate(), Replies()
    pool = opened([Chair("lipsync-1", lambda call, p: gate(call, p) if call == "a" else upper(call, p))])
    with pool.taking("one") as one, pool.taking("other") as other:
        one.take(1, "a", {}, replies.of("a"))
        assert gate.reached.wait(WITHIN_S)
        for number, name in enumerate("bcd", 2):
            one.take(number, name, {}, replies.of(name))
        for number, name in enumerate("xyz", 1):
            other.take(number, name, {}, replies.of(name))
        gate.open.set()
        replies.until("abcdxyz")
    assert replies.order == list("axbyczd")


@pytest.mark.parametrize("error", [HostDied("gone"), HostStalled("stuck"), EngineAway("away")])
def test_what_is_lost_is_done_again_before_what_came_later(opened: Made, error: Exception) -> None:
    fails, told, replies = [error], list[tuple[str, dict[str, Any]]](), Replies()

    def does(call: str, progress: Any) -> str:
        if call == "a" and fails:
            raise fails.pop()
        return upper(call, progress)

    chair = Chair("lipsync-1", does)
    chair.away = EngineAway("not yet")
    pool = opened([chair], lambda *what: told.append(what))
    with pool.taking("job") as taking:
        for number, name in enumerate("ab", 1):
            taking.take(number, name, {}, replies.of(name))
        chair.away = None
        replies.until("ab")
    assert (replies.order, chair.calls) == (["a", "b"], ["a", "a", "b"])
    assert [message["do"] for message in replies.told["a"]] == ["brought"]
    if isinstance(error, HostDied):
        ((name, facts),) = told
        assert (name, facts["again"], facts["job"], facts["code"]) == (
            "order_failed",
            True,
            "job",
            error.code,
        )


@pytest.mark.parametrize(("kind", "times"), [(HostDied, MOST_DEATHS), (HostStalled, MOST_STALLS)])
def test_an_order_that_wears_out_its_hosts_is_its_jobs_to_answer_for(
    opened: Made, kind: type[HostDied], times: int
) -> None:
    given_up = threading.Event()

    def does(call: str, progress: Any) -> str:
        if call == "bad":
            raise kind("gone")
        return upper(call, progress)

    def tell(_: str, facts: dict[str, Any]) -> None:
        if not facts["again"]:
            given_up.set()

    chair, replies = Chair("lipsync-1", does), Replies()
    pool = opened([chair], tell)
    with pool.taking("job") as taking, pool.taking("other") as other:
        taking.take(1, "bad", {}, replies.of("b"))
        assert given_up.wait(WITHIN_S)
        other.take(1, "good", {}, replies.of("g"))
        replies.until("g")
        other.check()
        with pytest.raises(kind, match="gone"):
            taking.check()
    assert chair.calls.count("bad") == times and "b" not in replies.told


def test_it_waits_while_somebody_loads_and_raises_when_nobody_will_come(opened: Made) -> None:
    chairs = [Chair("lipsync-1", upper), Chair("lipsync-2", upper)]
    for chair in chairs:
        chair.away = EngineAway(f"{chair.plan.name} is away")
    pool, replies = opened(chairs), Replies()
    with pool.taking("job") as taking:
        taking.check()  # nothing is ordered
        taking.take(1, "a", {}, replies.of("a"))
        with pytest.raises(EngineAway, match="lipsync-1 is away"):
            taking.check()
        assert pool.serving == 0 and pool.why() == "lipsync-1 is away"
        chairs[1].away = None
        replies.until("a")
        taking.check()
        assert pool.serving == 1 and pool.why() == ""


def test_while_one_is_worked_on_the_others_wait(opened: Made) -> None:
    gate, replies = Gate(), Replies()
    chair = Chair("lipsync-1", gate)
    with opened([chair]).taking("job") as taking:
        taking.take(1, "a", {}, replies.of("a"))
        taking.take(2, "b", {}, replies.of("b"))
        assert gate.reached.wait(WITHIN_S)
        chair.away = EngineAway("it will not come back")
        taking.check()
        gate.open.set()
        replies.until("a")
        with pytest.raises(EngineAway):
            taking.check()


def test_what_nobody_wants_any_more_is_cancelled_and_brings_nothing(opened: Made) -> None:
    gate, replies = Gate(), Replies()
    chair = Chair("lipsync-1", gate)
    pool = opened([chair])
    with pool.taking("job") as taking:
        taking.take(1, "a", {}, replies.of("a"))
        taking.take(2, "b", {}, replies.of("b"))
        assert gate.reached.wait(WITHIN_S)
    taking.take(3, "c", {}, replies.of("c"))  # too late
    chair.does = upper
    with pool.taking("next") as after:
        after.take(1, "x", {}, replies.of("x"))
        replies.until("x")
    assert (replies.order, chair.calls) == (["x"], ["a", "x"])


def test_what_is_done_all_the_same_is_not_brought(opened: Made) -> None:
    reached, go_on, replies = threading.Event(), threading.Event(), Replies()

    def does(call: str, progress: Any) -> str:
        if call == "deaf":
            reached.set()
            assert go_on.wait(WITHIN_S)
        return upper(call, progress)

    pool = opened([Chair("lipsync-1", does)])
    with pool.taking("job") as taking:
        taking.take(1, "deaf", {}, replies.of("d"))
        assert reached.wait(WITHIN_S)
    go_on.set()
    with pool.taking("next") as after:
        after.take(1, "x", {}, replies.of("x"))
        replies.until("x")
    assert "d" not in replies.told


def test_what_the_function_raises_is_brought(opened: Made) -> None:
    def does(call: str, progress: Any) -> str:
        raise BadInput("No face there", code="no_face")

    replies = Replies()
    with opened([Chair("lipsync-1", does)]).taking("job") as taking:
        taking.take(1, "a", {}, replies.of("a"))
        replies.until("a")
        assert not taking.busy
    ((brought,),) = [replies.told["a"]]
    assert brought["error"]["code"] == "no_face" and "value" not in brought


def test_chunks_are_counted_when_they_are_brought(opened: Made) -> None:
    clock, gate, replies = Clock(), Gate(), Replies()
    pool = opened([Chair("lipsync-1", gate)], clock=clock)
    with pool.taking("job") as taking:
        taking.take(1, "make", {"chunks": 6}, replies.of("a"))
        assert gate.reached.wait(WITHIN_S)
        assert pool.facts("lipsync-1") == {"call": "make", "chunks": 0, "chunks_per_s": 0.0, "files": ""}
        gate.open.set()
        replies.until("a")
    assert pool.facts("lipsync-1") == {"call": "", "chunks": 6, "chunks_per_s": 6 / PACE_S, "files": ""}
    clock.now += PACE_S + 1
    assert pool.facts("lipsync-1")["chunks_per_s"] == 0.0
