"""What espeak is given to read for a sentence, and where each of its characters stands in the sentence.

Chinese and English are put into words as for every voice (models.reading). espeak's other voices put
numbers into words themselves. What is left is espeak's own: it spells characters that it does not
know by their number in Unicode, says "colon slash slash", and stops at the comma of 1,299.
"""

from __future__ import annotations

import re
import unicodedata

from models.engine import Reading
from models.reading import read
from models.words import audible, is_han

_IN_WORDS = ("zh", "en")
_SCHEME = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)")
# Some hundred initials in a row ("a.a.a.…") overflow a buffer inside espeak-ng 1.52 and kill the process.
_ENDLESS = re.compile(r"\S{60,}")
_DROPPED = "\0"


def reading(sentence: str, language: str) -> Reading:
    """What espeak is given to read. language: of the voice that reads, "zh" for the Chinese one."""
    told = read(sentence, language) if language in _IN_WORDS else _as_written(sentence, language)
    safe = _ENDLESS.sub(lambda found: found[0].replace(".", " "), told.text)
    pairs = [(_readable(c), at) for c, at in zip(safe, told.origin, strict=True)]
    kept = [(c, at) for c, at in pairs if c]
    return Reading("".join(c for c, _ in kept), [at for _, at in kept])


def _as_written(sentence: str, language: str) -> Reading:
    text = _SCHEME.sub(lambda found: _DROPPED * len(found[0]), audible(sentence))
    if language in ("ja", "ko"):
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", _DROPPED), text)
    return Reading(text, list(range(len(text))))


def _readable(c: str) -> str:
    """One character as espeak can read it, or a space for it; "" when its word goes on without it."""
    if c == _DROPPED or unicodedata.category(c) == "Cf":
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
