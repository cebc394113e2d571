"""The draft speech engine: every word timed, the times true, the samples always the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.engine import Phoneme, Sentence, Speech
from models.errors import BadInput, Cancelled, Unavailable
from models.espeak import EspeakEngine
from models.espeak.reading import reading
from models.espeak.timing import word_times
from models.progress import Quiet
from models.words import tokens
from tests.progress_kit import Steps

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = "Good morning everyone, and welcome back to the channel today."
CHINESE = "大家好，今天天气很好，我们一起去公园散步吧。"
MIXED = "我们用GPU跑Qwen3 model，效果very good，价格涨了50%。"


def speak(text: str, language: str = "en", voice: str = "default", seed: int = 1) -> Speech:
    return EspeakEngine().speak([Sentence(text, 0, language, 0.0)], voice, language, seed, Quiet())


def digest(speech: Speech) -> str:
    times = [(w.start_s, w.end_s) for w in speech.words or []]
    return hashlib.sha256(speech.wav.tobytes() + repr(times).encode()).hexdigest()


def assert_every_word_is_timed(text: str, speech: Speech) -> None:
    assert speech.words is not None
    assert [(w.begin, w.end) for w in speech.words] == tokens(text)
    at = 0.0
    for word in speech.words:
        assert at <= word.start_s < word.end_s <= speech.duration_s + 1e-9
        at = word.end_s


SCRIPTS = [
    ("en", ENGLISH),
    ("en", "It costs $1,299.99, i.e. 3.14 times 50% of €20."),
    ("en", "Visit https://example.com/a?b=1 or mail me@foo.org now."),
    ("en", "A 😀 smile 👨‍👩‍👧 and 𝒜𝒷 state-of-the-art R&D, C++ & 24/7, 12th 1990s."),
    ("en", "# Title --- {\\an8}with <b>markup</b> \\N and *stars* _here_."),
    ("en", "Dr. Smith's U.S. trip (at 12:30 p.m.) was “fun”; yes: really!"),
    ("en", "The name 李雷 in English."),
    ("zh", CHINESE),
    ("zh", MIXED),
    ("zh", "价格是$1,299.99，涨了50%，2024年3.14倍，2024个。"),
    ("zh", "“你好”（世界）——是的……好，「嗯」《书》、一"),
    ("zh", "好😀的𠮷字 world"),
    ("zh", "一"),
    ("ja", "カタカナときょうは"),
    ("ko", "안녕하세요 세계."),
    ("de", "Am 3. Mai kostet es 5,50 €."),
    ("fr", "Bonjour, ça va bien ?"),
    ("es", "¿Cómo estás hoy?"),
    ("it", "Ciao, come stai?"),
    ("pt", "Olá, tudo bem?"),
    ("ru", "Привет, мир! Как дела?"),
    ("en", "x" * 500 + " end"),
    ("en", "a " * 100),
    ("en", "a." * 1000),  # kills the process if espeak gets it as it is
]


@pytest.mark.parametrize(("language", "text"), SCRIPTS)
def test_every_word_is_timed(language: str, text: str) -> None:
    speech = speak(text, language)
    assert_every_word_is_timed(text, speech)
    assert np.abs(speech.wav).max() > 0.1


def test_sound_of_a_character_that_no_voice_reads_is_silence_not_its_number() -> None:
    speech = speak("𠀀𠀀", "zh")
    assert_every_word_is_timed("𠀀𠀀", speech)
    assert not speech.wav.any()


@pytest.mark.parametrize(
    "text",
    [
        "Hello 😀 world.",
        "Hello # world.",
        "Hello *** world.",
        "Hello --- world.",
        "Hello <b></b> world.",
        "Hello {\\an8} world.",
        "Hello \\N world.",
        "Hello {} world.",
        "Hello \x01 world.",
    ],
)
def test_decoration_is_not_read_aloud(text: str) -> None:
    sounds = [p.ipa for p in speak(text).phonemes or [] if p.ipa]
    assert sounds == [p.ipa for p in speak("Hello   world.").phonemes or [] if p.ipa]


def test_reading_keeps_offsets_beyond_the_basic_plane() -> None:
    text = "😀😀😀 one 𝒜 two"
    told = reading(text, "en")
    assert [text[i] for i in (told.origin[told.text.index("one")], told.origin[told.text.index("two")])] == [
        "o",
        "t",
    ]
    words = speak(text).words or []
    assert [text[w.begin : w.end] for w in words] == ["one", "𝒜", "two"]
    gaps = [later.start_s - earlier.start_s for earlier, later in pairwise(words)]
    assert min(gaps) > 0.08, "each has its own event, none is squeezed in"


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("en", "US$3 billion, €5", "three billion US dollars, five euros"),
        ("zh", "价格$1,299.99，涨50%。", "价格一千两百九十九点九九美元，涨百分之五十。"),
        ("zh", "$3亿，2024年", "三亿美元，二零二四年"),
        ("en", "https://www.a.org/x", "a dot org slash x"),
        ("en", "a_b ｆｕｌｌ auto\u00admatic", "a b full automatic"),
        ("en", "好 𝒜😀", "好 A"),
        ("de", "Am 3. Mai https://a.de, 5,50 €.", "Am 3. Mai a.de, 5,50 €."),
        ("ja", "1,200円、12,34", "1200円、12,34"),
    ],
)
def test_reading(language: str, text: str, told: str) -> None:
    found = reading(text, language)
    assert found.text == told
    assert len(found.origin) == len(told)
    assert found.origin == sorted(found.origin)


def test_events_lie_on_the_sound() -> None:
    speech = speak("Tell me, please: what do you see? Nothing at all, my friend.")
    level = [
        (p.ipa, rms(speech, p.start_s, min(p.end_s, p.start_s + 0.05)))
        for p in speech.phonemes or []
        if p.end_s - p.start_s > 0.04
    ]
    vowels = [loud for ipa, loud in level if set(ipa) & set("aeiouæɑɔɛɪʊʌɐ")]
    pauses = [
        rms(speech, p.start_s + 0.05, p.end_s - 0.02)
        for p in speech.phonemes or []
        if not p.ipa and p.end_s - p.start_s > 0.12
    ]
    assert len(vowels) > 8 and pauses
    assert np.median(vowels) > 20 * max(pauses)


def test_chinese_characters_start_at_their_syllables() -> None:
    """你好 has one event; the second character starts with its consonant, not at the half."""
    speech = speak("你好。", "zh")
    first, second = speech.words or []
    consonant = next(p for p in speech.phonemes or [] if p.ipa.startswith(("χ", "x", "h")))
    assert second.start_s == pytest.approx(consonant.start_s, abs=0.002)
    assert first.start_s < second.start_s


def test_chinese_numbers_do_not_steal_the_next_characters_time() -> None:
    text = "一共2024个人。"
    words = {text[w.begin : w.end]: w for w in speak(text, "zh").words or []}
    assert words["2024"].end_s - words["2024"].start_s > 4 * (words["个"].end_s - words["个"].start_s)


def test_second_event_at_one_place_is_the_next_words() -> None:
    sounds = [Phoneme("a", 0.0, 0.7), Phoneme("b", 0.7, 1.0)]
    spans = word_times("年3", [(0, 1), (1, 2)], [(0, 2, 0.0), (0, 2, 0.7)], sounds, 1.0)
    assert spans == [(0.0, 0.7), (0.7, 1.0)]


def test_word_ends_before_the_pause() -> None:
    text = "Hello, world."
    hello, world = speak(text).words or []
    assert world.start_s - hello.end_s > 0.1


def test_phonemes_are_sounds_and_cover_all() -> None:
    speech = speak(MIXED, "zh")
    phonemes = speech.phonemes or []
    assert not any(set(p.ipa) & set("()ˈˌ ") for p in phonemes)
    assert all(a.end_s == b.start_s for a, b in pairwise(phonemes))
    assert phonemes[-1].end_s == pytest.approx(speech.duration_s, abs=1e-3)
    assert {"m", "p"} & {p.ipa[:1] for p in phonemes}


def test_loudness_is_common_to_sentences_voices_and_languages() -> None:
    levels = []
    for voice in EspeakEngine().voices():
        for language, text in (("en", ENGLISH), ("zh", CHINESE)):
            speech = speak(text, language, voice)
            assert np.abs(speech.wav).max() <= 10 ** (-1 / 20) + 1e-6
            words = speech.words or []
            levels.append(20 * np.log10(rms(speech, words[0].start_s, words[-1].end_s)))
    assert max(levels) - min(levels) < 3
    assert -24 < np.mean(levels) < -18


def test_no_click_where_sentences_join() -> None:
    sentences = [Sentence("Hello.", 0, "en", 0.2), Sentence("World.", 7, "en", 0.0)]
    wav = EspeakEngine().speak(sentences, "default", "en", 1, Quiet()).wav
    assert abs(wav[0]) < 1e-3 and abs(wav[-1]) < 1e-3
    silent = np.flatnonzero(wav == 0)
    assert len(silent) > 0.15 * 22050
    assert np.abs(wav[silent[silent > 100] - 3]).min() < 1e-2


def test_pauses_and_offsets_of_several_sentences() -> None:
    script = "Hello there. World."
    sentences = [Sentence("Hello there.", 0, "en", 0.5), Sentence("World.", 13, "en", 0.0)]
    steps = Steps()
    speech = EspeakEngine().speak(sentences, "default", "en", 1, steps)
    words = speech.words or []
    assert [script[w.begin : w.end] for w in words] == ["Hello", "there", "World"]
    assert 0.45 < words[2].start_s - words[1].end_s < 0.7
    assert steps.seen == [(1, 2), (2, 2)]
    pause = max((p for p in speech.phonemes or [] if not p.ipa), key=lambda p: p.end_s - p.start_s)
    assert pause.end_s - pause.start_s >= 0.5


def test_speed_is_natural() -> None:
    texts = [
        "Good morning everyone, and welcome back to the channel.",
        "Today we will look at three simple ideas that make a daily news video easier to follow.",
        "Each one takes only a few minutes, and you can try them right after watching.",
    ]
    sentences = [Sentence(text, 0, "en", 0.35) for text in texts]
    duration_s = EspeakEngine().speak(sentences, "default", "en", 1, Quiet()).duration_s
    assert 155 < sum(len(tokens(text)) for text in texts) / duration_s * 60 < 185


def test_cancel_between_sentences() -> None:
    steps = Steps(cancel_after=2)
    with pytest.raises(Cancelled):
        EspeakEngine().speak([Sentence("Hi.", 0, "en", 0.0)] * 5, "default", "en", 1, steps)
    assert len(steps.seen) == 2


def test_unknown_voice_lists_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        speak("Hi.", voice="bob; rm -rf")
    assert caught.value.code == "voice_unknown"
    assert all(voice in caught.value.hint for voice in EspeakEngine().voices())
    assert {"default", "male", "female"} <= set(EspeakEngine().voices())


def test_voices_sound_different() -> None:
    assert len({digest(speak("Hello.", voice=voice)) for voice in EspeakEngine().voices()}) == len(
        EspeakEngine().voices()
    )


def test_missing_library_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    with pytest.raises(Unavailable) as caught:
        speak("Hi.")
    assert caught.value.code == "speech_engine_missing" and caught.value.hint


def test_missing_data_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        speak("Hi.")
    assert caught.value.code == "speech_engine_missing"


def test_nothing_to_say() -> None:
    speech = EspeakEngine().speak([], "default", "en", 1, Quiet())
    assert len(speech.wav) == 0 and speech.words == [] and speech.phonemes == []


# ---------------------------------------------------------------- determinism

THREE = [("en", ENGLISH, "default"), ("zh", MIXED, "female"), ("de", "Schöne Grüße, ihr zwei.", "deep")]
CHILD = """
import json, sys
from tests.models.test_espeak import THREE, digest, speak
print(json.dumps({i: digest(speak(THREE[i][1], THREE[i][0], THREE[i][2])) for i in json.loads(sys.argv[1])}))
"""


def in_fresh_process(order: list[int]) -> dict[str, str]:
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(order)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    digests: dict[str, str] = json.loads(ran.stdout)
    return digests


def test_same_samples_in_any_process_and_any_order() -> None:
    here = {str(i): digest(speak(text, language, voice)) for i, (language, text, voice) in enumerate(THREE)}
    assert in_fresh_process([0, 1, 2]) == here
    assert in_fresh_process([2, 1, 0]) == here


def test_same_samples_whatever_came_before() -> None:
    first = digest(speak(ENGLISH))
    speak(CHINESE, "zh", "female")
    assert digest(speak(ENGLISH)) == first == digest(speak(ENGLISH))


def test_same_samples_from_threads() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(digest(speak(ENGLISH)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [digest(speak(ENGLISH))] * 6


def test_library_is_unloaded_again() -> None:
    """The reason for sameness; where it fails, state leaks from sentence to sentence."""
    speak("Hi.")
    assert "libespeak-ng" not in Path("/proc/self/maps").read_text()


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=60), st.sampled_from(["en", "zh", "ja", "ko", "ru", "fr"]))
def test_any_text_is_spoken(text: str, language: str) -> None:
    assert_every_word_is_timed(text, speak(text, language))


def rms(speech: Speech, start_s: float, end_s: float) -> float:
    part = speech.wav[int(start_s * speech.rate) : int(end_s * speech.rate)]
    return float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
