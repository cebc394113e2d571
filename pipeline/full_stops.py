"""Which full stops end a sentence: those of abbreviations, initials and numbered lists do not."""

from __future__ import annotations

import re

OPENERS = "\"'“‘«‹([「『【（《〈¿¡"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Abbreviations (in lower case, without their last full stop).
_NEVER_LAST = _set(
    "mr mrs ms dr prof st gen col sgt capt lt rev hon gov sen rep pres messrs mme mlle mgr vs cf ca approx "
    "mt adm maj cmdr insp supt mm ste env hr fr frl sr sra srta dra don ud uds sig dott ing avv geb bzw "
    "evtl ggf inkl zzgl bspw vgl tel z.b d.h u.a i.e e.g a.k.a p.ej p.ex exmo lic "
    "т.е т.к т.н г ул им напр см стр"
)
_BEFORE_NUMBER = _set(
    "no nos nr fig figs vol p pp ch sec art par ver v eq apt rm núm num pág kap abb bd "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_SELDOM_LAST = _set(
    "etc inc ltd co corp jr sr bros dept est ave blvd rd al ph.d b.sc m.sc usw usf ecc mio mrd "
    "т.д т.п др руб млн млрд"
)
# Words that begin sentences: after "U.S." or "Inc." a capital alone says little.
_STARTERS = _set(
    "the a an this that these those it he she we they i you there here but and so or if when what who how "
    "why in on at for as after before however now then our his her their my your "
    "der die das es er sie wir ich und aber ein eine im in nun dann dies diese "
    "el la los las un una y pero en es il lo gli le e ma o os as mas les une et mais elle nous "
    "он она оно они мы я и но это в на"
)


def full_stop_ends(before: str, next_word: str, language: str) -> bool:
    """Whether the full stop after `before`, the sentence so far, ends it.

    next_word: what follows; it begins with a capital, a digit or another letter that is not small.
    """
    word = re.split(rf"[\s{re.escape(OPENERS)}]", before[-40:])[-1]
    lower = word.lower()
    starts = next_word.lower() in _STARTERS
    if lower in _NEVER_LAST:
        return False
    if lower in _BEFORE_NUMBER and next_word[:1].isdigit():
        return False
    if _numbers_an_item(word, before):
        return False
    if language == "de" and word.isdigit() and len(word) <= 2:
        return starts  # "am 3. Mai"
    is_initials = re.fullmatch(r"(?:\w\.)+\w|[^\W\d_]", word) is not None and word != "I"
    if (is_initials and word.isascii()) or lower in _SELDOM_LAST:
        return starts
    return True


def _numbers_an_item(word: str, before: str) -> bool:
    """The 1 of "1. First", the A of "A. Yes", the 2 of "Buy: 2. Pears"."""
    ahead = before.strip()[: -len(word)].rstrip()
    if word.isdigit():
        return len(word) <= 3 and (not ahead or ahead[-1] in ":;：；")
    return len(word) == 1 and word.isalpha() and word.isascii() and not ahead
