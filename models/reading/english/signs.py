"""Abbreviations and signs: Dr. Smith, No. 5, etc., R&D, C++, he/she, 1+1=2."""

from __future__ import annotations

import re

from models.reading.english.amounts import one_of
from models.reading.english.words import ANYWHERE, BEFORE_NUMBER, SIGNS, TITLES
from models.reading.rewrite import rule

ABBREVIATIONS = (
    rule(
        rf"(?<![A-Za-z.]) (?P<short>{one_of(TITLES)})\. (?=\s*[A-Z&\u4e00-\u9fff])",
        lambda found: TITLES[found["short"]],
    ),
    rule(r"(?<=[a-z]\s)St\.", "Street"),
    rule(
        rf"(?<![A-Za-z.]) (?P<short>{one_of(BEFORE_NUMBER)})\. \s?(?=\d)",
        lambda found: BEFORE_NUMBER[found["short"]] + " ",
    ),
    rule(rf"(?<![A-Za-z.]) (?:{one_of(ANYWHERE)}) (?![A-Za-z])", lambda found: ANYWHERE[found[0]]),
    rule(r"(?<![A-Za-z]) Ph\.\s?D\.? (?![A-Za-z])", "PhD"),
    rule(r"(?<=[A-Za-z])\+\+", " plus plus"),
    rule(r"(?<=[CF])\#", " sharp"),
)
SLASHES = (
    rule(
        r"(?<![A-Za-z]) (?P<one>s?he|his|her|him|yes)/(?P<other>s?he|hers?|his|him|no) (?![A-Za-z])",
        lambda found: f"{found['one']} or {found['other']}",
    ),
    rule(r"(?<=[A-Za-z]) \s?/\s? (?=[A-Za-z])", " "),
    rule(r"(?<=\w) \s?/\s? (?=\w)", " slash "),
)
BETWEEN = (
    rule(
        rf"(?<=[\w)%²³]) \s?(?P<sign>[{re.escape(''.join(SIGNS))}])\s? (?=[\w(\-$€£])",
        lambda found: f" {SIGNS[found['sign']]} ",
    ),
    rule(r"[&@≥≤≠≈±№~%‰°℃℉]", lambda found: f" {SIGNS[found[0]]} "),
    rule(r"(?<=\d)\+ | (?<![\w)])\+(?=\d)", " plus "),
    rule(r"[<>=](?=\s?\d)", lambda found: f" {SIGNS[found[0]]} "),
)
