"""Asks Telegram for updates and hands them on, one after the other.

Telegram is told that an update is done with by asking for the one after it; and what to ask for stands in
the database. So an update counts as handled once its turn is written: after a SIGKILL before that, it comes
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from telegram import Update
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, TelegramError

from daemon.health.heart import Heart
from handlers.telegram.arrivals import Me
from handlers.telegram.house import House
from handlers.telegram.line import LONG_POLL_S, Line, ServerTrouble, TooMany, scrub
from models.errors import Unavailable

KINDS = ["message", "edited_message", "callback_query"]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
TOKEN_PAUSE_S = 60.0
DATABASE_PAUSE_S = 0.2
NEW_TOKEN = "Ask @BotFather for the token, and put it into telegram.token or its file."
NETWORK = "Has this machine a way to the internet? A proxy is taken from HTTPS_PROXY or ALL_PROXY."
WEBHOOK = "webhook"  # stands in what Telegram says when updates go elsewhere


@dataclass(frozen=True)
class Toast:
    """The answer to a press: a word for a moment; alarm: until it is closed."""

    query_id: str
    text: str = ""
    alarm: bool = False


class Dispatch(Protocol):
    """Who handles updates: each in a turn of its own, with no network and no wait."""

    def __call__(self, update: Update) -> Toast | None:
        """Raises Unavailable of the database: the update is handed in again."""

    def broken(self, update_id: int) -> None:
        """It cannot be handled, by a fault of ours: it is written down as done with. Raises Unavailable."""


class Poll:
    """why: what keeps updates from coming; "" when nothing does. hint: what to do about that.
    last_ok_s: clock of the last answer. heart: its age is the time since then.

    me: the bot, known before the first update is handed on. wait_s: how long one question stays open.
    """

    def __init__(self, bot: Line, house: House, dispatch: Dispatch, *, wait_s: int = LONG_POLL_S) -> None:
        self.why = self.hint = ""
        self.last_ok_s: float | None = None
        self.heart = Heart(house.clock)
        self.me: Me | None = None
        self._bot = bot
        self._house = house
        self._dispatch = dispatch
        self._wait_s = wait_s
        self._pause_s = FIRST_PAUSE_S
        self._answers: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The bot's, without "@"; "" until it is known."""
        return self.me.username if self.me else ""

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                try:
                    await self._meet()
                    await self._handle(await self._ask())
                except TelegramError as e:
                    await asyncio.sleep(await self._trouble(e))
        finally:
            for answer in self._answers:
                answer.cancel()

    async def _meet(self) -> None:
        if self.me is None:
            user = await self._bot.get_me()
            self.me = Me(user.id, user.username or "")
            self._heard()
            self._say_why("")

    async def _ask(self) -> Sequence[dict[str, Any]]:
        offset = await self._of_database(lambda: self._house.ledger.next_update())
        wait_s = 0 if self.why else self._wait_s  # after a trouble it should be known soon that it is over
        found = await self._bot.news(offset, KINDS, wait_s)
        self._heard()
        self._pause_s = FIRST_PAUSE_S
        self._say_why("")
        return found

    def _heard(self) -> None:
        self.last_ok_s = self._house.clock()
        self.heart.beat()

    async def _handle(self, found: Sequence[dict[str, Any]]) -> None:
        for told in found:
            update_id = int(told["update_id"])
            self.heart.beat()
            try:
                update = Update.de_json(told, self._bot)
                toast = await self._of_database(lambda update=update: self._dispatch(update))
            except Exception as e:
                self._house.log.error("telegram_update_failed", trace=e, update=update_id)
                await self._of_database(lambda update_id=update_id: self._dispatch.broken(update_id))
                continue
            if toast is not None:
                self._answer(toast)

    async def _of_database(self, do: Any) -> Any:
        """Again and again while the database takes nothing: the updates after this one wait, in order."""
        pause_s = DATABASE_PAUSE_S
        while True:
            try:
                return do()
            except Unavailable as e:
                self._say_why(e.message)
                await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _answer(self, toast: Toast) -> None:
        """At once, and beside what goes on: whoever pressed the button sees a clock until then."""
        answer = asyncio.create_task(self._answered(toast))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answered(self, toast: Toast) -> None:
        try:
            await self._bot.answer_callback_query(toast.query_id, toast.text or None, toast.alarm)
        except TelegramError as e:  # too old, or the network: nothing depends on it
            self._house.log.event("press_unanswered", why=scrub(str(e), self._bot.token))

    async def _trouble(self, error: TelegramError) -> float:
        """Says what it is; seconds until it is tried again."""
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        match error:
            case InvalidToken():
                self._say_why("Telegram does not know the bot's token", NEW_TOKEN)
                return TOKEN_PAUSE_S
            case Conflict() if WEBHOOK in str(error).casefold():
                self._say_why("The bot's messages go to a webhook; it is being removed")
                await self._remove_webhook()
            case Conflict():
                self._say_why(
                    "Another program fetches the messages of this bot: only one may",
                    "End that program, or give one of the two a token of its own.",
                )
            case TooMany():
                self._say_why("Telegram asks for patience")
                return max(pause_s, error.seconds)
            case ServerTrouble():
                self._say_why(str(error), "It is Telegram's own, and passes by itself.")
            case NetworkError() if not isinstance(error, BadRequest):
                self._say_why(f"Telegram cannot be reached: {scrub(str(error), self._bot.token)}", NETWORK)
            case _:
                self._say_why(f"Telegram refuses: {scrub(str(error), self._bot.token)}")
        return pause_s

    async def _remove_webhook(self) -> None:
        try:
            await self._bot.delete_webhook()
        except TelegramError as e:
            self._say_why(f"The bot's webhook cannot be removed: {scrub(str(e), self._bot.token)}")

    def _say_why(self, why: str, hint: str = "") -> None:
        """To the log, when it is something new."""
        if why and why != self.why:
            self._house.log.warning("telegram_waits", why=why)
        elif self.why and not why:
            self._house.log.event("telegram_goes_on")
        self.why, self.hint = why, hint
