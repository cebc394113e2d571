"""[pause 1.5s] in a script: a silence, neither spoken nor shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.espeak import EspeakEngine
from models.progress import Quiet
from models.reading import read
from models.words import audible, pauses, tokens, without_pauses
from pipeline import captions
from pipeline.ass import Screen
from pipeline.captions import Narration
from pipeline.spec import JobSpec, Settings
from pipeline.text import leading_pause_s, split_sentences
from tests.pipeline.captioning import book


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [
        ("[pause 1.5s]", 1.5),
        ("[pause 1,5 s]", 1.5),
        ("[Pause 2]", 2.0),
        ("[pause 500ms]", 0.5),
        ("[ pause : 3 seconds ]", 3.0),
        ("[pause]", 1.0),
        ("[停顿 1.5秒]", 1.5),
        ("[停顿2秒钟]", 2.0),
        ("【停顿：300毫秒】", 0.3),
        ("[pause 0s]", 0.0),
        ("[pause 31s]", 30.0),
        ("[pause 999999999s]", 30.0),
        ("[pause .5s]", 0.5),
        ("[pause=2s]", 2.0),
        ("[pause 0.1 minute]", 6.0),
        ("[pause 1min]", 30.0),
        ("[pause 5 milliseconds]", 0.005),
        ("[停顿一秒]", 1.0),
        ("【暂停两秒】", 2.0),
        ("[停顿半分钟]", 30.0),
        ("(pause 1.5s)", 1.5),
        ("（停顿2秒）", 2.0),
        ("[pause x]", 1.0),
        ("[pause -3s]", 1.0),
        ("[pause 2s please]", 1.0),
        ("[停顿很久]", 1.0),
    ],
)
def test_marks(mark: str, seconds: float) -> None:
    assert [found for *_, found in pauses(f"One {mark} two")] == [seconds]
    assert [f"One {mark} two"[slice(*word)] for word in tokens(f"One {mark} two")] == ["One", "two"]
    assert read(f"One {mark} two.", "en").text == "One two."


@pytest.mark.parametrize(
    "text", ["(pause)", "(pause for it)", "[paused 1s]", "pause 1s", "[pause 1s", "[1s]"]
)
def test_what_is_no_mark_is_read(text: str) -> None:
    assert pauses(text) == [] and tokens(text)


# Pieces with | between them, and the silence after each.
SCRIPTS = [
    ("One. [pause 2s] Two.", ["One.", "Two."], [2.0, 0.0]),
    ("Wait [pause 1.5s] for it.", ["Wait", "for it."], [1.5, 0.0]),
    ("One.[pause 1s]Two.", ["One.", "Two."], [1.0, 0.0]),
    ("One. Two. [pause 1s]", ["One.", "Two."], [0.35, 1.0]),
    ("One. [pause 1s] [pause 500ms] Two.", ["One.", "Two."], [1.5, 0.0]),
    ("One.\n\n[pause 2s]\n\nTwo.", ["One.", "Two."], [2.0, 0.0]),
    ("One? [pause 0s] Two.", ["One?", "Two."], [0.0, 0.0]),
    ("[pause 2s] One.", ["One."], [0.0]),
    ("One [pause 1s].", ["One"], [1.0]),
    ("大家好。[停顿 1秒]今天[停顿 500毫秒]很好。", ["大家好。", "今天", "很好。"], [1.0, 0.5, 0.0]),
    ("[pause 1s]", [], []),
]


@pytest.mark.parametrize(("script", "texts", "silences"), SCRIPTS)
def test_a_mark_ends_a_piece_and_sets_the_silence_after_it(
    script: str, texts: list[str], silences: list[float]
) -> None:
    sentences = split_sentences(script, "en")
    assert [s.text for s in sentences] == texts
    assert [s.pause_s for s in sentences] == silences
    assert all(script[s.begin :].startswith(s.text) for s in sentences)


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ("[pause 2s] One. [pause 1s]", 2.0),
        (" [pause 2s]\n[停顿 1秒] 😀 One.", 3.0),
        ("One. [pause 2s]", 0.0),
        ("One.", 0.0),
        ("", 0.0),
    ],
)
def test_the_silence_before_the_first_word(script: str, seconds: float) -> None:
    assert leading_pause_s(script) == seconds


def test_a_mark_is_silence_in_the_voice() -> None:
    def spoken(script: str) -> float:
        return EspeakEngine().speak(split_sentences(script, "en"), "default", "en", 1, Quiet()).duration_s

    assert spoken("One. [pause 1.5s] Two.") - spoken("One. [pause 0s] Two.") == pytest.approx(1.5, abs=0.01)


MARKED = "Good morning [pause 1.5s] everyone. [停顿 2秒]大家好。[pause 500ms]再见[pause 1s]！"


@pytest.mark.parametrize("style", ["none", "clean"])
def test_a_mark_is_not_in_the_subtitles(style: str) -> None:
    sentences = split_sentences(MARKED, "zh")
    speech = EspeakEngine().speak(sentences, "default", "zh", 1, Quiet())
    said = Narration(MARKED, speech.words or [], sentences, speech.duration_s, "zh")
    spec = JobSpec(script=MARKED, clip=Path("clip.mp4"), subtitles=style)
    made = captions.build(spec, Settings(), said, Screen(1080, 1920), book())
    shown = captions.srt(made.cues, made.script) + captions.vtt(made.cues, made.script)
    assert not re.search(r"pause|停顿|1\.5|500|\[", shown.lower())
    drawn = made.ass.to_string("ass") if made.ass else ""
    assert "pause" not in drawn and "停顿" not in drawn
    lines = [line for cue in made.cues for line in cue.line_texts(made.script)]
    assert re.sub(r"\s", "", "".join(lines)) == "Goodmorningeveryone.大家好。再见！"
    assert all(line == " ".join(line.split()) for line in lines), "no hole is left in a line"


MARKS = st.sampled_from(["[pause 1s]", "[pause 250ms]", "[停顿 2秒]", "[pause]", "[pause 1s", "pause 1s]"])
PIECES = st.lists(st.one_of(MARKS, st.sampled_from([*"ab好。.!?, \n1", "Dr.", "3.5", "<b>"])), max_size=25)


@settings(max_examples=200, deadline=None)
@given(PIECES.map("".join), st.sampled_from(["en", "zh"]))
def test_all_words_and_all_silence_of_any_script_are_there(script: str, language: str) -> None:
    sentences = split_sentences(script, language)
    words = [(s.begin + begin, s.begin + end) for s in sentences for begin, end in tokens(s.text)]
    assert words == tokens(script)
    assert not any(pauses(s.text) for s in sentences), "no mark within a sentence"
    asked = sum(seconds for *_, seconds in pauses(script))
    if sentences:
        assert leading_pause_s(script) + sum(s.pause_s for s in sentences) >= asked - 1e-9
    assert len(without_pauses(script)) == len(audible(script)) == len(script)
    assert pauses(without_pauses(script)) == []
