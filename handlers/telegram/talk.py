"""One thing that somebody said or pressed, and everything that is needed to answer it.

    def voices(talk: Talk, said: Said) -> None: ...       a command, or a message
    def start(talk: Talk, press: Press) -> None: ...      a button

Handlers run within the turn: they read and write rows, and say what is to be seen; nothing here waits for
Telegram, for the door or for a job.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from daemon.chats import ChatMessage
from handlers.telegram.choices import Choices
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.house import House
from handlers.telegram.incoming import Where, Who
from handlers.telegram.settings import ChatSettings
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import Language, Marked, plain, say


@dataclass
class Talk:
    """message_id: what the person sent; of a press: our message with the button.

    toast: what the person sees for a moment after a press; alarm: until they close it.
    """

    turn: Turn
    house: House
    who: Who
    where: Where
    language: Language
    admin: bool
    update_id: int
    message_id: int
    toast: str = ""
    alarm: bool = False
    _answers: int = field(default=0, repr=False)

    def say(self, key: str, /, **values: object) -> Marked:
        return say(self.language, key, **values)

    def plain(self, key: str, /, **values: object) -> str:
        return plain(self.language, key, **values)

    def answer(
        self, key: str, /, *, buttons: tuple[tuple[Button, ...], ...] = (), **values: object
    ) -> ChatMessage:
        """A message of its own, as an answer to what the person sent."""
        return self.show(Content(self.say(key, **values), buttons))

    def show(self, content: Content, key: str = "") -> ChatMessage:
        """key: of a message that can be changed later; it is a new one otherwise."""
        self._answers += 1
        return self.turn.messages.post(
            self.where.chat_id,
            key or f"{self._ours}{self.update_id}:{self._answers}",
            content,
            rank=Rank.ANSWER,
            reply_to=None if self.where.private else self.message_id,
            thread_id=self.where.thread_id,
        )

    def replace(self, content: Content) -> None:
        """Of a press: what the message with the button is to show now. What is no answer to this very person,
        as a card, a result, or a list that somebody else looks at, stays as it is: this is a new message."""
        row = self.answered
        if row is None:
            self.show(content)
        else:
            self.turn.messages.post(self.where.chat_id, row.key, content)

    @property
    def answered(self) -> ChatMessage | None:
        """Of a press: the message with the button, if it is one that `show` made for this person.

        Anybody can press a button that we never made, under whatever message."""
        row = self.turn.messages.at(self.where.chat_id, self.message_id)
        return row if row is not None and row.key.startswith(self._ours) else None

    @property
    def _ours(self) -> str:
        return f"answer:{self.who.id}:"

    def tell(self, key: str, /, *, alarm: bool = False, **values: object) -> None:
        """Of a press: a word that does not stay."""
        self.toast, self.alarm = self.plain(key, **values)[:200], alarm

    def button(self, key: str, data: str, **values: object) -> Button:
        return Button(self.plain(key, **values), data)

    @property
    def choices(self) -> Choices:
        """What there is to choose from in this chat."""
        return self.house.choices().of_chat(self.where.chat_id)

    @property
    def settings(self) -> ChatSettings:
        return self.turn.people.settings(self.where.chat_id)

    def choose(self, settings: ChatSettings) -> None:
        self.turn.people.choose(self.where.chat_id, settings)

    def wait_for(self, awaited: dict[str, Any] | None) -> None:
        """What this person's next text is: {"what": …}, for the handler of that name in `awaited.py`."""
        self.turn.people.wait_for(self.where.chat_id, self.who.id, awaited)
