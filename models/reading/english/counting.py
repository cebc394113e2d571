"""Fractions, scores, ranges, ordinals and plain numbers: 3/4, 16:9, 5–10, 22nd, VIII, GPT-4, -5, 1e-5."""

from __future__ import annotations

import re

from models.reading.english.amounts import NOT_WITHIN, NUMBER, amount, number
from models.reading.english.words import RULERS
from models.reading.numbers import POWER_OF_TEN, cardinal, ordinal, roman
from models.reading.rewrite import Said, part, rule

_SLASHED = {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty-fifty"}
_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8)}
_SIGNS = "".join(_VULGAR)


def _fraction(found: re.Match[str]) -> Said:
    """3/4 · 1 1/2 · 9/10 · 4/5 stars"""
    above, below = int(found["above"]), int(found["below"])
    if not found["whole"]:
        if re.match(r"\sstars?\b", found.string[found.end() :]):
            return _out_of(above, below)
        return _SLASHED.get(found["part"]) or _parts(above, below)
    whole = cardinal(int(found["whole"]), "en")
    if above < below:
        return [part(found, "whole", f"{whole} and"), part(found, "part", _rest(above, below))]
    return [part(found, "whole", whole), part(found, "part", _parts(above, below))]


def _parts(above: int, below: int) -> str:
    """ "three quarters", "nine out of ten", "sixteen over nine"."""
    is_usual = below <= 8 or below == 16 or (above == 1 and (below <= 20 or below in (100, 1000)))
    if not (0 < above < below and is_usual):
        return _out_of(above, below)
    name = {2: "half", 4: "quarter"}.get(below) or ordinal(below, "en")
    return f"{cardinal(above, 'en')} {name}" + ("" if above == 1 else "s")


def _out_of(above: int, below: int) -> str:
    between = "out of" if 0 <= above <= below else "over"
    return f"{cardinal(above, 'en')} {between} {cardinal(below, 'en')}"


def _rest(above: int, below: int) -> str:
    """After whole ones: "and a half"."""
    return "a half" if (above, below) == (1, 2) else _parts(above, below)


def _ruler(found: re.Match[str]) -> Said:
    value = roman(found["roman"])
    return [part(found, "roman", f"the {ordinal(value, 'en')}")] if value else None


def _numbered(found: re.Match[str]) -> Said:
    value = roman(found["roman"])
    return [part(found, "roman", cardinal(value, "en"))] if value else None


def _power_of_ten(found: re.Match[str]) -> Said:
    """1e-5"""
    minus, sign = ("minus " if found[group] in ("-", "−") else "" for group in ("minus", "sign"))
    return f"{minus}{number(found['number'])} times ten to the {sign}{number(found['power'])}"


POWERS = (rule(POWER_OF_TEN, _power_of_ten),)
FRACTIONS = (
    rule(
        r"""
        (?<![\w./]) (?:(?P<whole>\d{1,6})\s)? (?P<part>(?P<above>\d{1,3})/(?P<below>\d{1,3}))
        (?![\w/]|\.\d)
        """,
        _fraction,
    ),
    rule(
        r"(?<![\w:.,]) \d{1,4} (?: :\d{1,4} ){1,3} (?![\w:]|\.\d)",
        lambda found: " to ".join(map(number, found[0].split(":"))),
    ),
    rule(
        r"(?<![\w./]) (?P<above>\d{1,3}\.\d+)/(?P<below>\d{1,3}) (?![\w/]|\.\d)",
        lambda found: f"{number(found['above'])} out of {number(found['below'])}",
    ),
    rule(r"(?<=\d) \s?[-−–]\s? (?= \d[\d.+\-−×*÷/\s]* = )", " minus "),
    rule(
        rf"{NOT_WITHIN} (?P<first>{NUMBER}) \s?[-–—~]\s? (?P<last>{NUMBER}) (?![\w\-]|[.,:]\d)",
        amount,
    ),
)
ROMANS = (
    rule(rf"\b(?:{'|'.join(RULERS)}) \s (?P<roman>[IVX]{{2,5}}|V|X) (?![A-Za-z])", _ruler),
    rule(
        r"""
        \b(?: World\sWar | Chapter | Part | Act | Volume | Phase | Type | Section | Book | Level | Episode
        | Season | Class | Stage | Article ) \s
        (?P<roman> [IVX]{2,5} | [VX] | I(?!\s+[a-z]) ) (?![A-Za-z'’])
        """,
        _numbered,
    ),
)
NUMBERS = (
    rule(rf"(?<=\d) \s? (?P<sign>[{_SIGNS}])", lambda found: f"and {_rest(*_VULGAR[found['sign']])}"),
    rule(rf"[{_SIGNS}]", lambda found: _parts(*_VULGAR[found[0]])),
    rule(r"\^(?P<power>\d{1,3}) (?!\d)", lambda found: f" to the power of {number(found['power'])}"),
    rule(r"(?<=[\w)])²", " squared"),
    rule(r"(?<=[\w)])³", " cubed"),
    rule(
        r"(?<![A-Za-z\d]) (?P<number>\d{1,4})(?:st|nd|rd|th) (?![A-Za-z])",
        lambda found: ordinal(int(found["number"]), "en"),
    ),
    rule(r"(?<=[A-Za-z]) - (?=\d) | (?<=\d) - (?=\d|[A-Z](?![a-z]))", " "),  # GPT-4, 3-D
    rule(r"\#(?=\d)", "number "),
    rule(
        rf"(?<![\w)%.,]) [-−](?P<number>{NUMBER}) (?![.,:/]?\d)",
        lambda found: f"minus {number(found['number'])}",
    ),
    rule(rf"(?<!\d)(?<!\d[.,]) {NUMBER} (?! \d | [.,]\d\d\d\b | \.\d )", lambda found: number(found[0])),
    rule(r"\d+", lambda found: number(found[0])),
)
