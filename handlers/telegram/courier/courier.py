"""The courier: looks at what the chats are to show, and sends, edits and deletes until they show it.

    the database ──▶ what waits, in order ──▶ what the pace allows ──▶ deliveries, one in a lane

It keeps nothing that matters: after a restart the rows say all. One thread and its loop; only `nudge` may be
called from others.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math

from telegram import Bot

from daemon.chats import ChatMessage
from daemon.jobs import iso
from handlers.telegram.courier import books
from handlers.telegram.courier.delivery import FIRST_PAUSE_S, LONGEST_PAUSE_S, Delivery, call_of
from handlers.telegram.courier.lanes import Lane, Task, in_order
from handlers.telegram.courier.outcome import Hold, NotSent, Outcome, Refused, Unknown
from handlers.telegram.courier.pacing import WINDOW_S, Call, Pacing
from handlers.telegram.house import House
from models.errors import Unavailable

UPLOADS = 2  # at a time, of all chats
IDLE_S = 30.0  # without a nudge: a look all the same
GRACE_S = 3.0  # for what is on its way when the end comes


class Courier:
    """why: what keeps it from sending; "" when nothing does. last_ok_s: clock of the last good call."""

    def __init__(self, bot: Bot, house: House, pacing: Pacing | None = None) -> None:
        self.why = ""
        self.last_ok_s: float | None = None
        self._house = house
        self._pacing = pacing or Pacing(house.clock)
        self._delivery = Delivery(bot, house, self._pacing, self._hear)
        self._under_way: dict[Lane, asyncio.Task[None]] = {}
        self._faulty: dict[int | None, int] = {}  # number → the version with which there is something wrong
        self._silent: set[int] = set()  # chats of which it was said that nobody is there
        self._pause_s = FIRST_PAUSE_S  # of the next trouble with the database
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._nudged = False

    def nudge(self) -> None:
        """There may be something new. From any thread; costs nothing while it has not looked yet."""
        loop = self._loop
        if loop is None or self._nudged:
            return
        self._nudged = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: the next life looks anyway
            loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Until it is cancelled. What is on its way then is given a moment."""
        self._loop = asyncio.get_running_loop()
        self._nudged = False
        try:
            await self._pick_up()
            while True:
                self._nudged = False
                self._wake.clear()
                await self._sleep(self._round())
        finally:
            self._loop = None
            await self._wind_up()

    async def _pick_up(self) -> None:
        """After a start: what was on its way, and how much was said in the last minute."""
        while True:
            try:
                with self._house.ledger.turn() as turn:
                    for row in turn.messages.interrupted():
                        books.interrupted(turn, row)
                    recent = turn.messages.changed_since(turn.now - dt.timedelta(seconds=WINDOW_S))
                    for row in recent:
                        ago_s = (turn.now - dt.datetime.fromisoformat(row.changed_at)).total_seconds()
                        self._pacing.remember(_last_call(row), ago_s)
                return
            except Unavailable as e:
                await asyncio.sleep(self._trouble(e))

    def _round(self) -> float:
        """Begins whatever may be done now; seconds until something else may be."""
        try:
            with self._house.ledger.look() as turn:
                rows = [row for row in turn.messages.to_do() if self._faulty.get(row.number) != row.version]
                now = turn.now
        except Unavailable as e:
            return self._trouble(e)
        if self._pause_s > FIRST_PAUSE_S:
            self._pause_s = FIRST_PAUSE_S
            self._say_why("")
        rest_s = IDLE_S
        for task in in_order(rows, self._under_way):
            if task.lane in self._under_way:
                continue
            wait_s = self._wait_s(task, now)
            if wait_s <= 0:
                self._begin(task)
            else:
                rest_s = min(rest_s, wait_s)
        return rest_s

    def _wait_s(self, task: Task, now: dt.datetime) -> float:
        if task.lane.uploads and sum(lane.uploads for lane in self._under_way) >= UPLOADS:
            return math.inf  # the end of one wakes us
        if task.due_at is not None and task.due_at > iso(now):
            return (dt.datetime.fromisoformat(task.due_at) - now).total_seconds()
        return self._pacing.wait_s(call_of(task))

    def _begin(self, task: Task) -> None:
        doing = asyncio.create_task(self._delivery.do(task))
        self._under_way[task.lane] = doing
        doing.add_done_callback(lambda done: self._done(task, done))

    def _done(self, task: Task, done: asyncio.Task[None]) -> None:
        del self._under_way[task.lane]
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Unavailable):
            if self._loop is not None:
                self._loop.call_later(self._trouble(error), self._wake.set)
            return
        if error is not None:  # a fault of ours: it would come again, and keep the others in its lane waiting
            self._house.log.error("courier_failed", trace=error, message=task.row.number)
            self._faulty[task.row.number] = task.row.version
        self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _wind_up(self) -> None:
        """What a request ends in is written down if it can be; a long upload is broken off."""
        doing = list(self._under_way.values())
        if not doing:
            return
        _, late = await asyncio.wait(doing, timeout=GRACE_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=GRACE_S)

    # ------------------------------------------------------------ what is heard on the way

    def _hear(self, row: ChatMessage, outcome: Outcome | None) -> None:
        match outcome:
            case None:
                self.last_ok_s = self._house.clock()
                self._silent.discard(row.chat_id)
                self._say_why("")
            case Hold():
                self._pacing.hold(outcome.seconds, None if outcome.everywhere else row.chat_id)
                self._say_why(outcome.why)
            case NotSent() | Unknown():
                self._say_why(outcome.why)
            case Refused():
                if not outcome.gone or row.chat_id not in self._silent:
                    self._house.log.warning(
                        "message_refused", message=row.number, chat=row.chat_id, why=outcome.why
                    )
                if outcome.gone:
                    self._silent.add(row.chat_id)

    def _say_why(self, why: str) -> None:
        if why and not self.why:
            self._house.log.warning("courier_waits", why=why)
        elif self.why and not why:
            self._house.log.event("courier_goes_on")
        self.why = why

    def _trouble(self, error: Unavailable) -> float:
        """Seconds to wait for the database."""
        self._say_why(error.message)
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return pause_s


def _last_call(row: ChatMessage) -> Call:
    """For a message that is shown."""
    return Call(row.chat_id, "edit" if row.shown > 1 else "send", row.number or 0, row.rank)
