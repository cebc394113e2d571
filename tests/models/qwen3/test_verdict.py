"""What is refused, and above all what is not: real speech, and espeak's of every length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from models.audio import silence, voiced_spans
from models.engine import Audio, Sentence
from models.espeak import EspeakEngine
from models.progress import Quiet
from models.qwen3.verdict import cap_s, expected_s, fault, longest_s
from pipeline.recording import decode_recording

RATE = 22050
ENGLISH = (
    "I. No! Stop. Hello there. Strengths stretched. NASA and the FBI use GPUs. Internationalization, "
    "telecommunications, and responsibility. If we are close to a human-like learner, then this whole "
    "approach of training on verifiable outcomes is doomed, and I am confused why people are bullish on it."
)
CHINESE = (
    "好。不行！大家好。今天天气不错，我们一起出去走走吧。二零二六年十一月二十二日，营业收入达到一亿两千三百四十五万元。"
    "人工智能正在改变我们的生活方式，从教育到医疗，从交通到娱乐，几乎每一个行业都在经历深刻的变革，而这仅仅是一个开始。"
)


def sentences() -> list[tuple[str, str]]:
    """Beginnings of 1 to 200 characters, and whole sentences."""
    english = [part.strip() + "." for part in ENGLISH.replace("!", ".").split(".") if part.strip()]
    chinese = [part + "。" for part in CHINESE.replace("！", "。").split("。") if part]
    long = (CHINESE + CHINESE).replace("。", "，")
    cut = [(long[:n] + "。", "zh") for n in (1, 2, 3, 5, 8, 13, 30, 60, 120, 200)]
    cut += [(ENGLISH[-200:][:n].strip() + ".", "en") for n in (12, 30, 70, 130, 200)]
    return [(text, "en") for text in english] + [(text, "zh") for text in chinese] + cut


def spoken(text: str, language: str = "en", voice: str = "default") -> Audio:
    return EspeakEngine().speak([Sentence(text, 0, language, 0.0)], voice, language, 1, Quiet()).wav


@pytest.mark.parametrize(("text", "language"), sentences())
def test_what_espeak_says_is_believed_and_never_stopped(text: str, language: str) -> None:
    for voice in ("default", "female"):
        wav = spoken(text, language, voice)
        assert fault(wav, RATE, text, capped=False) == ""
        assert len(wav) / RATE < 0.6 * longest_s(text) < cap_s(text), "there is room for slow speakers"
        padded = np.concatenate([silence(0.5, RATE), 0.1 * wav, silence(0.8, RATE)])
        assert fault(padded.astype(np.float32), RATE, text, capped=False) == ""


REAL = {
    "voice_ref_en.wav": "I'm confused why some people have super short timelines, yet at the same time are "
    "bullish on scaling up reinforcement learning atop LLMs. If we're actually close to a human-like "
    "learner, then this whole approach of training on verifiable outcomes is doomed.",
    "speech_en_9s6.wav": "The words of this are not known to us, but there are about as many of them as this "
    "sentence has, which a calm person says in nine seconds.",
}


@pytest.mark.parametrize("name", REAL)
def test_real_speech_is_believed(media: Path, name: str) -> None:
    wav, rate = decode_recording(media / name, 60.0, Quiet())
    assert fault(wav, rate, REAL[name], capped=False) == ""
    assert 0.5 < expected_s(REAL[name]) / (len(wav) / rate) < 2


SAID = "Good morning, and welcome to the news of today."


def test_a_fault_is_named() -> None:
    good = spoken(SAID)
    spans = voiced_spans(good, RATE)
    middle = int(spans[0][1] * RATE)
    slow = np.repeat(good, 12)
    broken = good.copy()
    broken[100] = np.nan
    faults = {
        f"did not come to an end within {len(good) / RATE:.0f} s": fault(good, RATE, SAID, capped=True),
        "was no sound": fault(broken, RATE, SAID, capped=False),
        "was silent": fault(silence(2.0, RATE), RATE, SAID, capped=False),
        "was distorted": fault(np.clip(good * 30, -1, 1), RATE, SAID, capped=False),
        "took only": fault(good[: len(good) // 4], RATE, SAID, capped=False),
        "took": fault(slow, RATE, SAID, capped=False),
        "fell silent for 3": fault(
            np.concatenate([good[:middle], silence(3.3, RATE), good[middle:]]), RATE, SAID, capped=False
        ),
    }
    for expected, found in faults.items():
        assert found.startswith(expected), (expected, found)
    assert fault(good * np.float32(1e-3), RATE, SAID, capped=False) == "was silent"
    assert fault(np.zeros(0, np.float32), RATE, SAID, capped=False) == "was silent"


@pytest.mark.parametrize(
    "text", ["YOU CAN NOT BUY IT NOW.", "DO NOT SAY IT TO ME OR TO HIM.", "STOP! I AM NOT SO BAD."]
)
def test_words_in_capitals_may_only_be_loud(text: str) -> None:
    wav = spoken(text.lower())
    fast = resample_poly(wav, 10, 13).astype(np.float32)  # by a third, as quick people do
    assert fault(fast, RATE, text, capped=False) == ""
    assert fault(wav[: len(wav) // 5], RATE, text, capped=False).startswith("took only")
