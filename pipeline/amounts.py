"""What a line, a subtitle or a breath must not part: a number and what it counts, a day and its month."""

from __future__ import annotations

import re

from models.reading.chinese.words import COUNTED
from models.reading.english.amounts import one_of
from models.reading.english.words import BEFORE_NUMBER, MONEY, MONTHS, UNITS

_NUMBER = r"(?<![A-Za-z\d.\-])[$€£¥￥]?\d[\d.,:–~\-]*"
_DAY = r"(?<!\d)\d{1,2}(?:st|nd|rd|th)?"
_MONTH = rf"(?<![A-Za-z])(?:{one_of(MONTHS)}|(?:{'|'.join(name[:3] for name in MONTHS)}|Sept)\.?)(?![A-Za-z])"
_TIMES_TEN = r"(?:hundred|thousand|million|billion|trillion)"
_COINS = "|".join({name for single, plural, _ in MONEY.values() for name in (single, plural)})
_SPELLED = (
    r"(?:second|minute|hour|day|week|month|year|decade|time|mile|meter|metre)s?|inch(?:es)?|foot|feet|percent"
)
_UNIT = rf"(?:{one_of(UNITS)}|{_SPELLED}|{_COINS}|{_TIMES_TEN}|[ap]\.?m|o['’]clock)(?![A-Za-z\d])"
_NAMED = rf"(?:{one_of(BEFORE_NUMBER)})\.|[Cc]hapter|[Pp](?:art|age)|[Ss](?:ection|tep)|[Ee]pisode|[Rr]oom"
_HAN_COUNTED = rf"(?:{one_of([*COUNTED, *'年月日号秒章节卷回课部届名期%'])})"

# What ends before a break, and what begins after it.
_PAIRS = [
    (re.compile(before + r"\Z"), re.compile(after))
    for before, after in [
        (_DAY, rf"(?:of\s)?{_MONTH}"),
        (rf"{_DAY}\sof", _MONTH),
        (_MONTH, r"\d{1,2}(?!\d)|[12]\d{3}(?!\d)"),
        (rf"{_MONTH}\s\d{{1,2}},", r"[12]\d{3}(?!\d)"),
        (_NUMBER, _UNIT),
        (_TIMES_TEN, rf"(?:{_COINS})(?![A-Za-z])"),
        (rf"(?<![A-Za-z])(?:{_NAMED})", r"\d"),
        ("第", r"\d"),
        (rf"{_NUMBER}\s?[十百千万亿]*", _HAN_COUNTED),
        (_NUMBER, "[十百千万亿]"),
        (r"(?<!\d)\d{1,2}\s?月", r"\d{1,2}\s?[日号]"),
        ("百分之", r"\d"),
    ]
]
_FAR = 24  # characters: no pair is longer on one side


def parts_amount(text: str, at: int) -> bool:
    """Would a break before text[at] part a number and its unit, a day and its month, 第 and its 3章?"""
    before, after = text[max(at - _FAR, 0) : at].rstrip(), text[at : at + _FAR]
    if not any(c.isdigit() for c in before + after):
        return False
    return any(left.search(before) and right.match(after) for left, right in _PAIRS)
