"""Which recordings a voice can be learned from: real files of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from models.errors import BadInput
from models.progress import Quiet
from pipeline.voice_check import check_voice, read_voice
from tests.face_kit import speech
from tests.media_kit import ffmpeg

RATE = 16_000


def bursts(seconds: float, level: float) -> Any:
    """As words are: half a second of sound, a quarter of silence."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 200 * at) * (at % 0.75 < 0.5)).astype(np.float32)


def tone(seconds: float) -> Any:
    return (0.2 * np.sin(2 * np.pi * 200 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def hiss(seconds: float, level: float = 0.1) -> Any:
    return np.random.default_rng(1).normal(0, level, int(seconds * RATE)).astype(np.float32)


def click(seconds: float) -> Any:
    wav = np.zeros(int(seconds * RATE), np.float32)
    wav[RATE : RATE + 2000] = 0.4
    return wav


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wav = tmp_path_factory.mktemp("spoken") / "anna.wav"
    wavfile.write(wav, speech().rate, speech().wav)
    return wav


@pytest.mark.parametrize("kind", ["ogg", "mp3", "mp4"])
def test_any_sound_or_video_will_do(tmp_path: Path, spoken: Path, kind: str) -> None:
    sent = tmp_path / f"sent.{kind}"
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x64:r=5:d=2"] if kind == "mp4" else []
    codec = ["-c:a", "libopus"] if kind == "ogg" else []
    ffmpeg("-i", spoken, *picture, *codec, sent)
    recorded = read_voice(sent, Quiet())
    assert recorded.seconds == pytest.approx(len(speech().wav) / speech().rate, abs=0.15)
    assert 0.5 * recorded.seconds < recorded.voiced_s <= recorded.seconds
    assert -26 < recorded.level_db < -14


def test_speech_in_noise_is_speech(spoken: Path) -> None:
    """As in a street: the voice is 3 dB above it."""
    wav = np.asarray(wavfile.read(spoken)[1], np.float32)
    noise = np.random.default_rng(1).normal(0, 0.7 * np.sqrt(np.mean(wav**2)), len(wav)).astype(np.float32)
    check_voice(wav + noise, speech().rate)


@pytest.mark.parametrize(
    ("wav", "code"),
    [
        (bursts(2.9, 0.3), "voice_too_short"),
        (click(8), "voice_too_short"),
        (bursts(60.5, 0.3), "voice_too_long"),
        (bursts(8, 0.003), "voice_too_quiet"),
        (np.clip(bursts(8, 3.0), -1, 1), "voice_clipped"),
        (tone(8), "voice_no_speech"),
        (hiss(8), "voice_no_speech"),
        (np.zeros(RATE * 8, np.float32), "speech_silent"),
    ],
)
def test_what_cannot_be_learned_from(tmp_path: Path, wav: Any, code: str) -> None:
    sent = tmp_path / "sent.wav"
    wavfile.write(sent, RATE, wav)
    with pytest.raises(BadInput) as caught:
        read_voice(sent, Quiet())
    error = caught.value
    assert error.code == code and error.hint
    assert "voice message" not in error.message + error.hint, "it may be a file"


def test_just_long_and_just_short_enough() -> None:
    for seconds in (3.0, 60.0):
        assert check_voice(bursts(seconds, 0.3), RATE).seconds == seconds


def test_what_is_too_long_is_not_decoded_to_its_end(tmp_path: Path) -> None:
    sent = tmp_path / "sent.mp3"
    ffmpeg("-f", "lavfi", "-i", "sine=300:d=700:r=8000", "-b:a", "8k", sent)
    with pytest.raises(BadInput) as caught:
        read_voice(sent, Quiet())
    assert caught.value.code == "voice_too_long" and "more than 600 s" in caught.value.message
    assert "ffmpeg -ss 5 -t 20" in caught.value.hint
