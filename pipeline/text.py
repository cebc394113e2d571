"""Splitting a script into what is spoken in one breath.

A border is only ever put between two words (models.words.tokens), so decimals, prices, addresses
and markup are safe by construction; what is left to decide is which full stops end a sentence.
Marks such as [pause 1.5s] (models.words.pauses) part the script wherever they stand.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from models.engine import Sentence
from models.words import audible, is_han, is_kana, pauses, readable, tokens
from pipeline.amounts import parts_amount
from pipeline.full_stops import OPENERS, full_stop_ends
from pipeline.language import detect_language, language_of

__all__ = ["detect_language", "leading_pause_s", "split_sentences", "tokens"]

# Silence after a sentence, in seconds.
_AFTER_STOP, _AFTER_QUESTION, _AFTER_SEMICOLON, _AFTER_ELLIPSIS = 0.35, 0.4, 0.25, 0.45
_AFTER_LINE, _AFTER_PARAGRAPH = 0.45, 0.8
_AFTER_COMMA, _AFTER_WORD = 0.15, 0.05  # inside a sentence that was too long

# In Latin characters; a Chinese character takes as long as 2.5 of them. A voice model drifts in what is
# longer than some 100: that is cut where a person would breathe anyway. What takes 12 seconds is cut
# between any two words.
_COMFORTABLE, _LONGEST = 100, 200
_HAN_WIDTH = 2.5
_BREATHS = ",，;；:：—–"
_WRAPPED_LINE = 55  # a line this long that stops in mid-sentence was wrapped by an editor

_LIST_ITEM = re.compile(
    r"""
    [ \t\u3000]*
    (?: [*+•‣◦▪●○■□·–—-][ \t] | [(（]?(?:\d{1,3}|[A-Za-z]|[一二三四五六七八九十]{1,3})[)）.、．] | [①-⑳] )
    """,
    re.VERBOSE,
)
_NEWLINE = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CLOSERS = "\"'”’»›)]」』】）》〉"
_STOP = re.compile(rf"[.．｡。!！?？;；…⁇⁈⁉‼]+(?:[ ]?[»›])?[{re.escape(_CLOSERS)}]*")
_CJK_STOPS = frozenset("。｡．！？；")


def split_sentences(script: str, language: str) -> list[Sentence]:
    """The script in pieces for one breath each, in order; together they hold every word of it.

    language: of the script, not "auto". A sentence of another script inside it gets its own: Chinese
    characters make "zh", Latin sentences in a Chinese script "en".
    A mark of a pause ends a piece, and sets the silence after it; of marks in a row the sum.
    The silence after the last sentence is 0 without a mark: how a video ends is not decided here.
    """
    text = _Text(script)
    pieces: list[_Piece] = []
    at = 0
    for begin, end, seconds in [*pauses(script), (len(script), len(script), 0.0)]:
        found = [
            piece
            for block in _blocks(text, at, begin)
            for sentence in _sentences(text, block, language)
            for piece in _short_enough(text, sentence)
        ]
        pieces += found
        if pieces:
            before = 0.0 if found else pieces[-1].pause_s
            pieces[-1] = replace(pieces[-1], pause_s=before + seconds)
        at = end
    return [
        Sentence(
            script[piece.begin : piece.end],
            piece.begin,
            language_of(script[piece.begin : piece.end], language),
            piece.pause_s,
        )
        for piece in pieces
    ]


def leading_pause_s(script: str) -> float:
    """The silence that marks before the first word ask for, in seconds."""
    first = next(iter(tokens(script)), (len(script), len(script)))
    return sum(seconds for _, end, seconds in pauses(script) if end <= first[0])


class _Text:
    """A script with what is asked of it again and again."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.heard = audible(script)
        self.read = readable(script)
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
        """Without the whitespace, markup and emoji at both ends; the # of "#1" stays."""
        part = self.read[begin:end]
        return begin + len(part) - len(part.lstrip()), begin + len(part.rstrip())


@dataclass(frozen=True)
class _Piece:
    begin: int
    end: int
    pause_s: float


# ---------------------------------------------------------------- lines and paragraphs


def _blocks(text: _Text, first: int, last: int) -> Iterator[_Piece]:
    """Of script[first:last] the lines, those joined that an editor wrapped.

    Blank lines and rules (---) end a paragraph.
    """
    begin: int | None = None
    line_start = end = first
    for line_begin, line_end in _lines(text.heard, first, last):
        if not text.has_words(line_begin, line_end):
            if begin is not None:
                yield _Piece(begin, end, _AFTER_PARAGRAPH)
            begin = None
            continue
        if begin is not None and not _is_wrap(text, end, line_begin, end - line_start):
            yield _Piece(begin, end, _AFTER_LINE)
            begin = None
        begin = line_begin if begin is None else begin
        line_start, end = line_begin, line_end
    if begin is not None:
        yield _Piece(begin, end, 0.0)


def _lines(heard: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    at = first
    for newline in _NEWLINE.finditer(heard, first, last):
        yield at, newline.start()
        at = newline.end()
    yield at, last


def _is_wrap(text: _Text, line_end: int, next_begin: int, length: int) -> bool:
    if _LIST_ITEM.match(text.script, next_begin):
        return False
    heard = text.heard
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
        if not _ends_sentence(text.heard, at, block.end, stop, language) or not text.has_words(
            at, stop.end()
        ):
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


def _ends_sentence(heard: str, begin: int, end: int, stop: re.Match[str], language: str) -> bool:
    """Whether a run of stops (with the quotes that close after it) ends the sentence that begins at `begin`.

    end: of the line.
    """
    run = stop[0].rstrip(_CLOSERS + " ")
    after = heard[stop.end() : end]
    follows = after.lstrip().lstrip(OPENERS)
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
    return run != "." or full_stop_ends(heard[begin : stop.start()], next_word, language)


# ---------------------------------------------------------------- sentences that are too long


def _short_enough(text: _Text, piece: _Piece) -> Iterator[_Piece]:
    """The piece, halved at the comma or, if it is far too long, the word border nearest its middle."""
    width = text.width(piece.begin, piece.end)
    border = _best_border(text, piece, width > _LONGEST) if width > _COMFORTABLE else None
    if border is None:
        yield piece  # short enough, or nowhere to breathe
        return
    at, pause = border
    yield from _short_enough(text, _Piece(*text.trimmed(piece.begin, at), pause))
    yield from _short_enough(text, _Piece(*text.trimmed(at, piece.end), piece.pause_s))


def _best_border(text: _Text, piece: _Piece, anywhere: bool) -> tuple[int, float] | None:
    """Where to cut it, and the silence there. anywhere: between any two words, not only after a comma."""
    whole = text.width(piece.begin, piece.end)

    def off_centre(at: int) -> float:
        return abs(text.width(piece.begin, at) / whole - 0.5)

    words = text.words_in(piece.begin, piece.end)
    gaps = [(end, begin) for (_, end), (begin, _) in pairwise(words) if not parts_amount(text.heard, begin)]
    borders = [begin for _, begin in gaps]
    commas = [
        at for end, at in gaps if any(c in _BREATHS or (anywhere and c == "、") for c in text.heard[end:at])
    ]
    best = min(commas, key=off_centre, default=None)
    if best is not None and off_centre(best) < 0.3:
        return _after_mark(text, best), _AFTER_COMMA
    if not anywhere:
        return None
    best = min(_phrase_borders(text, piece, borders), key=off_centre, default=None)
    return None if best is None else (best, _AFTER_WORD)


def _after_mark(text: _Text, begin: int) -> int:
    """The border before the word at `begin`, moved before the quotes that open it."""
    while text.heard[begin - 1] in OPENERS and text.heard[begin - 1] not in "\"'":
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
