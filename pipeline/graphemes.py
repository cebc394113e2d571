"""Where a text may be cut without parting what a reader takes for one character.

An approximation of Unicode's grapheme clusters, enough for captions: marks, joined emoji, flags, the
consonant clusters of Indic writings, and the Thai and Lao vowels that are typed before their consonant.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

_JOINER = "\u200d"
_VIRAMA = 9  # the combining class of what ties a consonant to the next
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")


def graphemes(text: str) -> Iterator[str]:
    """The text in characters as a reader counts them."""
    for begin, end in pairwise([0, *borders(text, 0, len(text)), len(text)]):
        if begin < end:
            yield text[begin:end]


def borders(text: str, begin: int, end: int) -> list[int]:
    """Offsets inside text[begin:end] before which it may be cut."""
    found, flags = [], 0
    for i in range(begin + 1, end):
        flags = flags + 1 if _is_flag(text[i - 1]) else 0
        if not (flags % 2 and _is_flag(text[i])) and not _joined(text[i - 1], text[i]):
            found.append(i)
    return found


def extends(char: str) -> bool:
    """Is this only a part of the character before it: a mark, a joiner, a colour of skin?"""
    return unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") or "\U0001f3fb" <= char <= "\U0001f3ff"


def _joined(before: str, after: str) -> bool:
    tied = before == _JOINER or before in _VOWELS_BEFORE or unicodedata.combining(before) == _VIRAMA
    return extends(after) or tied


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
