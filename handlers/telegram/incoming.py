"""What comes in, without what does not matter here. `arrivals.py` makes it of an update."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from handlers.telegram.buttons import Press

AttachmentKind = Literal["video", "document", "video_note", "animation", "photo", "voice", "audio", "other"]


@dataclass(frozen=True)
class Who:
    """language: as Telegram says it ("zh-hans"), "" when it does not."""

    id: int
    name: str
    language: str = ""


@dataclass(frozen=True)
class Where:
    """kind: private, group, supergroup. thread_id: of a forum's topic."""

    chat_id: int
    kind: str = "private"
    title: str = ""
    thread_id: int | None = None

    @property
    def private(self) -> bool:
        return self.kind == "private"


@dataclass(frozen=True)
class Attachment:
    """size: bytes, as Telegram says. name: as the sender calls it, may be "". other: a sticker, a place, …"""

    kind: AttachmentKind
    file_id: str = ""
    name: str = ""
    mime: str = ""
    size: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Said:
    """A message. at: when it was sent. text: also the caption.

    command: without "/" and "@bot", in small letters; argument: what follows it.
    album: the same for all parts of an album. reply_to: id of the message that it answers.
    to_us: in a group: a command, an answer to a message of the bot, or one that mentions it.
    edited: it changes an earlier message of this id.
    """

    update_id: int
    who: Who
    where: Where
    message_id: int
    at: dt.datetime
    text: str = ""
    attachment: Attachment | None = None
    album: str = ""
    command: str = ""
    argument: str = ""
    reply_to: int | None = None
    to_us: bool = True
    edited: bool = False


@dataclass(frozen=True)
class Pressed:
    """A button. message_id: of ours, under which it was."""

    update_id: int
    who: Who
    where: Where
    message_id: int
    query_id: str
    press: Press


@dataclass(frozen=True)
class Moved:
    """A group has another id now."""

    update_id: int
    old: int
    new: int


Incoming = Said | Pressed | Moved
