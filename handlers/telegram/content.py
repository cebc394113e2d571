"""What a message of the bot shows. Nothing here knows how it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "photo", "video", "audio", "voice", "document"]

TEXT_CHARS = 4096  # Telegram's, after the markup is taken away
CAPTION_CHARS = 1024
CALLBACK_BYTES = 64


class Rank(IntEnum):
    """What goes first when not everything may be sent at once. Edits of progress are dropped first."""

    ANSWER = 0  # somebody just did something and looks at the screen
    RESULT = 1
    NOTICE = 2
    PROGRESS = 3


@dataclass(frozen=True)
class Button:
    """data: as `buttons.press` gives it, at most CALLBACK_BYTES. url: instead of data."""

    text: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True)
class Content:
    """text: HTML as Telegram knows it; the caption, when there is a file. buttons: rows.

    file: what is shown above the text; None for a text alone. name: what it is called at the other end.
    facts: of a video: duration (whole seconds), width, height, thumbnail, cover (paths), and `place`, where
           the whole of it lies when this is a smaller copy; of sound: duration, title.
    """

    text: str = ""
    buttons: tuple[tuple[Button, ...], ...] = ()
    kind: Kind = "text"
    file: Path | None = None
    name: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "buttons": [[[b.text, b.data, b.url] for b in row] for row in self.buttons],
            "kind": self.kind,
            "file": None if self.file is None else str(self.file),
            "name": self.name,
            "facts": self.facts,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Content:
        return cls(
            kept["text"],
            tuple(tuple(Button(*b) for b in row) for row in kept["buttons"]),
            kept["kind"],
            None if kept["file"] is None else Path(kept["file"]),
            kept["name"],
            kept["facts"],
        )
