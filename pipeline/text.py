"""Splitting a script into what is spoken in one breath, and telling its language.

A border is only ever put between two words (models.words.tokens), so decimals, prices, addresses
and markup are safe by construction; what is left to decide is which full stops end a sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from models.engine import Sentence
from models.words import audible, is_han, is_hangul, is_kana, tokens

__all__ = ["detect_language", "split_sentences", "tokens"]

# Silence after a sentence, in seconds.
_AFTER_STOP, _AFTER_QUESTION, _AFTER_SEMICOLON, _AFTER_ELLIPSIS = 0.35, 0.4, 0.25, 0.45
_AFTER_LINE, _AFTER_PARAGRAPH = 0.45, 0.8
_AFTER_COMMA, _AFTER_WORD = 0.15, 0.05  # inside a sentence that was too long

_LONGEST = 200  # in Latin characters, about 12 seconds; a Chinese character takes as long as 2.5 of them
_HAN_WIDTH = 2.5
_WRAPPED_LINE = 55  # a line this long that stops in mid-sentence was wrapped by an editor

_NEWLINE = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CLOSERS = "\"'”’»›)]」』】）》〉"
_STOP = re.compile(rf"[.．｡。!！?？;；…⁇⁈⁉‼]+(?:[ ]?[»›])?[{re.escape(_CLOSERS)}]*")
_CJK_STOPS = frozenset("。｡．！？；")
_OPENERS = "\"'“‘«‹([「『【（《〈¿¡"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Abbreviations (in lower case, without their last full stop).
_NEVER_LAST = _set(
    "mr mrs ms dr prof st gen col sgt capt lt rev hon gov sen rep pres messrs mme mlle mgr vs cf ca approx "
    "hr fr frl sr sra srta dra don ud uds sig dott ing avv geb bzw evtl ggf inkl zzgl z.b d.h u.a i.e e.g "
    "p.ej т.е т.н г ул им напр см"
)
_BEFORE_NUMBER = _set("no nos nr fig figs vol p pp ch sec art par ver v núm num pág kap abb")
_SELDOM_LAST = _set("etc inc ltd co corp jr sr bros dept est usw usf ecc т.д т.п др")
# Words that begin sentences: after "U.S." or "Inc." a capital alone says little.
_STARTERS = _set(
    "the a an this that these those it he she we they i you there here but and so or if when what who how "
    "why in on at for as after before however now then our his her their my your "
    "der die das es er sie wir ich und aber ein eine im in nun dann dies diese "
    "el la los las un una y pero en es il lo gli le e ma o os as mas les une et mais elle nous "
    "он она оно они мы я и но это в на"
)

_LATIN_HINTS = {
    "en": "the and of to is in that it you for with this are was on have not we they what from",
    "de": "der die und das ist nicht ein eine ich mit sie wir auf für den dem zu auch von sich war dann herr",
    "fr": "le les et est une des vous nous dans pour pas que qui avec sur ce du je il elle",
    "es": "el los las y es una que por con para no del se lo como más pero su está hola",
    "it": "il gli che è di una per non con sono della nel questo ma come anche ciao più lo ha",
    "pt": "o os e é uma que não com para do em por mais você como um olá isso são",
}
_HINTS = {language: _set(words) for language, words in _LATIN_HINTS.items()}


def detect_language(text: str) -> str:
    """The language of a script, as one of pipeline.spec.Language but "auto"; "en" when nothing tells."""
    heard = audible(text)
    words = [heard[begin:end] for begin, end in tokens(text)]
    kana, hangul = sum(map(is_kana, heard)), sum(map(is_hangul, heard))
    han = sum(map(is_han, heard))
    latin = [w.lower() for w in words if w[0].isalpha() and not is_han(w[0]) and not is_kana(w[0])]
    if kana >= 0.1 * (kana + han) and kana + han > len(latin):
        return "ja"
    if hangul > 0 and hangul >= han and hangul >= len(latin):
        return "ko"
    if han > 0 and han >= 0.5 * len(latin):  # Chinese with English terms, not English with a name
        return "zh"
    if sum("\u0400" <= c <= "\u052f" for c in heard) > sum("a" <= c.lower() <= "z" for c in heard):
        return "ru"
    scores = {language: sum(word in hints for word in latin) for language, hints in _HINTS.items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > scores["en"] else "en"


def split_sentences(script: str, language: str) -> list[Sentence]:
    """The script in pieces for one breath each, in order; together they hold every word of it.

    language: of the script, not "auto". A sentence of another script inside it gets its own: Chinese
    characters make "zh", Latin sentences in a Chinese script "en".
    The silence after the last sentence is 0: how a video ends is not decided here.
    """
    text = _Text(script)
    pieces = [
        piece
        for block in _blocks(text)
        for sentence in _sentences(text, block, language)
        for piece in _short_enough(text, sentence)
    ]
    return [
        Sentence(
            script[piece.begin : piece.end],
            piece.begin,
            _language_of(script[piece.begin : piece.end], language),
            piece.pause_s if i + 1 < len(pieces) else 0.0,
        )
        for i, piece in enumerate(pieces)
    ]


class _Text:
    """A script with what is asked of it again and again."""

    def __init__(self, script: str) -> None:
        self.heard = audible(script)
        self.words = tokens(script)
        self._begins = [begin for begin, _ in self.words]
        self._widths = list(accumulate((_HAN_WIDTH if is_han(c) else 1.0 for c in self.heard), initial=0.0))

    def has_words(self, begin: int, end: int) -> bool:
        return bool(self.words_in(begin, end))

    def words_in(self, begin: int, end: int) -> list[tuple[int, int]]:
        first = bisect_right(self._begins, begin - 1)
        return self.words[first : bisect_right(self._begins, end - 1)]

    def is_inside_word(self, at: int) -> bool:
        """Whether a border before the character `at` would cut a word."""
        i = bisect_right(self._begins, at - 1) - 1
        return i >= 0 and self.words[i][0] < at < self.words[i][1]

    def width(self, begin: int, end: int) -> float:
        return self._widths[end] - self._widths[begin]

    def trimmed(self, begin: int, end: int) -> tuple[int, int]:
        """Without the whitespace, markup and emoji at both ends."""
        part = self.heard[begin:end]
        return begin + len(part) - len(part.lstrip()), begin + len(part.rstrip())


@dataclass(frozen=True)
class _Piece:
    begin: int
    end: int
    pause_s: float


# ---------------------------------------------------------------- lines and paragraphs


def _blocks(text: _Text) -> Iterator[_Piece]:
    """Lines, those joined that an editor wrapped. Blank lines and rules (---) end a paragraph."""
    heard = text.heard
    begin: int | None = None
    line_start = end = 0
    for line_begin, line_end in _lines(heard):
        if not text.has_words(line_begin, line_end):
            if begin is not None:
                yield _Piece(begin, end, _AFTER_PARAGRAPH)
            begin = None
            continue
        if begin is not None and not _is_wrap(heard, end, line_begin, end - line_start):
            yield _Piece(begin, end, _AFTER_LINE)
            begin = None
        begin = line_begin if begin is None else begin
        line_start, end = line_begin, line_end
    if begin is not None:
        yield _Piece(begin, end, 0.0)


def _lines(heard: str) -> Iterator[tuple[int, int]]:
    at = 0
    for newline in _NEWLINE.finditer(heard):
        yield at, newline.start()
        at = newline.end()
    yield at, len(heard)


def _is_wrap(heard: str, line_end: int, next_begin: int, length: int) -> bool:
    before = heard[:line_end].rstrip()[-1:]
    after = heard[next_begin : next_begin + 200].lstrip()[:1]
    if is_han(before) or is_kana(before) or is_han(after) or is_kana(after):
        return False
    if not (before.isalnum() or before in ",-–—"):
        return False
    return after.islower() or (length > _WRAPPED_LINE and after.isalpha())


# ---------------------------------------------------------------- sentences


def _sentences(text: _Text, block: _Piece, language: str) -> Iterator[_Piece]:
    at = block.begin
    for stop in _STOP.finditer(text.heard, block.begin, block.end):
        if text.is_inside_word(stop.start()) or text.is_inside_word(stop.end()):
            continue
        if not _ends_sentence(text.heard, block, stop, language) or not text.has_words(at, stop.end()):
            continue
        if not text.has_words(stop.end(), block.end):
            break  # the rest of the line is the tail of this sentence
        yield _Piece(*text.trimmed(at, stop.end()), _pause_after(stop[0]))
        at = stop.end()
    last = text.trimmed(at, block.end)
    pause = _pause_after(text.heard[slice(*last)].rstrip(_CLOSERS)[-1:])
    yield _Piece(*last, max(pause, block.pause_s))


def _pause_after(stop: str) -> float:
    if "…" in stop or ".." in stop:
        return _AFTER_ELLIPSIS
    if any(c in stop for c in "?？!！⁇⁈⁉‼"):
        return _AFTER_QUESTION
    return _AFTER_SEMICOLON if ";" in stop or "；" in stop else _AFTER_STOP


def _ends_sentence(heard: str, block: _Piece, stop: re.Match[str], language: str) -> bool:
    """Whether a run of stops (with the quotes that close after it) is the end of a sentence."""
    run = stop[0].rstrip(_CLOSERS + " ")
    after = heard[stop.end() : block.end]
    follows = after.lstrip().lstrip(_OPENERS)
    if not follows:
        return True
    if not _CJK_STOPS.isdisjoint(run):
        return True
    gap = after[0].isspace() or after[0] in "“‘«「『（《"
    into_cjk = is_han(follows[0]) or is_kana(follows[0])
    if not (gap or into_cjk) or ";" in run:
        return False
    if into_cjk and run == "." and not gap and heard[stop.start() - 1].isdigit():
        return False  # "1.首先"
    if follows[0].islower():
        return False
    next_word = re.split(r"[^\w'’]", follows, maxsplit=1)[0]
    if "…" in run or ".." in run:
        return into_cjk or not (next_word == "I" or next_word.startswith(("I'", "I’")))
    return run != "." or _full_stop_ends(heard[block.begin : stop.start()], next_word, language)


def _full_stop_ends(before: str, next_word: str, language: str) -> bool:
    """Whether a single full stop between `before` and a capital, digit or other letter ends a sentence."""
    word = re.split(rf"[\s{re.escape(_OPENERS)}]", before[-40:])[-1]
    lower = word.lower()
    starts = next_word.lower() in _STARTERS
    if lower in _NEVER_LAST:
        return False
    if lower in _BEFORE_NUMBER and next_word[:1].isdigit():
        return False
    if word.isdigit() and len(word) <= 3 and not before.strip()[: -len(word)]:
        return False  # "1. First": the number of an item in a list
    if language == "de" and word.isdigit() and len(word) <= 2:
        return starts  # "am 3. Mai"
    is_initials = re.fullmatch(r"(?:\w\.)+\w|[^\W\d_]", word) is not None and word != "I"
    if (is_initials and word.isascii()) or lower in _SELDOM_LAST:
        return starts
    return True


# ---------------------------------------------------------------- sentences that are too long


def _short_enough(text: _Text, piece: _Piece) -> Iterator[_Piece]:
    """The piece, halved at the comma or the word border nearest its middle until it is short."""
    if text.width(piece.begin, piece.end) <= _LONGEST:
        yield piece
        return
    border = _best_border(text, piece)
    if border is None:
        yield piece  # one enormous word
        return
    at, pause = border
    yield from _short_enough(text, _Piece(*text.trimmed(piece.begin, at), pause))
    yield from _short_enough(text, _Piece(*text.trimmed(at, piece.end), piece.pause_s))


def _best_border(text: _Text, piece: _Piece) -> tuple[int, float] | None:
    whole = text.width(piece.begin, piece.end)

    def off_centre(at: int) -> float:
        return abs(text.width(piece.begin, at) / whole - 0.5)

    words = text.words_in(piece.begin, piece.end)
    borders = [begin for begin, _ in words[1:]]
    commas = [
        at
        for (_, end), at in zip(words, borders, strict=False)
        if any(c in ",，、;；:：—–" for c in text.heard[end:at])
    ]
    best = min(commas, key=off_centre, default=None)
    if best is not None and off_centre(best) < 0.3:
        return _after_mark(text, best), _AFTER_COMMA
    best = min(_phrase_borders(text, piece, borders), key=off_centre, default=None)
    return None if best is None else (best, _AFTER_WORD)


def _after_mark(text: _Text, begin: int) -> int:
    """The border before the word at `begin`, moved before the quotes that open it."""
    while text.heard[begin - 1] in _OPENERS and text.heard[begin - 1] not in "\"'":
        begin -= 1
    return begin


def _phrase_borders(text: _Text, piece: _Piece, borders: list[int]) -> list[int]:
    """Word borders; in Chinese and Japanese, where every character is a word to us, phrase borders."""
    part = text.heard[piece.begin : piece.end]
    spaced = [at for at in borders if text.heard[at - 1].isspace()]
    if spaced and not any(map(is_han, part)):
        return spaced
    import budoux  # here: only scripts without punctuation need it

    japanese = any(map(is_kana, part))
    parser = (
        budoux.load_default_japanese_parser() if japanese else budoux.load_default_simplified_chinese_parser()
    )
    ends = set(accumulate((len(phrase) for phrase in parser.parse(part)), initial=piece.begin))
    return [at for at in borders if at in ends] or borders


def _language_of(sentence: str, language: str) -> str:
    """Of one sentence, given the script's: the letters that it is written in decide."""
    heard = audible(sentence)
    if language not in ("ja", "ko") and any(map(is_han, heard)):
        return "zh"
    has_latin = any(c.isalpha() and ord(c) < 0x0250 for c in heard)
    own = any(is_han(c) or is_kana(c) or is_hangul(c) for c in heard)
    if language in ("zh", "ja", "ko") and has_latin and not own:
        return "en"
    return language
