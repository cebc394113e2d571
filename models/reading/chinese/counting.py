"""Fractions, scores, ranges and plain numbers: 1/2, 3:1, 3-5天, 10⁶, 1e-5, ①, 第II章, -5."""

from __future__ import annotations

import re
import unicodedata

from models.reading.chinese.amounts import DASH, HAN, NUMBER, amount, number
from models.reading.chinese.words import RESULTS
from models.reading.numbers import POWER_OF_TEN, cardinal, roman
from models.reading.rewrite import Change, Said, part, rule

_VULGAR = {"½": "二分之一", "⅓": "三分之一", "⅔": "三分之二", "¼": "四分之一", "¾": "四分之三"}
_SCORE = r"\d{1,3}[-–]\d{1,3}(?![\d.:\-]|\s?[天个月年元%岁])"
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def _fraction(found: re.Match[str]) -> Said:
    """1/2 · 24/7 · 5/1, the first of May"""
    above, below = int(found["above"]), int(found["below"])
    if (above, below) == (24, 7):
        return "七乘二十四"
    if 0 < above < below:
        return f"{cardinal(below, 'zh')}分之{cardinal(above, 'zh')}"
    is_day = 1 <= above <= 12 and 1 <= below <= 31
    return f"{cardinal(above, 'zh')}{'' if is_day else '比'}{cardinal(below, 'zh')}"


def _ratio(found: re.Match[str]) -> Said:
    return "比".join(map(number, found[0].split(":")))


def _scores(found: re.Match[str]) -> Said:
    """2-0 · 25-18、25-20"""
    begin = found.start("scores")
    return [
        Change(begin + one.start(), begin + one.end(), f"{number(one[1])}比{number(one[2])}")
        for one in re.finditer(r"(\d+)[-–](\d+)", found["scores"])
    ]


def _is_less(found: re.Match[str]) -> bool:
    """满300-50; but 满30-50岁"""
    return int(found["first"]) > int(found["last"])


def _item(found: re.Match[str]) -> Said:
    """1. 首先: the number of an item in a list, at the beginning of a line or after a mark."""
    before = found.string[: found.start()].rstrip()
    if before and before[-1] not in "。；;：:，,！!？?（(":
        return None
    return f"{cardinal(int(found['item']), 'zh')}、"


def _roman(found: re.Match[str]) -> Said:
    value = roman(found["roman"])
    return [part(found, "roman", cardinal(value, "zh"))] if value else None


def _numeral(found: re.Match[str]) -> str:
    return cardinal(int(unicodedata.numeric(found[0])), "zh")


def _power_of_ten(found: re.Match[str]) -> Said:
    """1e-5"""
    minus, sign = ("负" if found[group] in ("-", "−") else "" for group in ("minus", "sign"))
    return f"{minus}{number(found['number'])}乘十的{sign}{number(found['power'])}次方"


POWERS = (rule(POWER_OF_TEN, _power_of_ten),)
FRACTIONS = (
    rule(r"(?<![\w./]) (?P<above>\d{1,4})/(?P<below>\d{1,4}) (?![\d/]|\.\d)", _fraction),
    rule(r"(?<![\w:.,]) \d{1,4}(?:\.\d+)? (?: :\d{1,4}(?:\.\d+)? ){1,3} (?![\d:])", _ratio),
    rule(
        rf"(?:(?:比分|局分)[为是]?|(?<=以)) \s?[:：]?\s? (?P<scores>{_SCORE}(?:[、，,]\s?{_SCORE})*)", _scores
    ),
    rule(rf"(?<![\w.,:/\-]) (?P<scores>{_SCORE}) (?=\s?的?(?:比分|{RESULTS}))", _scores),
    rule(
        r"(?<=满) (?P<first>\d{1,6}) - (?P<last>\d{1,6}) (?![\d.\-])",
        lambda found: [Change(found.end("first"), found.start("last"), "减")] if _is_less(found) else None,
    ),
    rule(r"(?<=\d) \s?[-−–]\s? (?= \d[\d.+\-−×*÷/\s]* (?:=|等于) )", "减"),
)
RANGES = (
    rule(rf"(?<![A-Za-z\d.,:]) (?P<first>{NUMBER}) {DASH} (?P<last>{NUMBER}) (?![\d\-]|[.,:]\d)", amount),
)
NUMBERS = (
    rule(
        r"(?<=\d) (?P<power>[⁰¹²³⁴-⁹]{1,3})",
        lambda found: f"的{number(found['power'].translate(_RAISED))}次方",
    ),
    rule(r"\^(?P<power>\d{1,3}) (?!\d)", lambda found: f"的{number(found['power'])}次方"),
    rule(r"[½⅓⅔¼¾]", lambda found: _VULGAR[found[0]]),
    rule(r"[①-⑳]", lambda found: _numeral(found) + "，"),
    rule(r"[Ⅰ-Ⅻ]", _numeral),
    rule(rf"第\s?(?P<roman>[IVX]{{1,5}})(?=[{HAN}])", _roman),
    rule(
        r"(?<![A-Za-z]) (?P<sign>[Nn][Oo]\.\s?) (?P<number>\d+)",
        lambda found: [part(found, "sign", "第"), part(found, "number", number(found["number"]))],
    ),
    rule(r"(?<=[A-Za-z])-(?=\d)", " "),  # GPT-4
    rule(r"(?<![\w.,]) (?P<item>[1-9]\d{0,2})[.)、]\s? (?=[^\d\s])", _item),
    rule(
        rf"(?: (?<![\w)%.,{HAN}℃℉]) | (?<=[是为至到达]) ) [-−](?P<number>{NUMBER}) (?![.,:/]?\d)",
        lambda found: f"负{number(found['number'])}",
    ),
    rule(rf"(?<!\d)(?<!\d[.,]) {NUMBER} (?! \d | [.,]\d\d\d\b | \.\d )", lambda found: number(found[0])),
    rule(r"\d+", lambda found: number(found[0])),
)
