"""What a message shows: words, media, buttons. Values that never change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.handlers.telegram.botapi.files import StoredFile

Entity = dict[str, Any]  # a MessageEntity of the Bot API; offset and length in UTF-16 units
Keyboard = tuple[tuple[dict[str, Any], ...], ...]  # the rows of an inline keyboard, as the bot sent them


class Button(NamedTuple):
    """data: its callback_data, or the address it opens."""

    text: str
    data: str


@dataclass(frozen=True)
class User:
    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Media:
    """kind: photo, video, audio, voice, document, animation, video_note or sticker. duration in seconds."""

    kind: str
    file: StoredFile
    width: int = 0
    height: int = 0
    duration: int = 0
    supports_streaming: bool = False
    thumbnail: StoredFile | None = None
    cover: StoredFile | None = None
    sizes: tuple[tuple[StoredFile, int, int], ...] = ()  # of a photo, smallest first: file, width, height
    title: str | None = None
    performer: str | None = None

    @property
    def path(self) -> Path:
        return self.file.path


@dataclass(frozen=True)
class Content:
    """What a message shows. text: plain, of the message or its caption; as_sent: with its markup."""

    text: str = ""
    as_sent: str = ""
    entities: tuple[Entity, ...] = ()
    media: Media | None = None
    keyboard: Keyboard = ()
    service: dict[str, Any] | None = None  # of a message that nobody wrote: "Bob joined"

    def same_as(self, other: Content) -> bool:
        """Whether Telegram would say "message is not modified"."""

        def seen(c: Content) -> tuple[Any, ...]:
            return c.text, c.entities, c.keyboard, c.media and c.media.file.id

        return seen(self) == seen(other)


@dataclass(frozen=True)
class Edit:
    """at: monotonic seconds. fault: the fault in spite of which it was done."""

    at: float
    content: Content
    fault: str | None = None
