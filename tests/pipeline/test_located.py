"""Where a script's sentences are in what was heard: exact, misheard, left out, added, not there at all."""

from __future__ import annotations

from itertools import pairwise

import pytest

from models.engine import Transcript
from models.words import tokens
from pipeline.located import MARGIN_S, Place, places
from pipeline.text import split_sentences

EN = "We make videos. They are short, and they are good! Nobody has to wait for them."
ZH = "今天天气很好。我们去公园散步。晚上吃火锅。"


def heard(text: str, language: str = "en", at: float = 1.0, each: float = 0.5) -> Transcript:
    """A word every half second, each with the space before it, as Whisper writes; "|" is five seconds."""
    words: list[tuple[str, float, float]] = []
    for part in text.split("|"):
        begins = [begin for begin, _ in tokens(part)]
        for i, begin in enumerate(begins):
            end = begins[i + 1] if i + 1 < len(begins) else len(part)
            piece = part[0 if not words else begin : end]
            words.append((piece.rstrip() if language == "zh" else f" {piece.strip()}", at, at + each))
            at += each
        at += 5.0
    words[:1] = [(text.lstrip(), start, end) for text, start, end in words[:1]]
    return Transcript("".join(text for text, _, _ in words), language, words)


def found(script: str, transcript: Transcript, duration_s: float = 60.0) -> list[Place]:
    sentences = split_sentences(script, transcript.language)
    where = places(script, sentences, transcript, duration_s)
    assert len(where) == len(sentences)
    assert all(0 <= place.start_s <= place.end_s <= duration_s for place in where)
    for before, after in pairwise(where):
        assert before.end_s <= after.start_s or (not before.found and before == after)
    return where


def spans(where: list[Place]) -> list[tuple[float, float] | None]:
    return [(place.start_s, place.end_s) if place.found else None for place in where]


def window(first: int, last: int, pauses: int = 0) -> object:
    """Of the words first…last of what `heard` gives."""
    start_s, end_s = 1.0 + 0.5 * first + 5 * pauses, 1.0 + 0.5 * (last + 1) + 5 * pauses
    return pytest.approx((start_s, end_s), abs=MARGIN_S + 1e-6)


@pytest.mark.parametrize(
    ("script", "said", "language", "expected"),
    [
        (EN, EN, "en", [window(0, 2), window(3, 9), window(10, 15)]),
        (EN, EN.upper().replace("!", ""), "en", [window(0, 2), window(3, 9), window(10, 15)]),
        (ZH, ZH, "zh", [window(0, 5), window(6, 12), window(13, 17)]),
        # misheard: the words beside those that match are its own
        (EN, "We bake videos. They were short and they are food. Nobody has to wait for hem.", "en",
         [window(0, 2), window(3, 9), window(10, 15)]),
        (ZH, "今天天汽很好，我门去公元散步，晚上吃火锅", "zh", [window(0, 5), window(6, 12), window(13, 17)]),
        # left out: it has what is left
        (EN, "We make videos. Nobody has to wait for them.", "en", [window(0, 2), None, window(3, 8)]),
        # added, before and between
        (EN, "So hello and welcome to you. We make videos. Well. They are short, and they are good! "
             "Nobody has to wait for them.", "en", [window(6, 8), window(10, 16), window(17, 22)]),
        # a long pause between two
        (EN, "We make videos.|They are short, and they are good! Nobody has to wait for them.", "en",
         [window(0, 2), window(3, 9, 1), window(10, 15, 1)]),
        # said something else altogether
        (EN, "Completely different words were spoken here", "en", [None, None, None]),
    ],
)  # fmt: skip
def test_places(script: str, said: str, language: str, expected: list[object]) -> None:
    assert spans(found(script, heard(said, language))) == expected


def test_what_was_not_found_has_what_is_left() -> None:
    before, lost, after = found(EN, heard("We make videos.|Nobody has to wait for them."))
    assert (lost.start_s, lost.end_s) == (before.end_s, after.start_s)
    assert lost.end_s - lost.start_s == pytest.approx(5.0 - 2 * MARGIN_S)
    first, second, last = found(EN, heard("Nobody has to wait for them."), 30.0)
    assert (first.start_s, first.end_s) == (0.0, last.start_s) and first == second
    *_, end = found(EN, heard("We make videos."), 30.0)
    assert end.end_s == 30.0
    assert {place.found for place in found(EN, heard(" "))} == {False}


def test_a_word_that_comes_again_far_away_does_not_stretch_a_sentence() -> None:
    said = "We|are here for a long time before anything at all. We make videos."
    assert spans(found("We make videos.", heard(said)))[0] == window(11, 13, 1)
    early = found(
        "They are short and good.", heard("They said this and that and a lot more.|are short and good.")
    )
    assert spans(early)[0] is not None and early[0].start_s > 5.0


def test_a_long_recording_is_located_soon() -> None:
    """difflib alone compares every 的 with every other."""
    script = "".join(f"第{i}句话的意思是说我们的工作做得很好的。" for i in range(700))
    where = found(script, heard(script, "zh", each=0.2), 1e5)
    assert all(place.found for place in where)
