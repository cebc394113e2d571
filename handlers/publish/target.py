"""What a place to publish to can do: the one protocol behind which every kind is a small module.

A kind knows one site and its API, and nothing of tables, times or people: when a video is due, what
was tried before and what to do about a failure is the publisher's matter (daemon/publications).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from handlers.publish.facts import Facts
from models.progress import Progress


@dataclass(frozen=True)
class Video:
    """A finished, verified video and what lies beside it. size: bytes."""

    path: Path
    duration_s: float
    width: int
    height: int
    size: int
    cover: Path | None = None  # a JPEG
    subtitles: Path | None = None  # .srt

    @property
    def aspect(self) -> float:
        return self.width / self.height


@dataclass(frozen=True)
class Text:
    """What is written beside the video. tags: without "#". language: as in a job, "" when not known.

    facts: of the job, for kinds that have templates of their own or hand all on; None: not known.
    """

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    facts: Facts | None = None

    @property
    def together(self) -> str:
        """For places that have one field for both."""
        return "\n\n".join(part for part in (self.title, self.description) if part)


def in_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class Length:
    """How long a text is to be. count: as that place does. unit: what it counts, in a person's word."""

    most: int
    least: int = 0
    count: Callable[[str], int] = len
    unit: str = "characters"


@dataclass(frozen=True)
class Limits:
    """What a place takes; None: as much as you like. A plain number: so many characters at most.

    together: of Text.together. tags_chars: all tags, with commas between them. forbidden: characters that
    neither title nor description may have. aspect: the narrowest and the widest, width / height. size: bytes.
    """

    title: int | Length | None = None
    description: int | Length | None = None
    together: int | Length | None = None
    tags: int | None = None
    tags_chars: int | Length | None = None
    forbidden: str = ""
    duration_s: float | None = None
    size: int | None = None
    aspect: tuple[float, float] | None = None


@dataclass(frozen=True)
class Receipt:
    """It is there. id: what that place calls it. facts: what else it said, JSON values, no secrets."""

    id: str
    url: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Memo(Protocol):
    """What a kind must know again when an upload goes on after a restart: an upload's id, what was sent.

    Kept in the tables: what was put is there whatever happens next. Emptied when the upload is over.
    """

    def get(self) -> dict[str, Any]: ...

    def put(self, **facts: Any) -> None:
        """Adds to it, durably, before it returns. JSON values; None takes one away."""


class Target(Protocol):
    """All methods block, are called from one thread at a time, and raise what errors.py lists.

    key: names this job at this target, and is the same however often it is tried: 32 letters a–z, 2–7.
    """

    limits: Limits
    searchable: bool  # `find` tells for certain whether something of this key is there

    def check(self) -> str:
        """Who we are there, in words for a person ("the channel Morning News"). Sends nothing."""

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        """Sends it. progress: steps by bytes; raises Cancelled between pieces. When it fails, the error
        says whether anything may have arrived."""

    def find(self, key: str, memo: Memo) -> Receipt | None:
        """What is there already of this key; None: certainly nothing. Only when `searchable`."""
