"""One message on its way: the intent is written down, the call is made, and then what became of it.

A SIGKILL at any point leaves a row that says how far it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from telegram import Bot

from daemon.chats import ChatMessage
from handlers.telegram.content import Content
from handlers.telegram.courier import books
from handlers.telegram.courier.lanes import Task
from handlers.telegram.courier.outcome import Missing, Outcome, Unknown, judge
from handlers.telegram.courier.pacing import Call, Pacing
from handlers.telegram.courier.sending import Parcel, edit, send, way
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import Unavailable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0  # when the database takes nothing just now


class Delivery:
    """heard: told of every outcome that is not what was wanted, and of None when all is well."""

    def __init__(
        self, bot: Bot, house: House, pacing: Pacing, heard: Callable[[ChatMessage, Outcome | None], None]
    ) -> None:
        self._bot = bot
        self._house = house
        self._pacing = pacing
        self._heard = heard
        self._files: dict[
            int, Path | None
        ] = {}  # number → what it shows, as far as that was sent in this life

    async def do(self, task: Task) -> None:
        """Raises Unavailable when the intent cannot be written down: then nothing was done."""
        match task.what:
            case "send":
                await self._send(task)
            case "edit" if task.row.message_id is not None:
                await self._edit(task)
            case "delete" if task.row.message_id is not None:
                await self._delete(task)
            case "edit":  # it arrived, and nobody knows under which number
                await self._write(lambda turn: books.unreachable(turn, _number(task.row)))
            case _:
                await self._write(lambda turn: books.deleted(turn, _number(task.row)))

    async def _send(self, task: Task) -> None:
        with self._house.ledger.turn() as turn:
            row = books.begin(turn, _number(task.row))
        if row is None or row.wanted is None:
            return
        number, version, content = _number(row), row.version, Content.from_json(row.wanted)
        with self._parcel() as parcel:
            ticket = self._pacing.take(call_of(task))
            try:
                message = await send(self._bot, row, content, parcel)
            except (Exception, asyncio.CancelledError) as e:
                await self._failed(task, version, e, whole=parcel.whole)
                return
            finally:
                ticket.end()
        self._files[number] = content.file
        await self._well(
            row, lambda turn: books.shown(turn, number, version, content.kind, message.message_id)
        )

    async def _edit(self, task: Task) -> None:
        row = task.row
        assert row.wanted is not None and row.message_id is not None
        number, version, content = _number(row), row.version, Content.from_json(row.wanted)
        how = way(row.kind or content.kind, self._files.get(number), content)
        if how == "anew":
            await self._delete(task)
            return
        with self._parcel() as parcel:
            ticket = self._pacing.take(call_of(task))
            try:
                await edit(self._bot, row, content, parcel, how)
            except (Exception, asyncio.CancelledError) as e:
                await self._failed(task, version, e)
                return
            finally:
                ticket.end()
        kind = "text" if how == "text" else content.kind
        self._files[number] = content.file
        message_id = row.message_id
        await self._well(row, lambda turn: books.shown(turn, number, version, kind, message_id))

    async def _delete(self, task: Task) -> None:
        """For good; or, when something is wanted in its place, to be sent anew."""
        row = task.row
        assert row.message_id is not None
        ticket = self._pacing.take(Call(row.chat_id, "delete"))
        try:
            await self._bot.delete_message(row.chat_id, row.message_id)
        except (Exception, asyncio.CancelledError) as e:
            outcome = judge(e, self._bot.token)
            if not isinstance(outcome, Missing):
                await self._failed(task, row.version, e)
                return
        finally:
            ticket.end()
        after = books.deleted if row.wanted is None else books.send_anew
        await self._well(row, lambda turn: after(turn, _number(row)))

    async def _failed(self, task: Task, version: int, error: BaseException, *, whole: bool = True) -> None:
        number = _number(task.row)
        try:
            outcome = judge(error, self._bot.token, whole=whole)
        except Exception as fault:  # ours; what it left behind is as unknown as a broken connection's
            self._house.log.error("message_failed", trace=fault, message=number)
            outcome = Unknown("a fault of vigentd's own")
        self._heard(task.row, outcome)
        await self._write(lambda turn: books.failed(turn, number, version, task.what, outcome))
        if isinstance(error, asyncio.CancelledError):
            raise error

    async def _well(self, row: ChatMessage, note: Callable[[Turn], None]) -> None:
        self._heard(row, None)
        await self._write(note)

    async def _write(self, note: Callable[[Turn], None]) -> None:
        """However long it takes: what was sent must be written down."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                with self._house.ledger.turn() as turn:
                    note(turn)
                return
            except Unavailable:
                await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _parcel(self) -> Parcel:
        return Parcel(local=self._house.config.telegram.local_mode)


def call_of(task: Task) -> Call:
    """What the pace is asked about."""
    return Call(task.row.chat_id, task.what, _number(task.row), task.rank)


def _number(row: ChatMessage) -> int:
    assert row.number is not None, "it is in the database"
    return row.number
