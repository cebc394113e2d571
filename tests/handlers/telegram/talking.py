"""A conversation with the bot in this process: real database, real queue, no network.

    chat = Conversation(tmp_path, hears=said, presses=PRESSES)
    chat.says("Good morning.", attached=video())
    chat.taps("Start")
    assert "being made" in chat.sees()

What would be sent is in the database; the courier is played by `deliver`, which gives every message its id.
"""

from __future__ import annotations

import datetime as dt
import html
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon.chats import ChatMessage, Errand, MessageState
from daemon.config import Config
from daemon.queue import Queue
from handlers.telegram.buttons import Press, pressed
from handlers.telegram.choices import Choice, Choices
from handlers.telegram.content import Button, Content
from handlers.telegram.house import House
from handlers.telegram.incoming import Attachment, AttachmentKind, Said, Where, Who
from handlers.telegram.places import Places
from handlers.telegram.store.ledger import Ledger, Turn
from handlers.telegram.talk import Talk
from handlers.telegram.texts import spoken_by
from tests.database_kit import lay_database
from tests.log_kit import Written

ANNA = Who(11, "Anna", "en")
BO = Who(22, "Bo", "zh-hans")
ROOT = Who(99, "Root", "en")  # an admin
PRIVATE = Where(11)
GROUP = Where(-500, "supergroup", "News")
BEGINNING = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)

CHOICES = Choices(
    voices=(Choice("en_US", "English"), Choice("en_GB", "English"), Choice("cmn", "Chinese")),
    subtitles=(Choice("clean", "White"), Choice("karaoke", "Word by word")),
    titles=(Choice("headline", "A bar"), Choice("stamp", "A stamp")),
    music=(Choice("calm", "Piano"), Choice("news", "Strings")),
    engine="espeak",
)

KNOWN = {"allowed_user_ids": [ANNA.id, BO.id], "admin_user_ids": [ROOT.id]}

Heard = Callable[[Talk, Said], None]
Presses = Mapping[str, Callable[[Talk, Press], None]]

_numbers = itertools.count(1)


def video(name: str = "", size: int | None = 1_500_000, kind: AttachmentKind = "video") -> Attachment:
    return Attachment(kind, f"tg-{next(_numbers)}", name, "video/mp4", size, 12.0)


def photo(size: int | None = 90_000) -> Attachment:
    return Attachment("photo", f"tg-{next(_numbers)}", size=size)


def voice(seconds: float = 7.0, size: int | None = 30_000) -> Attachment:
    return Attachment("voice", f"tg-{next(_numbers)}", mime="audio/ogg", size=size, seconds=seconds)


def document(name: str, mime: str = "", size: int | None = 4_000) -> Attachment:
    return Attachment("document", f"tg-{next(_numbers)}", name, mime, size)


class Forbidden:
    """In place of what no handler may use within a turn: the door."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a handler must not wait for {name}")


class Conversation:
    """folder: for database and files. hears: what gets the messages. presses: verb → what gets the button.

    config: sections of the configuration. lends: fields of House that are to be different.
    house, queue, ledger: real. changed: what the house was told of, after each turn. toasts: of all presses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        hears: Heard = lambda talk, said: None,
        presses: Presses | None = None,
        config: dict[str, Any] | None = None,
        **lends: Any,
    ) -> None:
        self.now = BEGINNING
        self.hears = hears
        self.presses = presses or {}
        self.admins = {ROOT.id}
        self.changed: list[str | None] = []
        self.toasts: list[str] = []
        self.log = Written()
        dice = random.Random(7).randrange
        if not (folder / "vigentd.db").exists():
            lay_database(folder / "vigentd.db")
        self.queue = Queue(folder / "vigentd.db", now=lambda: self.now, chance=dice)
        self.ledger = Ledger(self.queue, lambda: self.now, dice)
        self.house = House(
            config=Config(data_dir=folder, **({"telegram": KNOWN} | (config or {}))),
            queue=self.queue,
            ledger=self.ledger,
            lobby=Forbidden(),
            log=self.log,
            places=Places(folder / "telegram"),
            **(
                {
                    "changed": self.changed.append,
                    "choices": lambda: CHOICES,
                    "clock": lambda: self.now.timestamp(),
                    "now": lambda: self.now,
                }
                | lends
            ),
        )
        first = (
            self.ledger.next_update() or 1
        )  # more than that when this goes on with an earlier conversation
        self._ids = itertools.count(1000 * first + 1)
        self._updates = itertools.count(first)

    # ------------------------------------------------------------ what people do

    def says(
        self,
        text: str = "",
        *,
        by: Who = ANNA,
        where: Where = PRIVATE,
        attached: Attachment | None = None,
        album: str = "",
        edits: int | None = None,
        reply_to: int | None = None,
    ) -> int:
        """A message; edits: of an earlier one of this id. "/voices de" is a command. Returns its id."""
        command, _, argument = text[1:].partition(" ") if text.startswith("/") else ("", "", "")
        said = Said(
            next(self._updates), by, where, next(self._ids) if edits is None else edits, self.now, text,
            attached, album, command.lower(), argument.strip(), reply_to, True, edits is not None,
        )  # fmt: skip
        with self._handling(said.update_id, by, where, said.message_id) as talk:
            self.hears(talk, said)
        return said.message_id

    def taps(self, label: str, *, by: Who = ANNA, where: Where = PRIVATE, within: str = "") -> str:
        """Presses the newest button whose text has this label in it; within: of the message of that key.

        Returns the toast.
        """
        message, button = self._find(label, where, within)
        assert message.message_id is not None
        return self.presses_data(button.data, by=by, where=where, under=message.message_id)

    def presses_data(self, data: str, *, under: int, by: Who = ANNA, where: Where = PRIVATE) -> str:
        """Presses whatever button: one that is not there any more, or was never ours."""
        wish = pressed(data)
        with self._handling(next(self._updates), by, where, under) as talk:
            self.presses[wish.verb](talk, wish)
        self.toasts.append(talk.toast)
        return talk.toast

    def passes(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    # ------------------------------------------------------------ what is to be seen

    def sees(self, where: Where = PRIVATE, *, last: int = 1) -> str:
        """The message that changed last, without its markup, as it stands in the chat."""
        return "\n\n".join(read(row) for row in self.messages(where)[-last:])

    def sees_all(self, where: Where = PRIVATE) -> str:
        return self.sees(where, last=1000)

    def labels(self, where: Where = PRIVATE, key: str = "") -> list[str]:
        """The texts of the buttons under that message; without a key, the one that changed last."""
        rows = [row for row in self.messages(where) if not key or row.key == key]
        return [button.text for button in buttons(rows[-1])] if rows else []

    def messages(self, where: Where = PRIVATE) -> list[ChatMessage]:
        """Those that are to be seen; the one that changed last is the last one."""
        with self.ledger.look() as turn:
            found = [row for row in _all(turn, ChatMessage) if row.chat_id == where.chat_id and row.wanted]
        return sorted(found, key=lambda row: (row.changed_at, row.number or 0))

    def content(self, key: str) -> Content:
        """Everything about a message."""
        with self.ledger.look() as turn:
            row = turn.messages.of_key(key)
        assert row is not None and row.wanted is not None, f"there is no message {key}"
        return Content.from_json(row.wanted)

    def errands(self) -> list[str]:
        """The keys of those that are to be done."""
        with self.ledger.look() as turn:
            return [errand.key for errand in turn.errands.to_do()]

    def runs_errands(self) -> list[Errand]:
        """They are done, as far as anybody here can tell; returns them."""
        with self.ledger.turn() as turn:
            todo = list(turn.errands.to_do())
            for errand in todo:
                turn.errands.done(errand)
        return todo

    # ------------------------------------------------------------ behind it

    def deliver(self) -> None:
        """All that is wanted is shown, and has an id: as if the courier had been here."""
        with self.ledger.turn() as turn:
            for row in turn.messages.to_do():
                row.state = MessageState.SHOWN if row.wanted else MessageState.GONE
                row.shown, row.message_id = row.version, row.message_id or next(self._ids)
                # Several turns may be written in one moment of the test: later ones are later here.
                self.now += dt.timedelta(microseconds=1)
                turn.messages._now = self.now
                turn.messages.put(row)

    def close(self) -> None:
        self.queue.close()

    @contextmanager
    def _handling(self, update_id: int, who: Who, where: Where, message_id: int) -> Iterator[Talk]:
        with self.ledger.turn_for(update_id) as turn:
            assert turn is not None
            turn.people.met(who)
            turn.people.chat(where)
            language = turn.people.settings(where.chat_id).language or who.language
            admin = who.id in self.admins
            yield Talk(turn, self.house, who, where, spoken_by(language), admin, update_id, message_id)
        self.deliver()

    def _find(self, label: str, where: Where, within: str) -> tuple[ChatMessage, Button]:
        rows = [row for row in reversed(self.messages(where)) if not within or row.key == within]
        for row in rows:
            for button in buttons(row):
                if label in button.text:
                    return row, button
        raise AssertionError(f"no button {label!r} in:\n{self.sees_all(where)}")


def buttons(row: ChatMessage) -> list[Button]:
    assert row.wanted is not None
    return [button for line in Content.from_json(row.wanted).buttons for button in line]


def read(row: ChatMessage) -> str:
    """A message as a person reads it: "(photo) text", then each row of buttons as "[A] [B]"."""
    assert row.wanted is not None
    content = Content.from_json(row.wanted)
    words = html.unescape(re.sub(r"<[^>]+>", "", content.text))
    shown = words if content.file is None else f"({content.kind} {content.file.name}) {words}"
    return "\n".join([shown, *(" ".join(f"[{button.text}]" for button in line) for line in content.buttons)])


def _all(turn: Turn, table: Any) -> list[Any]:
    from sqlmodel import select

    return list(turn._s.exec(select(table)))


def in_thread(where: Where, thread_id: int) -> Where:
    """A topic of a forum."""
    return replace(where, thread_id=thread_id)
