"""The engine, from sentences to speech: what it gives, keeps, tries again and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import resample_poly

from models.audio import VOICE_LEVEL_DB, silence, voiced_spans
from models.engine import Audio, Sentence, Speech
from models.errors import BadInput, Cancelled, StageFailed, Unavailable
from models.espeak import EspeakEngine
from models.progress import Progress, Quiet
from models.qwen3.engine import Qwen3Engine
from models.qwen3.model import Take
from models.qwen3.reciting import Reciting
from models.voices import Voices
from tests.models.qwen3.conftest import Open
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN
from tests.models.qwen3.voices_kit import RATE, SEED, endless, humming
from tests.progress_kit import Steps

HELLO = Sentence("Hello there, how are you?", 0, "en", 0.3)
CHINESE = Sentence("大家好。", 26, "zh", 0.0)
PRICE = Sentence("It costs $5.", 31, "en", 0.5)
SCRIPT = [HELLO, CHINESE, PRICE]


def speak(
    engine: Reciting, sentences: list[Sentence], progress: Progress | None = None, **how: Any
) -> Speech:
    settings = {"voice": "default", "language": "en", "seed": SEED} | how
    return engine.speak(sentences, progress=progress or Quiet(), **settings)  # type: ignore[arg-type]


def piece(speech: Speech, number: int) -> Audio:
    assert speech.spans is not None
    begin, end = speech.spans[number]
    return speech.wav[round(begin * RATE) : round(end * RATE)]


@contextmanager
def takes(engine: Qwen3Engine) -> Iterator[list[str]]:
    """The texts of the takes that are made meanwhile."""
    made: list[str] = []
    say = engine.model.say

    def noted(text: str, *how: Any) -> Any:
        made.append(text)
        return say(text, *how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.model, "say", noted)
        yield made


# ---------------------------------------------------------------- what it gives


@pytest.mark.parametrize("kind", [BASE, CUSTOM, DESIGN])
def test_sentences_are_spoken_with_their_pauses_at_the_common_level(opened: Open, kind: str) -> None:
    speech = speak(opened(kind), SCRIPT)
    assert speech.rate == RATE and speech.wav.dtype == np.float32
    assert speech.words is None and speech.phonemes is None and speech.spans is not None
    ends = [0.0]
    for sentence, (begin, end) in zip(SCRIPT, speech.spans, strict=True):
        assert begin == pytest.approx(ends[-1], abs=1e-4)
        ends.append(end + sentence.pause_s)
    assert speech.duration_s == pytest.approx(ends[-1], abs=1e-4)
    for number in range(len(SCRIPT)):
        said = piece(speech, number)
        assert said[0] == said[-1] == 0, "no click where silence follows"
        voiced = np.concatenate([said[int(a * RATE) : int(b * RATE)] for a, b in voiced_spans(said, RATE)])
        level = 20 * np.log10(np.sqrt(np.mean(voiced**2)))
        assert VOICE_LEVEL_DB - 5 < level < VOICE_LEVEL_DB + 1, "noise has peaks, which hold it down"
        begin, end = voiced_spans(said, RATE)[0][0], voiced_spans(said, RATE)[-1][1]
        assert begin < 0.1 and len(said) / RATE - end < 0.2, "silence around it is no part of it"


def test_a_sentence_sounds_the_same_whatever_stands_around_it(opened: Open) -> None:
    engine = opened(CUSTOM)
    whole = speak(engine, SCRIPT)
    alone = speak(engine, [PRICE])
    elsewhere = speak(opened(CUSTOM), [Sentence("Something new.", 0, "en", 0.1), PRICE])
    assert np.array_equal(piece(whole, 2), piece(alone, 0))
    assert np.array_equal(piece(whole, 2), piece(elsewhere, 1))
    assert not np.array_equal(piece(speak(engine, [PRICE], seed=SEED + 1), 0), piece(alone, 0))


def test_silence_around_what_the_model_gives_is_left_out(opened: Open, patch: pytest.MonkeyPatch) -> None:
    said = EspeakEngine().speak([HELLO], "default", "en", 1, Quiet())
    voice = resample_poly(said.wav[: said.wav.size - int(HELLO.pause_s * said.rate)], 160, 147)
    padded = np.concatenate([silence(1.0, RATE), voice.astype(np.float32), silence(2.0, RATE)])
    engine = opened(CUSTOM)
    patch.setattr(engine.model, "say", lambda *_: Take(padded, 50, False))
    speech = speak(engine, [HELLO])
    assert speech.duration_s == pytest.approx(len(voice) / RATE + HELLO.pause_s, abs=0.3)


def test_numbers_are_read_in_the_language_of_the_sentence(opened: Open) -> None:
    engine = opened(CUSTOM)
    with takes(engine) as made:
        speak(engine, [PRICE])
    assert set(made) == {"It costs five dollars."}


def test_nothing_to_say_is_silence(opened: Open) -> None:
    engine = opened(CUSTOM)
    speech = speak(engine, [Sentence("* * *", 0, "en", 0.5)])
    assert 0.5 < speech.duration_s < 1.0 and not speech.wav.any()
    assert speak(engine, []).duration_s == 0


def test_a_step_for_every_frame_and_never_back(opened: Open) -> None:
    engine, steps = opened(CUSTOM), Steps()
    with endless(engine.model, takes=1):  # the first take is thrown away
        speak(engine, SCRIPT, steps)
    assert steps.shares == sorted(steps.shares) and steps.shares[-1] == pytest.approx(1)
    assert len(steps.seen) > 100, "the first take alone has as many frames as it may have"


# ---------------------------------------------------------------- again


def test_a_take_that_does_not_end_is_made_again(opened: Open) -> None:
    engine = opened(CUSTOM)
    with takes(engine) as first:
        expected = speak(engine, [CHINESE])
    with takes(engine) as made, endless(engine.model, takes=1):
        again = speak(engine, [CHINESE])
    assert len(made) > 1
    assert np.array_equal(again.wav, expected.wav) is (len(first) > 1), "another take has another seed"


def test_a_sentence_that_never_ends_is_named(opened: Open) -> None:
    engine = opened(CUSTOM, tries=2)
    with takes(engine) as made, endless(engine.model), pytest.raises(StageFailed) as told:
        speak(engine, [CHINESE])
    assert made == ["大家好。"] * 2
    assert told.value.code == "sentence_unspeakable" and "raise speech.tries" in told.value.hint
    assert told.value.message.startswith(
        "The sentence “大家好。” could not be spoken: the last of 2 tries did not"
    )


@pytest.mark.parametrize("heard", ["iPhone16Pro", "iPhone 16 Pro", "iPhone十六Pro", "iPhone sixteen pro"])
def test_who_listens_may_spell_as_they_like(opened: Open, heard: str) -> None:
    sentence = Sentence("iPhone 16 Pro。", 0, "zh", 0.0)
    engine = opened(CUSTOM, listen=lambda *_: heard, max_error=0.0)
    assert speak(engine, [sentence]).duration_s > 0


def test_what_is_not_understood_is_said_again(opened: Open) -> None:
    asked: list[tuple[int, str]] = []
    heard = ["something else entirely", "it costs 5 dollars"]

    def listen(wav: Audio, rate: int, language: str, progress: Progress) -> str:
        progress.step(1, 1)
        asked.append((rate, language))
        return heard[len(asked) - 1]

    engine = opened(CUSTOM, listen=listen, max_error=0.1)
    speak(engine, [PRICE])
    assert asked == [(RATE, "en")] * 2, "numbers that were written down are no mistakes"
    engine = opened(CUSTOM, tries=1, listen=lambda *_: "something else entirely")
    with pytest.raises(StageFailed, match="could not be spoken: its only try") as told:
        for seed in range(10):  # until one is not refused for another reason
            speak(engine, [HELLO], seed=seed)
    assert told.value.code == "sentence_unspeakable"


# ---------------------------------------------------------------- kept


def test_a_changed_sentence_is_spoken_and_the_others_are_kept(opened: Open) -> None:
    first = speak(opened(CUSTOM, kept=True), SCRIPT)
    engine = opened(CUSTOM, kept=True)  # another process, later
    with takes(engine) as made:
        second = speak(engine, [HELLO, Sentence("你们好。", 26, "zh", 0.0), PRICE])
    assert set(made) == {"你们好。"}
    assert np.array_equal(piece(first, 0), piece(second, 0))
    assert np.array_equal(piece(first, 2), piece(second, 2))


def test_the_log_tells_what_was_kept_what_was_spoken_and_in_how_many_tries(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    engine = opened(CUSTOM, kept=True)
    with caplog.at_level("INFO", "vigentd.qwen3"):
        speak(engine, [HELLO])
        caplog.clear()
        with takes(engine) as made, endless(engine.model, takes=1):
            speak(engine, [HELLO, CHINESE])
        assert f"2 sentences: 1 kept, 1 spoken in {len(made)} tries, " in caplog.text and len(made) > 1
        assert "s of sound a second" in caplog.text
        caplog.clear()
        speak(engine, [HELLO, CHINESE])
    assert "2 sentences: 2 kept, none spoken" in caplog.text


@pytest.mark.parametrize(
    "how",
    [{"seed": SEED + 1}, {"voice": "vivian"}, {"tone": "happily"}, {"language": "zh"}],
    ids=lambda how: next(iter(how)),
)
def test_what_is_kept_is_of_this_voice_tone_and_seed(opened: Open, how: dict[str, Any]) -> None:
    engine = opened(CUSTOM, kept=True)
    speak(engine, [CHINESE])
    with takes(engine) as made:
        speak(engine, [CHINESE])
        assert made == []
        speak(engine, [CHINESE], **how)
        assert made


def test_what_is_kept_was_heard_by_this_listener(opened: Open) -> None:
    def listen(wav: Audio, rate: int, language: str, progress: Progress) -> str:
        return CHINESE.text

    speak(opened(CUSTOM, kept=True, listen=listen, listener="tiny"), [CHINESE])
    for listener, again in (("tiny", False), ("large-v3", True)):
        engine = opened(CUSTOM, kept=True, listen=listen, listener=listener)
        with takes(engine) as made:
            speak(engine, [CHINESE])
            assert bool(made) == again


def test_a_recording_that_changed_is_spoken_with_anew(opened: Open, voices: Voices) -> None:
    engine = opened(BASE, kept=True)
    before = speak(engine, [CHINESE])
    voices.save_recording("Anna", humming(2.0, 150.0), RATE, text="Another text.")
    assert not np.array_equal(speak(engine, [CHINESE]).wav, before.wav)


def test_a_script_that_was_broken_off_is_spoken_on(opened: Open) -> None:
    engine = opened(CUSTOM, kept=True)
    with takes(engine) as made:
        speak(engine, [HELLO])
        seen = Steps()
        with endless(engine.model), pytest.raises(Cancelled):
            speak(engine, SCRIPT, Steps(cancel_after=9))
        assert made[-1] == "大家好。"
        made.clear()
        spoken = speak(engine, SCRIPT, seen)
    assert set(made) == {"大家好。", "It costs five dollars."}
    assert np.array_equal(spoken.wav, speak(opened(CUSTOM), SCRIPT).wav)


# ---------------------------------------------------------------- what is said of it


def test_what_decides_a_voice_is_told(opened: Open, voices: Voices) -> None:
    engine = opened(BASE)
    told = engine.decided_by("default")
    assert told == engine.decided_by("Anna") == opened(BASE).decided_by("Anna")
    voices.save_recording("Anna", humming(2.0), RATE, text="Another text.")
    assert engine.decided_by("Anna") != told
    assert opened(CUSTOM).decided_by("ryan")["weights"] != told["weights"]
    with pytest.raises(BadInput) as unknown:
        engine.decided_by("Nobody")
    assert unknown.value.code == "voice_unknown"


def test_a_voice_without_its_text_speaks_and_that_is_remarked(opened: Open, voices: Voices) -> None:
    voices.save_recording("Bert", humming(), RATE)
    engine = opened(BASE)
    assert engine.remarks([HELLO]) == []
    assert speak(engine, [CHINESE], voice="Bert").duration_s > 0
    (remark,) = engine.remarks([CHINESE])
    assert "“Bert”" in remark and "without the text" in remark
    speak(engine, [CHINESE], voice="Anna")
    assert engine.remarks([CHINESE]) == []


def test_a_described_voice_may_change_and_that_is_remarked(opened: Open) -> None:
    engine = opened(DESIGN)
    speak(engine, [CHINESE])
    assert engine.remarks([CHINESE]) == []
    assert "from sentence to sentence" in engine.remarks([CHINESE, HELLO])[0]


@pytest.mark.parametrize(
    ("kind", "how", "code"),
    [
        (BASE, {"voice": "Nobody"}, "voice_unknown"),
        (BASE, {"tone": "happily"}, "tone_unfit"),
        (CUSTOM, {"voice": "Anna"}, "voice_wrong_kind"),
        (DESIGN, {"language": "klingon"}, "language_unknown"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_said(
    opened: Open, kind: str, how: dict[str, Any], code: str
) -> None:
    engine = opened(kind)
    with takes(engine) as made, pytest.raises(BadInput) as told:
        speak(engine, [HELLO], **how)
    assert told.value.code == code and made == []


def test_warm_up_says_a_word_with_every_kind_and_keeps_nothing(opened: Open) -> None:
    for kind in (BASE, CUSTOM, DESIGN):
        engine = opened(kind, kept=True)
        with takes(engine) as made:
            engine.warm_up()
        assert made == ["Hello."] and engine.warmed_s > 0 and engine.loaded_s > 0
        assert engine.remarks([HELLO, CHINESE]) == []
    assert opened(BASE).voices() == ["Anna"]


def test_a_flash_attention_that_does_not_work_is_not_used(
    opened: Open, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Here it is not even installed; on a GPU it may be there and be of another torch."""
    engine = opened(CUSTOM)
    patch.setattr(engine, "_may_flash", lambda: True)
    with caplog.at_level("INFO", "vigentd.qwen3"):
        engine.warm_up()
    assert "flash_attn does not work here" in caplog.text
    assert engine.model.attention == "sdpa" and speak(engine, [CHINESE]).duration_s > 0


@pytest.mark.parametrize(("flash_s", "used"), [(0.5, "flash_attention_2"), (0.95, "sdpa"), (2.0, "sdpa")])
def test_a_flash_attention_is_used_when_it_helps(
    opened: Open, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, flash_s: float, used: str
) -> None:
    engine = with_flash(opened(CUSTOM), patch, flash_s)
    with caplog.at_level("INFO", "vigentd.qwen3"):
        engine.warm_up()
    assert engine.model.attention == used
    assert f"{1000 * flash_s:.1f} ms by flash_attention_2" in caplog.text


def test_which_attention_helps_is_measured_once(
    opened: Open, patch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where both take about as long, a restart could choose the other, and the same seed sound otherwise."""
    kept = tmp_path / "cache" / "attention.json"
    used = []
    for flash_s in (0.8, 0.9):
        engine = with_flash(opened(CUSTOM, decided=kept), patch, flash_s)
        engine.warm_up()
        used.append(engine.model.runs)
    assert used[0] == used[1] and used[0].endswith("flash_attention_2")
    engine = with_flash(opened(CUSTOM, decided=kept), patch, 0.9, "another GPU")
    engine.warm_up()
    assert engine.model.attention == "sdpa"
    kept.write_text("[]")
    engine = with_flash(opened(CUSTOM, decided=kept), patch, 0.9)
    engine.warm_up()
    assert engine.model.attention == "sdpa"


def test_a_lack_of_memory_is_not_held_against_flash_attention(
    opened: Open, patch: pytest.MonkeyPatch
) -> None:
    engine = with_flash(opened(CUSTOM), patch, 0.5)

    def lack(*_: Any) -> None:
        raise Unavailable("The GPU's memory is too small", code="out_of_memory")

    patch.setattr(engine, "_try", lack)
    with pytest.raises(Unavailable, match="memory"):
        engine.warm_up()


def with_flash(
    engine: Qwen3Engine, patch: pytest.MonkeyPatch, flash_s: float, here: str = "a GPU"
) -> Qwen3Engine:
    """As if it were installed. flash_s: what a prompt takes by it; by torch's own, a second."""
    patch.setattr(engine, "_may_flash", lambda: True)
    patch.setattr(engine, "_try", lambda *_: None)  # here it would not work
    patch.setattr(engine, "_here", lambda: here)
    patch.setattr(
        engine, "_prompted_s", lambda: flash_s if engine.model.attention == "flash_attention_2" else 1.0
    )
    return engine
