"""What a chat has chosen for all its videos."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

REMEMBERED = ("voice", "language", "subtitles", "title_style", "music", "music_volume")


@dataclass(frozen=True)
class ChatSettings:
    """language: of the bot's words: en, zh, or None: as the person's. presenter: a name.

    options: those of the last video that was started, of REMEMBERED.
    """

    language: str | None = None
    start_at_once: bool = False
    presenter: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> ChatSettings:
        return cls(**kept)
