"""Who may do what, and what their chats have chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col, func, select

from daemon.chats import Chat, ChatMessage, PairingCode, Person, Standing
from daemon.jobs import iso
from handlers.telegram.incoming import Where, Who
from handlers.telegram.names import clean
from handlers.telegram.settings import ChatSettings

CARD = "admission:%d:%d"  # key of the message about a person (id) to an admin (id)

Row = TypeVar("Row", bound=SQLModel)


class People:
    def __init__(self, s: Session, now: dt.datetime) -> None:
        self._s = s
        self._now = now

    def person(self, user_id: int) -> Person | None:
        return self._s.get(Person, user_id)

    def met(self, who: Who) -> Person:
        """The row of somebody who is here now; a new one is UNKNOWN."""
        row = self.person(who.id) or Person(user_id=who.id, name="")
        row.name, row.language = clean(who.name) or str(who.id), who.language
        return self._put(row)

    def set_standing(self, user_id: int, standing: Standing, name: str = "") -> Person:
        row = self.person(user_id) or Person(user_id=user_id, name=clean(name) or str(user_id))
        row.standing = standing
        return self._put(row)

    def told(self, row: Person) -> None:
        row.told_at = iso(self._now)
        self._put(row)

    def of_standing(self, standing: Standing) -> Sequence[Person]:
        return self._s.exec(
            select(Person).where(Person.standing == standing).order_by(col(Person.user_id))
        ).all()

    def waiting(self, admin_id: int) -> Sequence[tuple[Person, ChatMessage | None]]:
        """Those who were told that the bot is private and about whom nobody has decided, the newest first;
        and the card about each that this admin has."""
        card = col(ChatMessage.key) == func.printf(CARD, Person.user_id, admin_id)
        asked = (
            select(Person, ChatMessage)
            .outerjoin(ChatMessage, card)
            .where(Person.standing == Standing.UNKNOWN, col(Person.told_at).is_not(None))
            .order_by(col(Person.told_at).desc(), col(Person.user_id))
        )
        return self._s.exec(asked).all()

    # ------------------------------------------------------------ chats

    def chat(self, where: Where) -> Chat:
        row = self._s.get(Chat, where.chat_id) or Chat(chat_id=where.chat_id, kind=where.kind)
        row.kind, row.title = where.kind, where.title
        return self._put(row)

    def has_chat(self, chat_id: int) -> bool:
        """Whether anything was ever said there. A private chat has the number of its person."""
        return self._s.get(Chat, chat_id) is not None

    def settings(self, chat_id: int) -> ChatSettings:
        row = self._s.get(Chat, chat_id)
        return ChatSettings.from_json(row.settings) if row and row.settings else ChatSettings()

    def choose(self, chat_id: int, settings: ChatSettings) -> None:
        row = self._s.get(Chat, chat_id)
        assert row is not None, "the chat of a message is known"
        row.settings = settings.as_json()
        self._put(row)

    def awaited(self, chat_id: int, user_id: int) -> dict[str, Any] | None:
        """What this person's next message is: {"what": "title", "draft": id}, …; None: nothing special."""
        row = self._s.get(Chat, chat_id)
        return row.awaited.get(str(user_id)) if row else None

    def wait_for(self, chat_id: int, user_id: int, awaited: dict[str, Any] | None) -> None:
        row = self._s.get(Chat, chat_id)
        assert row is not None, "the chat of a message is known"
        others = {k: v for k, v in row.awaited.items() if k != str(user_id)}
        row.awaited = others | ({str(user_id): awaited} if awaited else {})
        self._put(row)

    # ------------------------------------------------------------ the pairing code

    def pairing(self) -> PairingCode | None:
        return self._s.exec(select(PairingCode)).first()

    def offer(self, digest: str, salt: str, until: dt.datetime) -> None:
        """A new code; the one before it is worth nothing any more."""
        self.withdraw()
        self._put(PairingCode(digest=digest, salt=salt, until=iso(until)))

    def withdraw(self) -> None:
        self._s.exec(delete(PairingCode))

    def wrong_code(self, code: PairingCode, user_id: int) -> None:
        code.wrong = code.wrong | {str(user_id): code.wrong.get(str(user_id), 0) + 1}
        self._put(code)

    def _put(self, row: Row) -> Row:
        self._s.add(row)
        self._s.flush()
        return row
