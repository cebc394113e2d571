"""What there is to choose from: as the door said last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NONE = "none"


@dataclass(frozen=True)
class Choice:
    """about: a few words, may be empty."""

    name: str
    about: str = ""


@dataclass(frozen=True)
class Choices:
    """Each without "none" and "default", which are always there. engine: that speaks."""

    voices: tuple[Choice, ...] = ()
    subtitles: tuple[Choice, ...] = ()
    titles: tuple[Choice, ...] = ()
    music: tuple[Choice, ...] = ()
    engine: str = ""

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Choices:
        kinds = ("voices", "subtitles", "titles", "music")
        listed = {kind: tuple(Choice(c["name"], c["about"]) for c in told[kind]) for kind in kinds}
        return cls(**listed, engine=told["engine"])
