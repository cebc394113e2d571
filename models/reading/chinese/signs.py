"""Abbreviations and signs among Chinese: Dr. 王, e.g., R&D, C++, 他/她, 1+1=2, 10+个."""

from __future__ import annotations

import re

from models.reading.chinese.amounts import HAN
from models.reading.chinese.words import ABBREVIATED, SIGNS, TITLES
from models.reading.rewrite import rule

_BETWEEN = re.escape("".join(sign for sign in SIGNS if sign not in "%~"))

ABBREVIATIONS = (
    rule(
        rf"(?<![A-Za-z.]) (?P<short>{'|'.join(TITLES)})\. (?=\s?[A-Z{HAN}])",
        lambda found: TITLES[found["short"]] + " ",
    ),
    rule(r"(?<![A-Za-z]) (?:e\.g\.|i\.e\.|etc\.)", lambda found: ABBREVIATED[found[0]]),
    rule(r"(?<![A-Za-z]) (?:vs|VS)\.? (?![A-Za-z])", " versus "),
    rule(r"(?<=[A-Za-z])\+\+", "加加"),
    rule(r"(?<=[CF])\#", " sharp"),
    rule(r"(?<=[A-Za-z])&(?=[A-Za-z])", " and "),
)
BETWEEN = (
    rule(r"(?<=\d) \+ (?=[个多人名位家种次款年])", "多"),
    rule(r"m²|㎡", "平方米"),
    rule(rf"(?<=[{HAN}A-Za-z]) \s?/\s? (?=[{HAN}]) | (?<=[{HAN}]) \s?/\s? (?=\w)", "、"),
    rule(r"(?<=[A-Za-z]) \s?/\s? (?=[A-Za-z])", " "),
    rule(
        rf"(?<=[\w)%{HAN}]) \s?(?P<sign>[{_BETWEEN}])\s? (?=[\w(\-{HAN}])",
        lambda found: SIGNS[found["sign"]],
    ),
    rule(r"[&@≥≤≠≈±№°℃℉]", lambda found: SIGNS[found[0]]),
    rule(r"\#(?=\d{1,2}(?!\d))", "第"),  # 第一; but #618
    rule(r"\#", " "),
    rule(r"[<>=](?=\s?[-−\d])", lambda found: SIGNS[found[0]]),
    rule(r"~(?=\s?[\d$¥€£])", "约"),
    rule(r"(?<=[\d万亿])\+", "以上"),
    rule(r"(?<![\w)%+])\+(?=\d)", "加"),  # +8%
    rule(r"(?<=\d)[%‰]", lambda found: "百分号" if found[0] == "%" else "千分号"),
)
