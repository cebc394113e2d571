"""Groups: several people and the bot in one chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.handlers.telegram.botapi import wire
from tests.handlers.telegram.botapi.content import Content, User
from tests.handlers.telegram.botapi.people import Person
from tests.handlers.telegram.botapi.presence import hears, set_bot
from tests.handlers.telegram.botapi.seat import Seat, Source
from tests.handlers.telegram.botapi.state import Chat, Message, Query, State

FIRST_GROUP = -4_000_001
FIRST_SUPERGROUP = -1_002_000_000_001


class Group:
    """`group.at(anna)` has all that a person can do; the most frequent are here as well."""

    def __init__(
        self,
        state: State,
        title: str,
        people: list[Person],
        admins: list[Person],
        *,
        privacy: bool,
        supergroup: bool,
    ) -> None:
        assert people, "a group is made by somebody"
        self.state = state
        with state.condition:
            self.chat = _new_chat(state, title, "supergroup" if supergroup else "group")
            self.chat.privacy = privacy
            self.chat.roles |= {p.id: "member" for p in people}
            self.chat.roles |= {p.id: "administrator" for p in admins}
            self.chat.roles[people[0].id] = "creator"
            self.chat.bot = "left"
            set_bot(self.chat, people[0].user, "member")

    def at(self, person: Person) -> Seat:
        assert self.chat.roles.get(person.id, "left") != "left", (
            f"{person.user.first_name} is not in the group"
        )
        return Seat(self.state, person.user, self.chat)

    def send_text(self, person: Person, text: str, reply_to: Message | None = None) -> Message:
        return self.at(person).send_text(text, reply_to)

    def command(self, person: Person, text: str, reply_to: Message | None = None) -> Message:
        return self.at(person).command(text, reply_to)

    def send_video(self, person: Person, source: Source = None, caption: str = "", **more: Any) -> Message:
        return self.at(person).send_video(source, caption, **more)

    def send_document(
        self, person: Person, source: Source = None, name: str | None = None, **more: Any
    ) -> Message:
        return self.at(person).send_document(source, name, **more)

    def send_photo(
        self, person: Person, source: Path | str | bytes, caption: str = "", reply_to: Message | None = None
    ) -> Message:
        return self.at(person).send_photo(source, caption, reply_to)

    def press(self, person: Person, message: Message, button: str, wait: bool = True, **more: Any) -> Query:
        return self.at(person).press(message, button, wait, **more)

    def last(self) -> Message:
        return Seat(self.state, self.state.bot, self.chat).last()

    def texts(self) -> list[str]:
        return Seat(self.state, self.state.bot, self.chat).texts()

    # --- who is in it

    def join(self, person: Person) -> Message:
        self.chat.roles[person.id] = "member"
        return self._note(self.chat, person.user, {"new_chat_members": [wire.user(person.user)]})

    def leave(self, person: Person) -> Message:
        self.chat.roles[person.id] = "left"
        return self._note(self.chat, person.user, {"left_chat_member": wire.user(person.user)})

    def kick_bot(self, by: Person) -> None:
        set_bot(self.chat, by.user, "kicked")

    def promote_bot(self, by: Person) -> None:
        """An administrator reads everything."""
        set_bot(self.chat, by.user, "administrator")

    def migrate(self) -> Chat:
        """Becomes a supergroup, which has another id; returns the old chat, which answers with the new id."""
        with self.state.condition:
            old = self.chat
            owner = self.state.users[next(iter(old.roles))]
            self.chat = _new_chat(self.state, old.title, "supergroup")
            self.chat.roles, self.chat.privacy = dict(old.roles), old.privacy
            self._note(old, owner, {"migrate_to_chat_id": self.chat.id})
            self._note(self.chat, owner, {"migrate_from_chat_id": old.id})
            old.migrated_to = self.chat.id
            return old

    def _note(self, chat: Chat, who: User, what: dict[str, Any]) -> Message:
        """Of what nobody wrote."""
        with self.state.condition:
            message = chat.put(who, Content(service=what))
            if hears(message):
                message.update_id = self.state.updates.add("message", wire.message(message))
            return message


def _new_chat(state: State, title: str, kind: str) -> Chat:
    first = FIRST_SUPERGROUP if kind == "supergroup" else FIRST_GROUP
    return state.chat(first - sum(c.kind == kind for c in state.chats.values()), kind, title)
