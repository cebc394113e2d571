"""What the rules of Chinese have in common: how a number is written, and how it and a range are said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from models.reading.numbers import digits, spoken
from models.reading.rewrite import Change, part

HAN = r"\u4e00-\u9fff"
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.{HAN}])\.\d+)"
NOT_WITHIN = r"(?<![A-Za-z\d])(?<!\d[.,:/])"
DASH = r"\s?(?:-{1,2}|–|—{1,2}|~{1,2})\s?"
AMOUNT = rf"(?P<first>{NUMBER})(?:(?:{DASH}|至|到)(?P<last>{NUMBER}))?"


def number(text: str) -> str:
    return spoken(text.replace(",", ""), "zh")


def counted(text: str) -> str:
    """Before what is counted 2 is 两."""
    return "两" if text == "2" else number(text)


def money(text: str) -> str:
    """Nobody says the last zero of 19.90."""
    whole, _, fraction = text.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return counted(f"{whole}.{fraction}" if fraction else whole)


def called(text: str) -> str:
    """Of a telephone number: 一 sounds too much like 七."""
    return digits(text, "zh").replace("一", "幺")


def amount(found: re.Match[str], say: Callable[[str], str] = number) -> list[Change]:
    """Of AMOUNT: 五, 五到十."""
    first = part(found, "first", say(found["first"]))
    if not found["last"]:
        return [first]
    gap = Change(found.end("first"), found.start("last"), "到")
    return [first, gap, part(found, "last", say(found["last"]))]


def one_of(names: Iterable[str]) -> str:
    """A pattern; of two names the longer is tried first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
