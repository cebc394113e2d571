"""Whoever wants to see how far it is."""

from __future__ import annotations

from typing import Literal, Protocol

Doing = Literal["getting", "checking"]


class Watch(Protocol):
    """May be told from several threads at once."""

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        """Work on a file begins, of which `done` of `size` bytes were there before. Returns its number."""

    def advance(self, number: int, count: int) -> None:
        """So many bytes more; fewer, when it has to begin again."""

    def end(self, number: int) -> None: ...

    def note(self, text: str) -> None:
        """Something that a person should know, one sentence."""


class Unwatched:
    """Nobody looks."""

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        return 0

    def advance(self, number: int, count: int) -> None: ...

    def end(self, number: int) -> None: ...

    def note(self, text: str) -> None: ...
