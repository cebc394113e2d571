"""A number in words, in ten languages, by the rules of Unicode's CLDR (the package unicode-rbnf)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LANGUAGES = frozenset(["en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru"])

# 1e-5, as `rewrite.rule` takes it: minus, number, sign, power
POWER_OF_TEN = r"""
    (?: (?P<minus>(?<![\w)%.,])[-−]) | (?<![\w.,]) ) (?P<number>\d{1,9}(?:\.\d{1,9})?)
    (?: e | [eE](?P<sign>[-−+]) ) (?P<power>\d{1,3}) (?! \w | \.\d )
"""
_MOST_DIGITS = 15  # what is longer is a code and no amount
_POINTS = {
    "en": " point ",
    "zh": "点",
    "de": " Komma ",
    "fr": " virgule ",
    "es": " coma ",
    "it": " virgola ",
    "pt": " vírgula ",
    "ja": "点",
    "ko": " 점 ",
    "ru": " запятая ",
}
_UNSPACED = frozenset(["zh", "ja", "ko"])
# There 3,14 is "three comma fourteen", elsewhere "three point one four".
_FRACTION_AS_NUMBER = frozenset(["fr", "es", "it", "pt", "ru"])


def cardinal(number: int, language: str) -> str:
    """Two hundred three, 两百零三; 2 alone is 二 in Chinese, for what follows decides whether it is 两.

    number: below 10 ** 15.
    """
    if language == "zh":
        return _chinese(number)
    return _spelled(number, language, "spellout-numbering")


def spoken(text: str, language: str) -> str:
    """A number as it stands, with a point for its decimals and nothing between its thousands: 0.50, 007."""
    whole, point, fraction = text.partition(".")
    if not whole:
        whole = "0"
    is_code = len(whole) > _MOST_DIGITS or (len(whole) > 1 and whole.startswith("0"))
    said = digits(whole, language) if is_code else cardinal(int(whole), language)
    return said + _POINTS[language] + _fraction(fraction, language) if point else said


def digits(text: str, language: str) -> str:
    """Each digit by itself: "two zero four", 二零四. What is no digit is left out."""
    each = [_spelled(int(c), language, "spellout-numbering") for c in text if c.isdecimal()]
    return _with_zero(("" if language in _UNSPACED else " ").join(each), language)


def ordinal(number: int, language: str, ruleset: str = "spellout-ordinal") -> str:
    """ "twenty-first". ruleset: of CLDR, where a language has several ("spellout-ordinal-feminine")."""
    return _spelled(number, language, ruleset)


def year(number: int) -> str:
    """Of English: "nineteen ninety-nine", "two thousand five"; so are 1080 and 4090 read too."""
    if number % 1000 == 0:
        return cardinal(number, "en")
    return _spelled(number, "en", "spellout-numbering-year").replace("-", " ", number % 100 < 10)


def native_korean(number: int) -> str:
    """As before things that are counted, 1…99: 세 개, 스무 살."""
    return _spelled(number, "ko", "spellout-cardinal-native-attributive")


def roman(text: str) -> int:
    """ "XIV" → 14; 0 when it is none."""
    if not re.fullmatch(r"X{0,3}(?:IX|IV|V?I{0,3})|X?L(?:IX|IV|V?I{0,3})", text):
        return 0
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[c] for c in text]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _fraction(fraction: str, language: str) -> str:
    if language in _FRACTION_AS_NUMBER and len(fraction) <= 2 and not fraction.startswith("0"):
        return cardinal(int(fraction), language)
    return digits(fraction, language)


def _chinese(number: int) -> str:
    if number >= 10**8:  # CLDR counts in 兆, and leaves out the 零 after 亿
        high, low = divmod(number, 10**8)
        gap = "零" if 0 < low < 10**7 else ""
        head = "两" if high == 2 else _chinese(high)
        return head + "亿" + gap + (_chinese_below(low) if low else "")
    return _chinese_below(number)


def _chinese_below(number: int) -> str:
    ruleset = "spellout-cardinal-alternate2" if number >= 100 else "spellout-cardinal"
    return _with_zero(_spelled(number, "zh", ruleset), "zh")


def _with_zero(said: str, language: str) -> str:
    """〇 is how zero is written in a date, 零 how it is written where it is read."""
    return said.replace("〇", "零") if language in ("zh", "ja") else said


@cache
def _engine(language: str) -> RbnfEngine:
    from unicode_rbnf import RbnfEngine  # here: most sentences have no numbers

    return RbnfEngine.for_language(language)


def _spelled(number: int, language: str, ruleset: str) -> str:
    return _engine(language).format_number(number, ruleset_names=[ruleset]).text
