"""What a person says for a sentence as it is written: numbers, dates, prices, units, addresses, signs.

A voice model reads words well and digits badly, so it is given words. What is not understood is left
as it stands. Each character that is read knows which place of the sentence it stands for, so that
times of the reading are times of the script.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from models.engine import Reading
from models.reading.numbers import LANGUAGES
from models.reading.rewrite import Rule, as_read, changes_by
from models.words import readable, tokens

__all__ = ["VERSION", "read"]

VERSION = 2  # raise it when anything is read otherwise

_WIDE_SIGNS = str.maketrans("．：／％＋－＝～∼〜∶￥", ".:/%+-=~~~:¥")
_WIDE_BESIDE_DIGITS = re.compile(r"(?<=\d)[．：／＝～∶](?=\d)|[＋－](?=\d)|(?<=\d)％|￥(?=\s?\d)")


def read(sentence: str, language: str) -> Reading:
    """The sentence as it is read aloud. language: of the sentence, "en", "zh", …; another is read as written.

    Every word of the sentence (models.words.tokens) has a character of the reading; origin never falls.
    """
    text = _plain(sentence)
    rules = _rules(language) if language in LANGUAGES else ()
    return as_read(text, changes_by(rules, text), tokens(sentence))


def _plain(sentence: str) -> str:
    """What is to be read, as long as the sentence: what is not for the ear is a space, ｗｉｄｅ is plain."""
    text = "".join(map(_simple, readable(sentence)))
    return _WIDE_BESIDE_DIGITS.sub(lambda found: found[0].translate(_WIDE_SIGNS), text)


def _simple(c: str) -> str:
    """Ａ and 𝒜 as A; ² and ª as they are, which say something else than 2 and a."""
    if c.isascii() or not c.isalnum() or c in "ºª" or unicodedata.category(c) == "No":
        return c
    simple = unicodedata.normalize("NFKC", c)
    return simple if len(simple) == 1 else c


@cache
def _rules(language: str) -> tuple[Rule, ...]:
    if language == "zh":
        from models.reading.chinese import RULES

        return RULES
    if language == "en":
        from models.reading.english import RULES

        return RULES
    from models.reading.elsewhere import rules_of

    return rules_of(language)
