"""The rules by which an alignment is believed, case by case."""

from __future__ import annotations

from math import inf, nan

import pytest

from models.spread import Span
from models.whisper.plausible import doubt

FOUR = [(0.2, 0.6), (0.6, 1.1), (1.3, 1.9), (1.9, 2.4)]  # good times of four words
SURE = [0.9, 0.8, 0.4, 0.9]


def asked(
    spans: list[Span],
    probabilities: list[float] = SURE,
    voiced: list[Span] | None = None,
    guess: list[Span] | None = None,
    syllables: float = 1.0,
) -> str:
    voiced = voiced or [(0.2, 1.1), (1.3, 2.4)]
    even = [(0.2 + 0.55 * i, 0.75 + 0.55 * i) for i in range(len(spans))]
    return doubt(spans, guess or even, [syllables] * len(spans), voiced, probabilities)


def stretched(factor: float, spans: list[Span] = FOUR) -> list[Span]:
    return [(start * factor, end * factor) for start, end in spans]


BELIEVED = {
    "good": asked(FOUR),
    "nothing": asked([]),
    "one improbable piece among others": asked(FOUR, [0.9, 0.001, 0.9, 0.9]),
    "spelled out, where Whisper would write digits": asked(FOUR, [0.06, 0.05, 0.2, 0.04]),
    "one word of four without length": asked([*FOUR[:3], (2.4, 2.4)]),
    "a word alone in a long noise": asked([(1.0, 1.3)], guess=[(1.0, 1.3)], voiced=[(0.0, 3.0)]),
    "a long word that has many syllables": asked([(0.2, 2.6)], syllables=4, voiced=[(0.2, 2.6)]),
    "nearly a second from the guess": asked(FOUR, guess=[(s + 0.95, e + 0.95) for s, e in FOUR]),
    "three seconds off in a sentence of ten": asked(
        [(0.0, 0.4), (4.5, 5.5), (9.0, 10.0)],
        guess=[(0.0, 1.0), (1.5, 2.5), (9.0, 10.0)],
        voiced=[(0.0, 10.0)],
    ),
}
DOUBTED = {
    "nobody said it": (asked(FOUR, [0.01, 0.02, 0.001, 0.03]), "something else"),
    "nothing is known of it": (asked(FOUR, []), "something else"),
    "squeezed at the end": (
        asked([(2.0, 2.1), (2.1, 2.2), (2.2, 2.3), (2.3, 2.4)], guess=stretched(1.0)),
        "squeezed",
    ),
    "squeezed between pauses": (
        asked([(1.0, 1.2), (1.2, 1.4)], guess=[(0.8, 1.0), (1.2, 1.4)], voiced=[(0.0, 1.5), (2.0, 4.0)]),
        "squeezed",
    ),
    "half of them at once": (asked([FOUR[0], (0.6, 0.6), (1.9, 1.9), FOUR[3]]), "no time"),
    "one of two at once": (asked([(0.2, 0.2), (0.2, 2.4)], guess=[(0.2, 1.2), (1.2, 2.4)]), "no time"),
    "a word that stands still": (
        asked([(0.2, 0.4), (0.4, 2.2), (2.2, 2.4)], guess=[(0.2, 0.6), (0.6, 1.6), (1.6, 2.4)]),
        "too long",
    ),
    "far from the guess": (
        asked(
            [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (8.6, 9.5)],
            guess=[(0.0, 2.0), (2.0, 4.0), (4.0, 5.0), (5.0, 9.5)],
            voiced=[(0.0, 9.5)],
        ),
        "far",
    ),
    "no number": (asked([(0.2, nan), *FOUR[1:]]), "no number"),
    "an endless one": (asked([*FOUR[:3], (1.9, inf)]), "no number"),
    "no probability": (asked(FOUR, [nan]), "no number"),
}


@pytest.mark.parametrize("name", BELIEVED)
def test_believed(name: str) -> None:
    assert BELIEVED[name] == ""


@pytest.mark.parametrize("name", DOUBTED)
def test_doubted(name: str) -> None:
    found, expected = DOUBTED[name]
    assert expected in found, found
