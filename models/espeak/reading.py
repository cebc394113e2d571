"""What espeak is given to read for a sentence, and where each of its characters stands in the sentence.

espeak reads "$5" as "dollar five", says "colon slash slash", spells characters that it does not know
by their number in Unicode, and stops at the comma of 1,299. So it is given the same words as a
person would say them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from models.engine import Reading
from models.words import audible, is_han

_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_CURRENCIES = {
    "zh": {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元"},
    "en": {"$": " dollars", "€": " euros", "£": " pounds", "¥": " yuan", "￥": " yuan"},
}
_PRICE = r"(?:US|HK)?(?P<sign>[$€£¥￥])[ ]?(?P<sum>\d[\d,]*(?:\.\d+)?)"
_MILLIONS = {
    "zh": r"(?P<unit>[十百千万亿]*)",
    "en": r"(?P<unit>[ ]?(?:hundred|thousand|million|billion|trillion)\b|)",
}
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)")
_SCHEME = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)[%％]")
# Some hundred initials in a row ("a.a.a.…") overflow a buffer inside espeak-ng 1.52 and kill the process.
_ENDLESS = re.compile(r"\S{60,}")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")


def reading(sentence: str, language: str) -> Reading:
    """What espeak is given to read. language: of the voice that reads, "zh" for the Chinese one."""
    heard = _ENDLESS.sub(lambda found: found[0].replace(".", " "), audible(sentence))
    pieces: list[str] = []
    origin: list[int] = []

    def add(text: str, stands_at: int) -> None:
        pieces.append(text)
        origin.extend([stands_at] * len(text))

    at = 0
    for begin, end, replacement in [*_rewritten(heard, language), (len(heard), len(heard), "")]:
        for i in range(at, begin):
            add(_readable(heard[i]), i)
        add(replacement, begin)
        at = end
    return Reading("".join(pieces), origin)


def _rewritten(heard: str, language: str) -> list[tuple[int, int, str]]:
    """(begin, end, what to say instead), in order and apart; of two that overlap the first rule wins."""
    rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [(_SCHEME, lambda found: "")]
    if language in _CURRENCIES:
        names = _CURRENCIES[language]
        price = re.compile(_PRICE + _MILLIONS[language])
        rules.append((price, lambda found: _price(found, names)))
    if language in ("zh", "ja", "ko"):
        rules.append((_THOUSANDS, lambda found: found[0].replace(",", "")))
    if language == "zh":
        rules.append((_PERCENT, lambda found: "百分之" + found[1]))
        rules.append((_YEAR, lambda found: found[0].translate(_DIGITS)))
    changes: list[tuple[int, int, str]] = []
    for pattern, say in rules:
        for found in pattern.finditer(heard):
            if all(found.end() <= begin or end <= found.start() for begin, end, _ in changes):
                changes.append((found.start(), found.end(), say(found)))
    return sorted(changes)


def _price(found: re.Match[str], names: dict[str, str]) -> str:
    return found["sum"].replace(",", "") + found["unit"] + names[found["sign"]]


def _readable(c: str) -> str:
    """One character as espeak can read it, or a space for it."""
    if unicodedata.category(c) == "Cf":
        return ""  # a soft hyphen would cut its word in two
    if c.isspace() or c in "_[]·" or 0xD800 <= ord(c) <= 0xDFFF:
        return " "
    simple = unicodedata.normalize("NFKC", c)
    if c.isalnum() and len(simple) == 1:
        c = simple  # ｆｕｌｌ width, 𝒽 and ①
    if ord(c) > 0xFFFF or (ord(c) > 0x7F and c.isalpha() and not _is_known(c)):
        return " "
    return c


def _is_known(c: str) -> bool:
    """Of a writing that one of the voices reads; others are spelled by number."""
    code = ord(c)
    return (
        code < 0x0530  # Latin, Greek, Cyrillic
        or is_han(c)
        or 0x1E00 <= code <= 0x1FFF
        or 0x3040 <= code <= 0x30FF
        or 0x1100 <= code <= 0x11FF
        or 0x3130 <= code <= 0x318F
        or 0xAC00 <= code <= 0xD7A3
    )
