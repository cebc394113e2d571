"""What is said of a text, and what its words are: shared by the engines and by the subtitles.

Everything here keeps offsets: `audible(text)` is as long as `text`, and a word is a pair of offsets.
Speech and subtitles count words by this one function, so every word on the screen has a time.
"""

from __future__ import annotations

import re
import unicodedata

# [pause 1.5s], [停顿两秒], (pause 1s): a silence, and nothing to read or to show. In square brackets it is
# one whatever else is written there: what is not understood is a second.
_PAUSE = re.compile(
    r"""
      (?: [\[［【] | (?P<round>[(（]) ) \s{0,9} (?:pause(?![A-Za-z])|停顿|暂停) \s{0,9} [:：=＝]? \s{0,9}
      (?: (?P<length>\d{1,9}(?:[.,．]\d{1,9})?|[.．]\d{1,9}|[半一二两三四五六七八九十]) \s{0,9}
          (?P<unit>ms|毫秒|milliseconds?|min(?:ute)?s?|分钟?|s|secs?|seconds?|秒钟?)? \s{0,9}
          (?(round)[)）]|[\]］】])
        | (?(round)(?!)|[^\[\]［］【】\n]{0,80}[\]］】]) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HAN_LENGTHS = {c: float(i) for i, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2.0, "半": 0.5}
LONGEST_PAUSE_S = 30.0
# What is written for a renderer and not for a voice: {\an8}, <b>, \N, rules such as --- or ===.
_MARKUP = re.compile(
    r"""
      \{\\[^{}\n]*\}
    | </?[A-Za-z][A-Za-z0-9-]*(?:[ \t]+[\w:-]+=(?:"[^"<>\n]*"|'[^'<>\n]*'|[^\s<>"']+))*[ \t]*/?>
    | \\[Nnh]
    | -{3,} | ={2,}
    """,
    re.VERBOSE,
)
# Of punctuation and symbols, those that a voice reads or that shape the melody. Currencies are kept too.
_HEARD = frozenset(
    ".,;:!?…'’‘\"“”«»‹›()[]-‐‑–—/%‰&@_°+=<>±×÷·" + "。，、；：？！（）「」『』《》〈〉【】～％＆＠＋＝．｡､"
)
# Not for the ear in general, but a person says these.
_SAID_SIGNS = re.compile(
    r"[−≥≤≠≈℃℉№㎡㎞㎏㎝㎜㎎∶]|－(?=\d)|\#(?=\d)|(?<=\b[CF])\#|(?<=\d)\^(?=\d)"
    r"|[~∼〜～](?=\s?[-−+＋]?[\d$¥￥€£])|(?<=[\d%年月日号时点一二三四五六天])[~∼〜～](?=[周星上下明后])"
)
# Characters that change how the one before them is drawn, not how it is read: emoji and text style, keycap.
_STYLING = frozenset("\ufe0e\ufe0f\u20e3")

_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?@!$&'()+,;=%]+", re.IGNORECASE)
_AFTER_URL = ".,;:!?'()"  # at its end these belong to the sentence

# A word in terms of the classes of its characters (see `_class_of`).
_WORD = re.compile(
    r"""
      H[km]*                                     # one Chinese character; one kana with what extends it
    | (?:[uw]{0,3}\$)?                           # $20, US$20
      [uwd][uwdm]*
      (?: (?: ['\-_@/&] | (?<=d)[,:] | (?<!w)\. | \.(?!u) | \+ )   # don't, 1,299.99, 12:30, U.S, a@b.org
          [uwd][uwdm]* )*
      (?: (?<=[uw])\+{1,2} | (?<=d)%u? | (?<=d)\$ )?               # C++, 50%, 20°C, 5€
    """,
    re.VERBOSE,
)
_CLASSES = {"’": "'", "‐": "-", "‑": "-", "‰": "%", "°": "%", "％": "%", "＆": "&", "＠": "@", "＋": "+"}
_CLASSES |= {c: c for c in "'-_@/&,:.+%"}
_HAN = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
    (0x3005, 0x3007),  # 々〆〇
)
_KANA = ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x31F0, 0x31FF), (0xFF66, 0xFF9D))
_KANA_EXTENDING = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーゝゞヽヾ゛゜ｧｨｩｪｫｬｭｮｯｰﾞﾟ")

_LATIN_VOWELS = re.compile(r"[aeiouyøœæıаеёиоуыэюяіїєαεηιουω]+")


def audible(text: str) -> str:
    """The text with a space for every character that is not for the ear: markup, emoji, stray symbols.

    As long as `text`; what is left is unchanged.
    """
    text = without_markup(text)
    kept: list[str] = []
    for i, c in enumerate(text):
        before = kept[-1] if kept else " "
        after = text[i + 1] if i + 1 < len(text) else " "
        kept.append(c if _is_heard(c, before, after) else " ")
    return "".join(kept)


def readable(text: str) -> str:
    """What is audible, and the signs that a person says: #1, ≥18, ~20%. As long as `text`."""
    kept = list(audible(text))
    for sign in _SAID_SIGNS.finditer(without_markup(text)):
        kept[sign.start()] = "~" if sign[0] in "~∼〜～" else sign[0]
    return "".join(kept)


def without_markup(text: str) -> str:
    """The text with spaces for its markup and its marks of pauses; as long as `text`."""
    return _MARKUP.sub(_blank, _PAUSE.sub(_blank, text))


def without_pauses(text: str) -> str:
    """The text as it is shown: line ends for its marks of pauses, which part what is before and after them.

    As long as `text`.
    """
    return _PAUSE.sub(lambda found: "\n" * len(found[0]), text)


def pauses(text: str) -> list[tuple[int, int, float]]:
    """The marks of pauses in a text as (begin, end, seconds), in order; a pause is 0…30 s long."""
    return [
        (mark.start(), mark.end(), min(_asked_s(mark), LONGEST_PAUSE_S)) for mark in _PAUSE.finditer(text)
    ]


def too_long_pauses(text: str) -> list[str]:
    """The marks, as they are written, that ask for more than a pause can be."""
    return [mark[0] for mark in _PAUSE.finditer(text) if _asked_s(mark) > LONGEST_PAUSE_S]


def _asked_s(mark: re.Match[str]) -> float:
    length = (mark["length"] or "1").replace(",", ".").replace("．", ".")
    return (_HAN_LENGTHS.get(length) or float(length)) * _unit_s(mark["unit"] or "s")


def _unit_s(name: str) -> float:
    if name.lower().startswith(("min", "分")):
        return 60.0
    return 0.001 if name.lower().startswith(("mi", "ms", "毫")) else 1.0


def tokens(text: str) -> list[tuple[int, int]]:
    """The words of a text as offsets (begin, end), in order: `text[begin:end]`.

    One is a word, a number or a price with what is written without a space inside it ("don't",
    "$1,299.99", "a.b@c.org", a whole URL), or a single Chinese character or kana. Punctuation
    around a word does not belong to it; markup and emoji hold no words.
    """
    heard = audible(text)
    found: list[tuple[int, int]] = []
    at = 0
    for url in _URL.finditer(heard):
        end = url.start() + len(url[0].rstrip(_AFTER_URL))
        found += _words(heard, at, url.start())
        found.append((url.start(), end))
        at = end
    return found + _words(heard, at, len(heard))


def syllables(word: str) -> float:
    """About how many syllables it takes to say a word; at least 1. Good for sharing out time."""
    total = 0.0
    for part in re.findall(r"\d|[^\W\d_]+|%", word):
        if part.isdigit():
            total += 1.4  # digits come with "thousand", "point", "hundred"
        elif part == "%":
            total += 2
        else:
            total += _syllables_of_letters(part)
    return max(total, 1.0)


def is_han(c: str) -> bool:
    return any(first <= ord(c) <= last for first, last in _HAN)


def is_kana(c: str) -> bool:
    return c in _KANA_EXTENDING or any(first <= ord(c) <= last for first, last in _KANA)


def is_hangul(c: str) -> bool:
    return 0xAC00 <= ord(c) <= 0xD7A3 or 0x1100 <= ord(c) <= 0x11FF or 0x3131 <= ord(c) <= 0x318E


def _is_heard(c: str, before: str, after: str) -> bool:
    if c.isspace() or c in _HEARD or c in _KANA_EXTENDING:
        return True
    category = unicodedata.category(c)
    if category[0] == "M":
        return c not in _STYLING and (before.isalnum() or unicodedata.category(before)[0] == "M")
    if category == "Cf":  # a soft hyphen or a joiner inside a word is part of it
        return before.isalnum() and after.isalnum()
    return category[0] in "LN" or category == "Sc"


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _words(heard: str, begin: int, end: int) -> list[tuple[int, int]]:
    classes = "".join(map(_class_of, heard[begin:end]))
    return [(begin + word.start(), begin + word.end()) for word in _WORD.finditer(classes)]


def _class_of(c: str) -> str:
    """H Chinese character or kana, k extends a kana, u capital, w letter, d digit, m mark; $ and joints."""
    if c in _CLASSES:
        return _CLASSES[c]
    if c in _KANA_EXTENDING:
        return "k"
    if is_han(c) or is_kana(c):
        return "H"
    category = unicodedata.category(c)
    if category in ("Lu", "Lt"):
        return "u"
    return {"L": "w", "N": "d", "M": "m"}.get(category[0]) or {"Sc": "$", "Cf": "m"}.get(category, " ")


def _syllables_of_letters(part: str) -> float:
    one_each = sum(is_han(c) or is_kana(c) or 0xAC00 <= ord(c) <= 0xD7A3 for c in part)
    if one_each:
        return one_each
    plain = unicodedata.normalize("NFD", part)
    groups = len(_LATIN_VOWELS.findall(plain.lower()))
    if part.isupper() and len(part) <= 5 and (groups == 0 or len(part) <= 3):
        return len(part)  # spelled out: GPU, U, HTML
    if groups > 1 and re.search(r"[^aeiouyl]e$", part):
        groups -= 1  # "make", "score"
    return max(groups, 1)


def is_unicode(text: str) -> bool:
    """Bytes that are no UTF-8 come from the command line, and half a character from JSON ("\\ud83d"), as lone
    surrogates, which no database takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
