"""Was that sentence understood? What somebody else wrote down of a take, against what was to be said.

Who listens spells in a way of their own: 16, sixteen or 十六, with spaces and punctuation or without. So both
are brought to one form, and a take is only refused when nothing else can explain the difference.
"""

from __future__ import annotations

import re
import unicodedata

FEW = 2  # characters that may always be misheard: of “好” there is only one

_TO_19 = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ENGLISH = {word: n for n, word in enumerate(_TO_19)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_ENGLISH_NUMBER = re.compile(
    rf"(?<![a-z])(?:(?P<ten>{'|'.join(_TENS)})[\s-]?(?P<one>{'|'.join(_TO_19[1:10])})"
    rf"|(?P<whole>{'|'.join(sorted(_ENGLISH, key=len, reverse=True))}))(?![a-z])"
)
_HAN = {c: str(n) for n, c in enumerate("零一二三四五六七八九")} | {"〇": "0", "两": "2"}
_HAN_NUMBER = re.compile(rf"(?P<ten>[一二三四五六七八九]?)十(?P<one>[一二三四五六七八九]?)|[{''.join(_HAN)}]")
_AGAIN = re.compile(r"(.{1,20}?)\1{2,}")


def misheard(text: str, heard: str, most: float) -> str:
    """What was recognised instead, to go on after "it"; "" when it may have been this text.

    Both as they are read, or both as they are written. most: share of characters that may be wrong.
    """
    said, understood = _letters(text), _letters(heard)
    once = _AGAIN.sub(r"\1", said)
    if len(once) <= len(said) / 2:  # nobody counts each 哈, and Whisper leaves out what goes round
        if not understood:
            return ""
        said, understood = once, _AGAIN.sub(r"\1", understood)
    errors = _distance(said, understood)
    if errors <= max(FEW, most * len(said)):
        return ""
    return f"was understood as “{heard.strip()[:60]}” ({errors / max(len(said), 1):.0%} wrong)"


def _letters(text: str) -> str:
    """What is heard of a text: no punctuation, no capitals, and numbers up to 99 in digits."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _HAN_NUMBER.sub(_han_digits, _ENGLISH_NUMBER.sub(_english_digits, plain))
    return "".join(c for c in plain if c.isalnum())


def _english_digits(found: re.Match[str]) -> str:
    if found["whole"]:
        return str(_ENGLISH[found["whole"]])
    return str(_ENGLISH[found["ten"]] + _ENGLISH[found["one"]])


def _han_digits(found: re.Match[str]) -> str:
    if "十" not in found[0]:
        return _HAN[found[0]]
    return _HAN.get(found["ten"], "1") + _HAN.get(found["one"], "0")


def _distance(one: str, other: str) -> int:
    """Levenshtein's: characters to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]
