"""Several seats that keep the same engine: what is ordered goes to whichever is free.

An order whose process dies or gets nowhere is done again elsewhere, and only that one. Orders of several
pieces of work take turns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from typing import Any

from daemon.engines.roster import EngineAway
from daemon.engines.seat import Seat
from daemon.health.component import MADE
from models import wire
from models.budgets import Budget
from models.errors import Cancelled, ProcessDied
from models.host import Host
from models.host_errors import HostDied, HostStalled
from models.wire import Message

PROXY = "models.cluster.proxy:Proxy"
FORWARD = "models.cluster.proxy:forward"
FILES = "models.cluster.proxy:files"
LOOK_S = 0.5
MOST_DEATHS, MOST_STALLS = 3, 2  # of processes, under one order: then its job has to answer for it
PACE_S = 60.0  # over which is counted how much is done

Tell = Callable[[str, dict[str, Any]], None]
Reply = Callable[[Message], None]


@dataclass
class _Order:
    taking: _Taking
    call: str
    arguments: dict[str, Any]
    reply: Reply
    job: str
    deaths: int = 0
    stalls: int = 0

    def step(self, done: float, total: float) -> None:
        self.check()
        self.reply({"do": "told", "share": done / total if total else 0.0})

    def check(self) -> None:
        if self.taking.closed:
            raise Cancelled


@dataclass
class _Taking:
    """The orders of one piece of work. Satisfies models.orders.Taker."""

    pool: Pool
    job: str
    open: deque[_Order] = field(default_factory=deque)  # that nobody works on
    under_way: int = 0
    closed: bool = False
    failed: Exception | None = None

    def take(self, order: int, call: str, arguments: dict[str, Any], reply: Reply) -> None:
        self.pool._take(_Order(self, call, arguments, reply, self.job))

    @property
    def busy(self) -> bool:
        return bool(self.open) or self.under_way > 0

    def check(self) -> None:
        if self.failed is not None:
            raise self.failed
        if self.open and not self.under_way and (why := self.pool.trouble()) is not None:
            raise why

    def close(self) -> None:
        self.pool._close(self)


@dataclass
class Doing:
    """What a seat of the pool does, and how much it has done: chunks, or sentences.

    done: when, and how many, within the last PACE_S. files: how they get where it works, "shared" or
    "sent"; "" while that is not known, or when it works here.
    """

    job: str = ""
    call: str = ""
    made: int = 0
    done: deque[tuple[float, int]] = field(default_factory=deque)
    files: str = ""
    asked: Host | None = None  # for `files`

    def brought(self, made: int, now: float) -> None:
        self.made += made
        self.done.append((now, made))
        self._forget(now)

    def pace(self, now: float) -> float:
        """A second, over the last PACE_S."""
        self._forget(now)
        return sum(made for _, made in self.done) / PACE_S

    def _forget(self, now: float) -> None:
        while self.done and self.done[0][0] <= now - PACE_S:
            self.done.popleft()


class Pool:
    """stage: that orders. seats: of the same engine. floors: for an order. tell: gets what happens, from any
    thread."""

    def __init__(
        self,
        stage: str,
        seats: Sequence[Seat],
        floors: Budget,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seats = list(seats)
        self._stage, self._counted = stage, MADE[stage]  # an order says how many
        self._floors = floors
        self._tell = tell
        self._clock = clock
        self._changed = threading.Condition()
        self._takings: deque[_Taking] = deque()  # whose turn it is comes first
        self._open = False
        self._threads: list[threading.Thread] = []
        self.doing = {seat.plan.name: Doing() for seat in self.seats}

    # ------------------------------------------------------------ there or not

    def open(self) -> None:
        """The seats are open, or about to be."""
        self._open = True
        for seat in self.seats:
            name = f"pool-{seat.plan.name}"
            thread = threading.Thread(target=self._serve, args=(seat,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """After the seats were closed, or are about to be."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def why(self) -> str:
        """Why nobody can be asked; "" when somebody can."""
        whys = [seat.why() for seat in self.seats]
        return "" if "" in whys else whys[0]

    def trouble(self) -> EngineAway | None:
        """None while somebody serves, or will soon."""
        troubles = [seat.trouble() for seat in self.seats]
        return None if None in troubles else troubles[0]

    @property
    def serving(self) -> int:
        """So many are there, or on the way."""
        return sum(seat.trouble() is None for seat in self.seats)

    def facts(self, name: str) -> dict[str, Any]:
        """Of a seat, for who looks at its health. At once."""
        with self._changed:
            doing = self.doing[name]
            pace, counted = round(doing.pace(self._clock()), 3), self._counted
            told = {"call": doing.call, "files": doing.files}
            return told | {counted: doing.made, f"{counted}_per_s": pace}

    # ------------------------------------------------------------ orders

    @contextmanager
    def taking(self, job: str) -> Iterator[_Taking]:
        """Takes the orders of a piece of work for this job."""
        taking = _Taking(self, job)
        with self._changed:
            self._takings.append(taking)
        try:
            yield taking
        finally:
            self._close(taking)

    def _take(self, order: _Order) -> None:
        with self._changed:
            if not order.taking.closed:
                order.taking.open.append(order)
                self._changed.notify()

    def _close(self, taking: _Taking) -> None:
        with self._changed:
            taking.closed = True
            taking.open.clear()
            with suppress(ValueError):
                self._takings.remove(taking)

    def _next(self) -> _Order | None:
        """Of whose turn it is; None after a while without any."""
        with self._changed:
            for taking in self._takings:
                if taking.open:
                    self._takings.remove(taking)
                    self._takings.append(taking)  # the others are next
                    taking.under_way += 1
                    return taking.open.popleft()
            self._changed.wait(LOOK_S)
            return None

    # ------------------------------------------------------------ a seat's thread

    def step(self, done: float, total: float) -> None:
        """As a Progress, for those who wait for a seat."""

    def check(self) -> None:
        if not self._open:
            raise Cancelled

    def _serve(self, seat: Seat) -> None:
        while self._open:
            try:
                host = seat.ready(self)  # before it takes an order that another one could do
                self._meet(host)
            except (EngineAway, ProcessDied):
                with self._changed:
                    self._changed.wait(LOOK_S)
            except Cancelled:
                return
            else:
                if (order := self._next()) is not None:
                    self._do(order, seat)

    def _meet(self, host: Host) -> None:
        """Asks one that passes orders on how files get there, once."""
        doing = self.doing[host.plan.name]
        if host.plan.load == PROXY and doing.asked is not host:
            doing.files, doing.asked = host.ask(FILES, {}, self), host

    def _do(self, order: _Order, seat: Seat) -> None:
        name, doing = seat.plan.name, self.doing[seat.plan.name]
        doing.job, doing.call = order.job, order.call
        answer: Message | None = None
        try:
            with seat.asked(order) as host:
                value = self._asked(host, order)
            answer = {"do": "brought", "value": value}
        except Cancelled:
            pass
        except EngineAway:
            self._again(order)
        except ProcessDied as e:
            if not isinstance(e, HostDied):  # the one that it passed the order on to
                seat.replace(e.message)
            self._died(order, name, e)
        except Exception as e:
            answer = {"do": "brought", "error": wire.describe(e)}
        doing.job = doing.call = ""
        with self._changed:
            order.taking.under_way -= 1
            made = int(order.arguments.get(self._counted, 0))  # none, when it only listens, say
            if answer is not None and "value" in answer and made:
                doing.brought(made, self._clock())
        if answer is not None and not order.taking.closed:
            order.reply(answer)

    def _asked(self, host: Host, order: _Order) -> Any:
        call, arguments, floors = order.call, order.arguments, self._floors
        if host.plan.load == PROXY:
            arguments = {"call": call, "arguments": arguments, "floors": list(astuple(floors))}
            # What gets nowhere there is ended there; only one that nothing is heard of is ended here.
            call, floors = FORWARD, floors.times(2)
        return host.ask(call, arguments, order, job=order.job, stage=self._stage, floors=floors, more=True)

    def _died(self, order: _Order, name: str, error: ProcessDied) -> None:
        order.deaths += 1
        order.stalls += error.code == HostStalled.default_code
        given_up = order.deaths >= MOST_DEATHS or order.stalls >= MOST_STALLS
        self._tell("order_failed", {"host": name, "job": order.job, "again": not given_up, **error.as_dict()})
        if given_up:
            order.taking.failed = error
        else:
            self._again(order)

    def _again(self, order: _Order) -> None:
        with self._changed:
            if not order.taking.closed:
                order.taking.open.appendleft(order)
                self._changed.notify_all()
