"""Times of what was heard become times of the text's words: pieces, pauses, order; and what is guessed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Reading
from models.spread import Span, clipped, spread
from models.timing import as_written, in_order, on_voice, word_spans
from models.words import tokens

Heard = list[tuple[str, float, float]]


def found(text: str, heard: Heard, reading: Reading | None = None) -> dict[str, Span | None]:
    words = tokens(text)
    spans = word_spans(words, reading or as_written(text), heard)
    return {text[begin:end]: span for (begin, end), span in zip(words, spans, strict=True)}


def near(span: Span) -> object:
    return pytest.approx(span, abs=1e-6)


PIECES: dict[str, tuple[str, Heard, dict[str, Span | None]]] = {
    "a word is a piece, a comma is a pause": (
        "Hello, you!",
        [(" Hello", 0.0, 0.4), (",", 0.4, 0.9), (" you", 0.9, 1.2), ("!", 1.2, 1.5)],
        {"Hello": (0.0, 0.4), "you": (0.9, 1.2)},
    ),
    "a piece with its comma": (
        "Hello, you",
        [(" Hello,", 0.0, 0.5), (" you", 0.5, 1.0)],
        {"Hello": (0.0, 0.5)},
    ),
    "two characters in a piece": (
        "今天好",
        [("今天", 0.0, 0.4), ("好", 0.4, 0.7)],
        {"今": (0.0, 0.2), "天": (0.2, 0.4), "好": (0.4, 0.7)},
    ),
    "a word in pieces": (
        "用Qwen3跑",
        [("用", 0.0, 0.1), ("Q", 0.1, 0.2), ("wen", 0.2, 0.5), ("3", 0.5, 0.8), ("跑", 0.8, 1.0)],
        {"用": (0.0, 0.1), "Qwen3": (0.1, 0.8), "跑": (0.8, 1.0)},
    ),
    "a piece across words": ("a-b c", [("a-b c", 0.0, 0.3)], {"a-b": (0.0, 0.2), "c": (0.2, 0.3)}),
    "too little was heard": ("one two", [(" one", 0.0, 0.4)], {"one": (0.0, 0.4), "two": None}),
    "nothing was": ("one two", [], {"one": None, "two": None}),
}


@pytest.mark.parametrize("name", PIECES)
def test_pieces(name: str) -> None:
    text, heard, expected = PIECES[name]
    spans = found(text, heard)
    for word, span in expected.items():
        assert spans[word] == (None if span is None else near(span)), word


def test_what_is_read_for_a_word_is_the_words() -> None:
    text = "It is $5, ok"
    reading = Reading("It is five dollars, ok", [0, 1, 2, 3, 4, 5, *[6] * 12, 8, 9, 10, 11])
    heard = [
        (" It", 0.0, 0.1),
        (" is", 0.1, 0.2),
        (" five", 0.2, 0.6),
        (" dollars", 0.6, 1.0),
        (",", 1.0, 1.2),
    ]
    spans = found(text, [*heard, (" ok", 1.2, 1.5)], reading)
    assert spans == {
        "It": near((0, 0.1)),
        "is": near((0.1, 0.2)),
        "$5": near((0.2, 1)),
        "ok": near((1.2, 1.5)),
    }


VOICE = [(1.0, 2.0), (3.0, 4.0)]
SNAPPED: dict[str, tuple[list[Span | None], list[Span | None]]] = {
    "pauses at the ends are cut off": ([(0.5, 2.4)], [(1.0, 2.0)]),
    "the first word begins with the voice": ([(1.2, 1.5), (1.5, 1.9)], [(1.0, 1.5), (1.5, 2.0)]),
    "but not long before it was heard": ([(1.4, 1.6), (1.6, 1.65)], [(1.4, 1.6), (1.6, 1.65)]),
    "nor the second": ([(1.0, 1.2), (1.3, 1.9)], [(1.0, 1.2), (1.3, 2.0)]),
    "after a pause, too": ([(1.0, 2.2), (2.2, 3.5), (3.5, 4.0)], [(1.0, 2.0), (3.0, 3.5), (3.5, 4.0)]),
    "the larger side decides": ([(1.6, 3.1)], [(1.6, 2.0)]),
    "within a pause it stays": ([(2.2, 2.6)], [(2.2, 2.6)]),
    "unknown ones stay so": ([None, (1.1, 1.9), None], [None, (1.0, 2.0), None]),
    "no length, no home": ([(1.5, 1.5)], [(1.5, 1.5)]),
}


@pytest.mark.parametrize("name", SNAPPED)
def test_on_voice(name: str) -> None:
    spans, expected = SNAPPED[name]
    assert on_voice(spans, VOICE) == expected
    assert on_voice(spans, []) == spans


ORDERED: dict[str, tuple[list[Span | None], list[Span]]] = {
    "as they are": ([(1.0, 1.5), (1.6, 2.0)], [(1.0, 1.5), (1.6, 2.0)]),
    "none known": ([None, None], [(0.0, 2.0), (2.0, 4.0)]),
    "between two": ([(0.0, 1.0), None, None, (2.0, 3.0)], [(0.0, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 3.0)]),
    "at the end": ([(0.0, 1.0), None], [(0.0, 1.0), (1.0, 4.0)]),
    "without length": ([(1.0, 1.0), (1.0, 1.0), (1.0, 2.0)], [(1.0, 1.02), (1.02, 1.04), (1.04, 2.0)]),
    "overlapping": ([(1.0, 2.0), (1.5, 1.8)], [(1.0, 1.5), (1.5, 1.8)]),
    "outside": ([(-1.0, 0.5), (3.0, 9.0)], [(0.0, 0.5), (3.0, 4.0)]),
}


@pytest.mark.parametrize("name", ORDERED)
def test_in_order(name: str) -> None:
    spans, expected = ORDERED[name]
    assert [moment for span in in_order(spans, 0.0, 4.0) for moment in span] == pytest.approx(
        [moment for span in expected for moment in span]
    )


moments = st.floats(-1, 6)


@given(st.lists(st.none() | st.tuples(moments, moments), max_size=40), st.floats(0, 4))
def test_any_spans_come_into_order(spans: list[Span | None], end_s: float) -> None:
    ordered = in_order(spans, 0.0, end_s)
    assert len(ordered) == len(spans)
    assert all(-1e-9 <= start <= end <= end_s + 1e-9 for start, end in ordered)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(ordered))
    if end_s > 0.01:
        assert all(end > start for start, end in ordered)


def test_word_across_a_pause_keeps_its_larger_side() -> None:
    script = "a wonderful a"
    words = spread(script, tokens(script), [(1.0, 1.5), (3.0, 4.0)])
    assert words[0][1] < 1.5
    assert words[1][0] == 3.0


def test_words_are_spread_by_syllables() -> None:
    script = "a wonderful a"
    words = spread(script, tokens(script), [(1.0, 2.0), (3.0, 4.0)])
    lengths = [end - start for start, end in words]
    assert lengths[1] > lengths[0]
    assert words[0][0] == 1.0 and words[-1][1] == 4.0
    assert all(end <= 2.0 or start >= 3.0 for start, end in words)
    assert spread("", [], []) == []


def test_clipped() -> None:
    assert clipped(VOICE, 1.5, 3.5) == [(1.5, 2.0), (3.0, 3.5)]
    assert clipped(VOICE, 2.1, 2.9) == [(2.1, 2.9)], "no voice: all of it"
    assert clipped([], 0.0, 1.0) == [(0.0, 1.0)]
