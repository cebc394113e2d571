"""Rules that say what is read instead of what is written, and what comes of them, character by character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from models.engine import Reading
from models.words import is_han, is_kana


@dataclass(frozen=True)
class Change:
    """`said` is read instead of text[begin:end]."""

    begin: int
    end: int
    said: str


# What is read for a match: instead of all of it, or of parts of it; None: as it is written.
Said = str | list[Change] | None


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], Said]


def rule(pattern: str, say: Callable[[re.Match[str]], Said] | str, flags: int = 0) -> Rule:
    """say: what is read, or how it is made of a match.

    Spaces in the pattern are for the eye, and \\d, \\w and \\b mean ASCII: 中 is no letter to them.
    """
    compiled = re.compile(pattern, re.ASCII | re.VERBOSE | flags)
    if isinstance(say, str):
        words = say
        return Rule(compiled, lambda found: words)
    return Rule(compiled, say)


def part(found: re.Match[str], group: str | int, said: str) -> Change:
    return Change(found.start(group), found.end(group), said)


def changes_by(rules: Iterable[Rule], text: str) -> list[Change]:
    """In order and apart. Of two rules that want the same characters the first has them."""
    taken = bytearray(len(text))
    changes: list[Change] = []
    for one in rules:
        for found in one.pattern.finditer(text):
            begin, end = found.span()
            said = one.say(found)
            if said is None:
                continue
            parts = [Change(begin, end, said)] if isinstance(said, str) else said
            if any(any(taken[change.begin : change.end]) for change in parts):
                continue
            for change in parts:
                taken[change.begin : change.end] = b"\1" * (change.end - change.begin)
            changes += parts
    return [_with_full_stop(change, text) for change in sorted(changes, key=lambda change: change.begin)]


def _with_full_stop(change: Change, text: str) -> Change:
    """At the end of the sentence the full stop of an abbreviation is the sentence's too."""
    rest = text[change.end :].strip().strip("\"'”’)")
    if rest or not text[change.begin : change.end].endswith(".") or change.said.endswith("."):
        return change
    return replace(change, said=change.said + ".")


def as_read(text: str, changes: Sequence[Change], words: Sequence[tuple[int, int]]) -> Reading:
    """The text with its changes. words: offsets of its words; a change of several of them is shared out."""
    told = _Told()
    at = 0
    for change in [*changes, Change(len(text), len(text), "")]:
        for i in range(at, change.begin):
            told.add_written(text[i], i)
        told.add_said(change, words)
        at = change.end
    return told.reading()


class _Told:
    def __init__(self) -> None:
        self._text: list[str] = []
        self._origin: list[int] = []
        self._after_change = False

    def add_written(self, c: str, at: int) -> None:
        if unicodedata.category(c) == "Cf":
            return  # a soft hyphen would cut its word in two
        if c.isspace() or c in "_[]":
            self._add(" ", at)
        else:
            if self._after_change and c in ".,;:!?" and self._text[-1:] == [" "]:
                self._text.pop()
                self._origin.pop()
            self._part_words(c, at, self._after_change)
            self._add(c, at)
        self._after_change = False

    def add_said(self, change: Change, words: Sequence[tuple[int, int]]) -> None:
        if not change.said:
            return
        self._part_words(change.said[0], change.begin, True)
        # A word that began before has something of its own.
        places = [begin for begin, _ in words if change.begin <= begin < change.end] or [change.begin]
        for i, c in enumerate(change.said):
            self._add(c, places[i * len(places) // len(change.said)])
        self._after_change = True

    def reading(self) -> Reading:
        text = "".join(self._text).rstrip()
        return Reading(text, self._origin[: len(text)])

    def _part_words(self, following: str, at: int, is_border: bool) -> None:
        """A space where a change would else run into the word before or after it: H100, 3D."""
        if is_border and self._text and _is_letter(self._text[-1]) and _is_letter(following):
            self._add(" ", at)

    def _add(self, c: str, at: int) -> None:
        if c == " " and (not self._text or self._text[-1] == " "):
            return
        self._text.append(c)
        self._origin.append(at)


def _is_letter(c: str) -> bool:
    return c.isalnum() and not is_han(c) and not is_kana(c)
