"""What the server knows: people, chats, messages, presses of buttons, and what the bot said of itself.

Everything is read and changed under one Condition, which is told of every change, so that tests wait for an
event and never for a time.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.handlers.telegram.botapi.content import Button, Content, Edit, Media, User
from tests.handlers.telegram.botapi.files import Files
from tests.handlers.telegram.botapi.updates import Updates

T = TypeVar("T")


@dataclass(eq=False)
class Message:
    """sent_at: monotonic seconds; date: seconds since 1970. first: what it showed before its edits.

    others: the parameters it was sent with that have no field here (disable_notification and the like).
    fault: the fault in spite of which it was sent. deleted_by: "bot" or "person". update_id: of the last
    update about it; 0: the bot was told nothing of it.
    """

    id: int
    chat: Chat
    sender: User
    content: Content
    first: Content
    date: int
    sent_at: float
    reply_to: int | None = None
    album: str | None = None
    method: str = ""
    others: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    edits: list[Edit] = field(default_factory=list)
    deleted: bool = False
    deleted_by: str | None = None
    update_id: int = 0

    @property
    def from_bot(self) -> bool:
        return self.sender.is_bot

    @property
    def kind(self) -> str:
        if self.content.service is not None:
            return "service"
        return self.content.media.kind if self.content.media else "text"

    @property
    def text(self) -> str:
        return "" if self.content.media else self.content.text

    @property
    def caption(self) -> str:
        return self.content.text if self.content.media else ""

    @property
    def words(self) -> str:
        """Its text or its caption, whichever it has."""
        return self.content.text

    @property
    def media(self) -> Media | None:
        return self.content.media

    @property
    def path(self) -> Path | None:
        return self.content.media.path if self.content.media else None

    @property
    def buttons(self) -> tuple[tuple[Button, ...], ...]:
        return tuple(
            tuple(Button(str(b["text"]), str(b.get("callback_data") or b.get("url") or "")) for b in row)
            for row in self.content.keyboard
        )

    def __str__(self) -> str:
        who = "bot" if self.from_bot else self.sender.first_name
        notes = [f"re {self.reply_to}"] if self.reply_to else []
        notes += [f"{len(self.edits)} edits"] if self.edits else []
        notes += [f"in spite of {self.fault}"] if self.fault else []
        notes += ["deleted"] if self.deleted else []
        media = f"<{self.kind} {self.media.file.name}, {self.media.file.size} B> " if self.media else ""
        lines = [f"{self.id:>4} {who}: {media}{self.words}" + (f"  ({', '.join(notes)})" if notes else "")]
        lines += ["       " + " ".join(f"[{b.text} | {b.data}]" for b in row) for row in self.buttons]
        return "\n".join(lines)


@dataclass(eq=False)
class Query:
    """A press of a button. answer: the parameters of answerCallbackQuery, None until it came."""

    id: str
    person: User
    message: Message
    data: str
    sent_at: float
    update_id: int = 0
    answer: dict[str, Any] | None = None
    answered_at: float | None = None

    @property
    def chat(self) -> Chat:
        return self.message.chat

    @property
    def text(self) -> str:
        return str((self.answer or {}).get("text") or "")

    @property
    def show_alert(self) -> bool:
        return bool((self.answer or {}).get("show_alert"))

    def wait(self, timeout: float = 60.0) -> Query:
        """Until the bot has answered."""
        why = f"the press of {self.data!r} was not answered"
        self.chat.state.wait_for(lambda: self.answer is not None, timeout, lambda: f"{why}\n{self.chat}")
        return self


class Chat:
    """kind: private, group or supergroup. roles: the members' status, by user id.

    bot: the bot's own status: member, administrator, left, kicked (of a private chat: blocked).
    """

    def __init__(self, state: State, id: int, kind: str, title: str) -> None:
        self.state = state
        self.id = id
        self.kind = kind
        self.title = title
        self.user: User | None = None  # of a private chat
        self.roles: dict[int, str] = {}
        self.bot = "member"
        self.started = True  # whether the person has ever written to the bot
        self.privacy = True
        self.migrated_to: int | None = None
        self.everything: list[Message] = []  # the deleted ones, too
        self.actions: list[tuple[float, str]] = []  # sendChatAction: monotonic seconds, which
        self._ids = itertools.count(1)  # every chat counts by itself: an id alone is not a message

    @property
    def messages(self) -> list[Message]:
        """What stands in the chat now."""
        with self.state.condition:
            return [m for m in self.everything if not m.deleted]

    @property
    def from_bot(self) -> list[Message]:
        return [m for m in self.messages if m.from_bot]

    def find(self, id: int) -> Message | None:
        return next((m for m in self.everything if m.id == id and not m.deleted), None)

    def put(self, sender: User, content: Content, **more: Any) -> Message:
        with self.state.condition:
            state = self.state
            message = Message(
                next(self._ids), self, sender, content, content, int(state.now()), state.clock(), **more
            )
            self.everything.append(message)
            state.changed()
            return message

    def wait_for(self, wanted: Callable[[list[Message]], T | None], timeout: float = 60.0) -> T:
        """Until `wanted(messages standing in the chat)` is true; returns what it returned.

        A LookupError in it means "not yet", so it may say messages[-1].
        """

        def look() -> T | None:
            try:
                return wanted(self.messages)
            except LookupError:
                return None

        return self.state.wait_for(look, timeout, lambda: f"it did not come within {timeout:g} s\n{self}")

    def __str__(self) -> str:
        lines = [f"--- {self.kind} chat {self.id}, {self.title!r}"]
        lines += [str(m) for m in self.everything] or ["     (nothing)"]
        return "\n".join(lines) + "\n---"


class State:
    """clock: monotonic seconds. now: seconds since 1970. folder: where files are kept.

    The limits and local_mode may be changed at any time.
    """

    def __init__(self, bot: User, folder: Path, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self.bot = bot
        self.local_mode = False
        self.upload_limit: int | None = 50 * 2**20  # bytes; None: none
        self.download_limit: int | None = 20 * 2**20
        self.query_lifetime_s = 30.0
        self.clock = clock
        self.now = now
        self.condition = threading.Condition(threading.RLock())
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, Query] = {}
        self.files = Files(folder)
        self.updates = Updates(self.condition)
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}  # by scope (JSON) and language
        self.descriptions: dict[tuple[str, str], str] = {}  # by method and language
        self._albums = itertools.count(13_000_000_000_000_001)

    def chat(self, id: int, kind: str, title: str) -> Chat:
        with self.condition:
            if id not in self.chats:
                self.chats[id] = Chat(self, id, kind, title)
            return self.chats[id]

    def new_album(self) -> str:
        return str(next(self._albums))

    def changed(self) -> None:
        """To be called under the condition."""
        self.condition.notify_all()

    def wait_for(self, wanted: Callable[[], T | None], timeout: float, why: Callable[[], str] | str) -> T:
        """Until wanted() is true; returns what it returned. Else, in time: AssertionError, saying `why`."""
        deadline = time.monotonic() + timeout
        with self.condition:
            while not (found := wanted()):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(why if isinstance(why, str) else why())
                self.condition.wait(left)
            return found
