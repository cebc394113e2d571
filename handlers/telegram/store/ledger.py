"""Turns: whatever belongs together is written in one transaction, or not at all.

An update is handled in one turn; that it was handled is part of it. So an update that is delivered twice
changes nothing, and one whose turn was broken off by a SIGKILL is delivered again.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import delete
from sqlmodel import Session, col, select

from daemon.chats import Chat, ChatFile, ChatJob, ChatMessage, Draft, HandledUpdate, Presenter
from daemon.jobs import iso
from daemon.queue import Queue
from handlers.telegram.store.drafts import UNSTARTED, Drafts
from handlers.telegram.store.errands import Errands
from handlers.telegram.store.files import Files
from handlers.telegram.store.jobs import Jobs
from handlers.telegram.store.messages import Messages
from handlers.telegram.store.people import People

KEPT_UPDATES = dt.timedelta(days=7)  # Telegram keeps what was not confirmed for a day


class Turn:
    """One transaction. What the queue is told within it is a part of it, too."""

    def __init__(
        self, s: Session, queue: Queue, now: dt.datetime, chance: Callable[[int], int], update_id: int | None
    ) -> None:
        self.queue = queue
        self.now = now
        self.update_id = update_id
        self.messages = Messages(s, now)
        self.drafts = Drafts(s, now, chance)
        self.files = Files(s, now, chance)
        self.errands = Errands(s, now)
        self.people = People(s, now)
        self.jobs = Jobs(s, queue)
        self.afterwards: list[Callable[[], None]] = []
        self._s = s

    def then(self, do: Callable[[], None]) -> None:
        """Called once all of it is written: hints for others; nothing that must not be lost."""
        self.afterwards.append(do)

    def moved(self, old: int, new: int) -> None:
        """A group has another id now, and its messages have other ids, which nobody tells: what is still of
        use is sent again."""
        chat = self._s.get(Chat, old)
        if chat is not None and self._s.get(Chat, new) is None:
            facts = chat.model_dump(exclude={"chat_id"}) | {"kind": "supergroup"}
            self._s.add(Chat(chat_id=new, **facts))
        for table in (ChatMessage, Draft, ChatFile, ChatJob, Presenter):
            for row in self._s.exec(select(table).where(table.chat_id == old)):
                row.chat_id = new
                self._s.add(row)
        self._s.flush()
        for message in self._s.exec(select(ChatMessage).where(ChatMessage.chat_id == new)):
            if message.message_id is not None:
                self._forget_place(message)

    def _forget_place(self, message: ChatMessage) -> None:
        kind, _, rest = message.key.partition(":")
        about = rest.partition(":")[0]
        draft = self.drafts.get(about) if kind == "card" else None
        job = self.jobs.row(about) if kind == "progress" else None
        if (draft is not None and draft.state in UNSTARTED) or (job is not None and not job.finished):
            self.messages.send_again(message)
        else:
            message.message_id, message.shown = None, message.version
            self.messages.put(message)


class Ledger:
    """queue: all is kept in its database. now: the time, with its zone. chance: a random number
    below the one given.

    Methods raise Unavailable as Database does.
    """

    def __init__(
        self,
        queue: Queue,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        chance: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._queue = queue
        self._db = queue.database
        self._now = now
        self._chance = chance

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        with self._open(None) as turn:
            yield turn
        _run(turn)

    @contextmanager
    def turn_for(self, update_id: int) -> Iterator[Turn | None]:
        """The turn of an update; None: it was handled before."""
        with self._open(update_id) as turn:
            known = select(HandledUpdate.number).where(HandledUpdate.update_id == update_id)
            if turn._s.exec(known).first() is not None:
                yield None
                return
            turn._s.add(HandledUpdate(update_id=update_id, at=iso(turn.now)))
            old = iso(turn.now - KEPT_UPDATES)
            turn._s.exec(delete(HandledUpdate).where(col(HandledUpdate.at) < old))
            yield turn
        _run(turn)

    def next_update(self) -> int:
        """What to ask Telegram for: the one after the last that was handled; 0: whatever it has."""
        with self._db.reading() as s:
            # The last that was handled, and not the largest: after a week without updates Telegram may begin
            # anew with smaller numbers. Nor the latest: clocks are set back.
            wanted = select(HandledUpdate.update_id).order_by(col(HandledUpdate.number).desc())
            last = s.exec(wanted.limit(1)).first()
        return 0 if last is None else last + 1

    @contextmanager
    def look(self) -> Iterator[Turn]:
        """The same, to read only: nobody waits for it."""
        with self._db.reading() as s:
            yield Turn(s, self._queue, self._now(), self._chance, None)

    @contextmanager
    def _open(self, update_id: int | None) -> Iterator[Turn]:
        with self._db.writing() as s:
            yield Turn(s, self._queue, self._now(), self._chance, update_id)


def _run(turn: Turn) -> None:
    for do in turn.afterwards:
        do()
