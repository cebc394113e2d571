"""What there is to choose from: as the door said last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

NONE = "none"


@dataclass(frozen=True)
class Choice:
    """about: a few words, may be empty. chat_id: of a voice that only this chat may use; None: all may."""

    name: str
    about: str = ""
    chat_id: int | None = None


@dataclass(frozen=True)
class Choices:
    """Each without "none" and "default", which are always there. engine: that speaks; tone: it can be told
    how to speak."""

    voices: tuple[Choice, ...] = ()
    subtitles: tuple[Choice, ...] = ()
    titles: tuple[Choice, ...] = ()
    music: tuple[Choice, ...] = ()
    engine: str = ""
    tone: bool = False

    def of_chat(self, chat_id: int) -> Choices:
        """What may be chosen there: a voice that somebody kept is theirs."""
        return replace(self, voices=tuple(c for c in self.voices if c.chat_id in (None, chat_id)))

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Choices:
        kinds = ("voices", "subtitles", "titles", "music")
        listed = {kind: tuple(Choice(**c) for c in told[kind]) for kind in kinds}
        return cls(**listed, engine=told["engine"], tone=told["tone"])
