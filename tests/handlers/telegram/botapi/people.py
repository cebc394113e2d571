"""People: each has a private chat with the bot, and may block it."""

from __future__ import annotations

from tests.handlers.telegram.botapi.content import User
from tests.handlers.telegram.botapi.presence import set_bot
from tests.handlers.telegram.botapi.seat import Seat
from tests.handlers.telegram.botapi.state import State


class Person(Seat):
    """In the private chat with the bot."""

    def __init__(self, state: State, user: User, *, started: bool = True) -> None:
        with state.condition:
            state.users[user.id] = user
            chat = state.chat(user.id, "private", user.first_name)
            chat.user = user
            chat.started = started
            chat.roles[user.id] = "member"
        super().__init__(state, user, chat)

    @property
    def id(self) -> int:
        return self.user.id

    def block(self) -> None:
        self._set_bot("kicked")

    def unblock(self) -> None:
        self._set_bot("member")

    def _set_bot(self, status: str) -> None:
        set_bot(self.chat, self.user, status)
