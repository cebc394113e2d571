"""What the rules of English have in common: how a number is written, and how it and a range are said."""

from __future__ import annotations

import re
from collections.abc import Iterable

from models.reading.english.words import AFTER_AMOUNT
from models.reading.numbers import digits, spoken
from models.reading.rewrite import Change, part

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
NOT_WITHIN = r"(?<![A-Za-z\d])(?<!\d[.,:/])"
TO = r"\s?(?:[-–—~]|to)\s?"
AMOUNT = rf"(?P<first>{NUMBER})(?:{TO}(?P<last>{NUMBER}))?"


def number(text: str) -> str:
    if text.startswith("."):
        return f"point {digits(text, 'en')}"
    return spoken(text.replace(",", ""), "en")


def amount(found: re.Match[str]) -> list[Change]:
    """Of AMOUNT: "five", "five to ten"."""
    first = part(found, "first", number(found["first"]))
    if not found["last"]:
        return [first]
    gap = Change(found.end("first"), found.start("last"), " to ")
    return [first, gap, part(found, "last", number(found["last"]))]


def is_one(found: re.Match[str]) -> bool:
    return found["first"] == "1" and not found["last"]


def is_before_noun(found: re.Match[str]) -> bool:
    """A 5 kg bag, a $5 gift card: what is counted has no plural there.

    A word in small letters that is none of those that follow an amount is taken for a noun.
    """
    next_word = re.match(r"[ ]([a-z]{3,})\b(?!['’.@/])", found.string[found.end() :])
    if next_word is None or next_word[1].endswith(("ly", "ing", "ed")):
        return False
    return next_word[1] not in AFTER_AMOUNT


def one_of(names: Iterable[str]) -> str:
    """A pattern; of two names the longer is tried first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
