"""One life of the bot: until the daemon ends, or there is another configuration."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daemon.chats import MessageState, Standing
from daemon.control.events import Events, Subscription
from daemon.health.component import Component, State
from daemon.health.heart import Heart
from handlers.telegram.choices import Choices
from handlers.telegram.house import House
from models.errors import VigentdError

if TYPE_CHECKING:
    from handlers.telegram.courier.courier import Courier
    from handlers.telegram.errands.runner import Errands
    from handlers.telegram.line import Line
    from handlers.telegram.poll import Poll
    from handlers.telegram.report.reporter import Reporter

AGAIN_S = 5.0  # after a fault of ours
MENU_EVERY_S = 60.0  # until Telegram has it
PASSING_S = 20.0  # a trouble that is gone sooner is none
BUDGET_S = 120.0  # since the last answer: four questions that stayed open
LATE_S = 90.0  # since the last answer of Telegram: then nobody can say that it is connected
NEWS = frozenset({"job", "queue", "lagged"})  # events after which chats may have to be told something


class Life:
    """before: the one that this takes the place of: there is one at a time. why: as in Bot."""

    def __init__(
        self, house: House, token: str, events: Events, why: Callable[[], str], before: Life | None
    ) -> None:
        self._house = replace(house, choices=lambda: self._errands.choices if self._errands else Choices())
        self._bare = token
        self._events = events
        self._why = why
        self._before = before
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telegram", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._admins_changed: asyncio.Event | None = None
        self._broken = ""  # why it cannot even begin
        self._began = Heart(house.clock)
        self._poll: Poll | None = None
        self._courier: Courier | None = None
        self._errands: Errands | None = None
        self._reporter: Reporter | None = None

    def begin(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        self._leaving.set()
        loop, end = self._loop, self._end
        if loop is not None and end is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(end.set)

    def join(self, seconds: float | None = None) -> None:
        self._thread.join(seconds)

    def status(self) -> dict[str, Any]:
        poll, courier = self._poll, self._courier
        last = None if poll is None or poll.last_ok_s is None else self._house.clock() - poll.last_ok_s
        why = self._broken or (poll.why if poll else "") or (courier.why if courier else "")
        connected = last is not None and last < LATE_S and not (poll and poll.why)
        counts, errands = self._counts()
        return {
            "state": "connected" if connected else "away" if why or last is not None else "connecting",
            "why": why,
            "name": poll.name if poll else "",
            "last_poll_s": None if last is None else round(last, 1),
            "waiting": counts.get(MessageState.DUE, 0) + counts.get(MessageState.SENDING, 0),
            "errands": errands,
            "unsure": counts.get(MessageState.UNSURE, 0),
        }

    def health(self) -> Component:
        """From memory. What keeps updates from coming is its trouble, once it lasts; a stall is when they do
        not come, and nobody knows why."""
        poll, courier = self._poll, self._courier
        age_s = (poll.heart if poll else self._began).age_s()
        state: State = "loading" if poll is None or poll.me is None else "idle"
        trouble, hint = (poll.why, poll.hint) if poll and poll.why else (courier.why if courier else "", "")
        if trouble and age_s < PASSING_S:
            trouble = hint = ""
        if self._broken or (
            self._thread.ident and not self._thread.is_alive() and not self._leaving.is_set()
        ):
            state, trouble = "dead", self._broken or "The bot's thread has ended"
            hint = "Its log says more."
        elif age_s > BUDGET_S and not trouble:
            state, trouble = "stalled", f"Nothing has been heard from Telegram for {age_s:.0f} s"
            hint = "Restart vigentd if this lasts."
        facts = {"name": poll.name if poll else ""}
        return Component("telegram", state, age_s, BUDGET_S, trouble, hint, facts=facts)

    def _counts(self) -> tuple[dict[str, int], int]:
        try:
            with self._house.ledger.look() as turn:
                return turn.messages.counts(), len(turn.errands.to_do())
        except VigentdError:  # the database says so itself
            return {}, 0

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            asyncio.run(self._live())
        except Exception as e:
            self._house.log.error("telegram_fault", error=type(e).__name__, trace=e)

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        if self._leaving.is_set():
            return
        # Here and not above: a daemon without a bot does without the library.
        from handlers.telegram.line import build

        try:
            bot = build(self._house.config.telegram, self._bare)
        except VigentdError as e:
            self._broken = e.message
            self._house.log.error("telegram_off", because=e.message)
            return
        try:
            await self._work(bot)
        finally:
            await bot.hang_up()

    async def _work(self, bot: Line) -> None:
        from handlers.telegram.courier.courier import Courier
        from handlers.telegram.dispatch import Dispatch
        from handlers.telegram.errands.runner import Errands
        from handlers.telegram.poll import Poll
        from handlers.telegram.report.reporter import Reporter

        courier = self._courier = Courier(bot, self._house)
        errands = self._errands = Errands(self._house, bot, courier.nudge)
        reporter = self._reporter = Reporter(self._house, self._why, self.nudge)
        poll = self._poll = Poll(bot, self._house, Dispatch(self._house, self.nudge, self._promoted))
        with self._events.subscribe(lambda: self._news(listening)) as listening:
            work = {
                "poll": poll.run,
                "courier": courier.run,
                "errands": errands.run,
                "reporter": reporter.run,
                "menu": lambda: self._menu(bot, poll),
            }
            tasks = [asyncio.create_task(self._keep(name, run), name=name) for name, run in work.items()]
            assert self._end is not None
            await self._end.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """One part breaking over a fault of ours must not be the end of the others, nor of itself."""
        while True:
            try:
                await run()
                return
            except Exception as e:
                self._house.log.error("telegram_fault", part=name, error=type(e).__name__, trace=e)
                await asyncio.sleep(AGAIN_S)

    async def _menu(self, bot: Line, poll: Poll) -> None:
        """The list of commands, as soon as Telegram takes it."""
        from telegram.error import TelegramError

        from handlers.telegram.menu import set_menu

        self._admins_changed = asyncio.Event()
        while True:
            self._admins_changed.clear()
            try:
                if poll.me is not None:
                    await set_menu(bot, self._admins())
                    await self._admins_changed.wait()
                    continue
            except (TelegramError, VigentdError):
                pass  # the poll says what it is
            await asyncio.sleep(MENU_EVERY_S if poll.me else 1.0)

    def _promoted(self) -> None:
        if self._admins_changed is not None:
            self._admins_changed.set()

    def _admins(self) -> list[int]:
        with self._house.ledger.look() as turn:
            known = [person.user_id for person in turn.people.of_standing(Standing.ADMIN)]
        return sorted({*known, *self._house.config.telegram.admin_user_ids})

    def nudge(self) -> None:
        """Something was written. From any thread."""
        for part in (self._courier, self._errands, self._reporter):
            if part is not None:
                part.nudge()

    def _news(self, listening: Subscription) -> None:
        """Called in the thread that publishes."""
        if any(event.name in NEWS for event in listening.take(0)) and self._reporter is not None:
            self._reporter.nudge()
