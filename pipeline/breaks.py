"""Where a text may be broken into lines: its pieces that must stay whole.

A piece is an English word with all that is attached to it, a number, a price, a URL, or a Chinese phrase
with its punctuation. Only white space lies between or around pieces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import budoux

from pipeline import graphemes
from pipeline.amounts import parts_amount

# White space at which a line may end: all but the no-break spaces.
_CHUNK = re.compile(r"(?:[^\s]|[\u00a0\u202f\u2007])+")

# A space inside a number or price: 12 000 · € 5 · 5 % · USD 100 · 100 USD
_CODES = "USD|EUR|GBP|JPY|CNY|RMB|HKD|CHF"
_GLUE = re.compile(
    rf"(?<=\d)[ ](?=\d{{3}}(?!\d))|(?<=[$€£¥￥₩])[ ](?=\d)|(?<=\d)[ ](?=[$€£¥￥₩%‰°])"
    rf"|(?<=(?<![A-Za-z])(?:{_CODES}))[ ](?=\d)|(?<=\d)[ ](?=(?:{_CODES})(?![A-Za-z]))"
)

_IDEOGRAPHIC = re.compile(
    r"[\u2e80-\u303f\u3041-\u312f\u31a0-\u31bf\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f\U00020000-\U0003ffff]"
)
_NOT_FIRST = set(
    "!%),.:;?]}¢°·ˇ—―’”†‡›℃∶、。々〉》」』】〕〗〞︰﹐﹑﹒﹔﹕﹖！＂％＇），．：；？］｀｜｝～…‥ー゛゜ゝゞヽヾ\"'"
)
_NOT_FIRST |= set("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_NOT_LAST = set("$([{£¥‘“〈《「『【〔〖〝﹙﹛﹝＄（．［｛￡￥#@\"'第")
_CLAUSE_END = set(",;:，。！？；：、…—!?.”’」』）】》)")
_PARTICLES = set("的了着过吗呢吧们得地")
_AMOUNT = 30.0  # more than any uneven lines, or a hurried subtitle, may cost
_JOINTS = set("/?&=.-_#")  # after these an address, or a compound, is broken when nothing else helps


class Piece(NamedTuple):
    """text[begin:end]."""

    begin: int
    end: int


def pieces(text: str, language: str = "zh") -> list[Piece]:
    """The text's pieces in order. Everything but white space is in exactly one of them."""
    found = []
    for begin, end in _chunks(text):
        edges = [begin, *(begin + i for i in _phrase_borders(text[begin:end], language)), end]
        found += [Piece(*edge) for edge in pairwise(edges)]
    return found


def loose_borders(text: str, piece: Piece) -> list[int]:
    """Where a piece too wide for a line may break after all: at Chinese characters, never in a word."""
    return [i for i in range(piece.begin + 1, piece.end) if _breakable(text, i)]


def joints(text: str, piece: Piece) -> list[int]:
    """Where a word or address that is far too wide breaks first: after / ? & = . - _ #."""
    return [
        i
        for i in graphemes.borders(text, *piece)
        if text[i - 1] in _JOINTS and text[i] not in _JOINTS and text[i] not in _NOT_FIRST
    ]


def letter_borders(text: str, piece: Piece) -> list[int]:
    """Where it breaks if it has no joints: between letters; between any two characters if it has none."""
    inside = graphemes.borders(text, *piece)
    kept = [i for i in inside if text[i - 1] not in _NOT_LAST and text[i] not in _NOT_FIRST]
    return kept or inside


def in_word(text: str, at: int) -> bool:
    """Does a border before text[at] break a word?"""
    apart = text[at - 1].isspace() or text[at].isspace()
    return not apart and not _breakable(text, at)


def ends_clause(text: str, end: int) -> bool:
    """Is text[:end] at a natural pause, so that breaking there helps the reader?"""
    return end > 0 and text[end - 1] in _CLAUSE_END


def border_cost(text: str, left: Piece, right: Piece) -> float:
    """How much a break between two neighbouring pieces disturbs reading: 0 after a clause, to about 3.

    Within an amount or a date it is done only where nothing else fits.
    """
    if parts_amount(text, right.begin):
        return _AMOUNT
    if ends_clause(text, left.end):
        return 0.0
    before, after = text[left.end - 1], text[right.begin]
    if not ideographic(before) and not ideographic(after):
        # "… of the / house": a short word clings to what follows it.
        return 0.5 if left.end - left.begin > 3 else 1.0
    if after in _PARTICLES:
        return 3.0
    if before in _PARTICLES or left.end < right.begin:
        return 0.6
    # The parser is least sure of words where it leaves a single character.
    alone = 1 in (left.end - left.begin, right.end - right.begin)
    return 2.4 if alone else 0.8


def ideographic(char: str) -> bool:
    """Chinese and Japanese characters and their punctuation: written without spaces."""
    return _IDEOGRAPHIC.match(char) is not None


def _chunks(text: str) -> Iterator[tuple[int, int]]:
    """What lies between white space, with the spaces inside numbers and prices glued."""
    glue = {m.start() for m in _GLUE.finditer(text)}
    begin = end = 0
    for match in _CHUNK.finditer(text):
        if match.start() - 1 != end or end not in glue:
            if text[begin:end].strip():
                yield begin, end
            begin = match.start()
        end = match.end()
    if text[begin:end].strip():
        yield begin, end


def _phrase_borders(chunk: str, language: str) -> list[int]:
    borders = {i for i in range(1, len(chunk)) if ends_clause(chunk, i)}
    parse = _parser("ja" if language == "ja" else "zh").parse
    # Each Chinese stretch by itself: Latin letters beside it only mislead the parser.
    for stretch in re.finditer(rf"(?:{_IDEOGRAPHIC.pattern})+", chunk):
        borders |= {stretch.start(), stretch.end()}
        borders |= set(accumulate(map(len, parse(stretch.group())), initial=stretch.start()))
    return sorted(i for i in borders if 0 < i < len(chunk) and _breakable(chunk, i))


def _breakable(text: str, at: int) -> bool:
    """May a line end before text[at], which follows text[at - 1] with no space between?"""
    before, after = text[at - 1], text[at]
    if not (ideographic(before) or ideographic(after)):
        return False
    if before.isdecimal():  # a number keeps its unit: 3天, 2026年
        return False
    if before in _NOT_LAST or after in _NOT_FIRST or before.isspace() or after.isspace():
        return False
    # A combining mark, joiner or emoji stays with what it follows.
    return unicodedata.category(after) not in ("Mn", "Mc", "Me", "Cf", "So", "Sk")


@cache
def _parser(language: str) -> budoux.Parser:
    if language == "ja":
        return budoux.load_default_japanese_parser()
    return budoux.load_default_simplified_chinese_parser()
