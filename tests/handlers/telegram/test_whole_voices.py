"""Voices through the whole daemon and a Bot API server: kept from a message, and those of before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from daemon import demo
from models.voices import Voices
from tests.daemon.control_kit import until
from tests.face_kit import speech
from tests.handlers.telegram.test_door_voices import old_one
from tests.handlers.telegram.whole import SOON_S, from_bot, whole, with_button
from tests.media_kit import ffmpeg


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """What somebody recorded with their phone."""
    wavfile.write(tmp_path / "spoken.wav", speech().rate, speech().wav)
    ffmpeg("-i", tmp_path / "spoken.wav", "-c:a", "libopus", "-ar", "48000", tmp_path / "voice.ogg")
    return tmp_path / "voice.ogg"


def test_a_voice_message_becomes_a_saved_voice(tmp_path: Path, message: Path) -> None:
    for name in ("album", "desk"):
        (tmp_path / name).mkdir()
    clip = demo.clip(tmp_path / "album", (180, 320), 1)
    with whole(tmp_path / "desk", clip) as (api, desk):
        old = desk.config.telegram_files / "voices"
        old_one(old / "20abcdef", "Old one", 4, "2026-11-02T08:00:00Z")
        with desk.daemon():
            fay = api.person(3, "Fay")
            fay.send_voice(message)
            card = fay.chat.wait_for(lambda m: with_button(m, "d.sound:"), SOON_S)
            fay.press(card, next(b.data for row in card.buttons for b in row if b.data.endswith(":keep")))
            fay.chat.wait_for(lambda m: any("Write a name" in x.words for x in from_bot(m)), SOON_S)
            fay.send_text("Fay")
            told = fay.chat.wait_for(
                lambda m: next((x for x in from_bot(m) if "Kept as the voice Fay" in x.words), None), SOON_S
            )
            assert "cannot imitate it" in told.words, "the draft voice speaks on this machine"
            until(lambda: not old.exists())  # taken over beside all else, and nobody is told
        kept = {voice.name: voice for voice in Voices(desk.config.voices).all()}
    assert {name: voice.chat_id for name, voice in kept.items()} == {"Old one": 4, "Fay": 3}
    wav = kept["Fay"].wav
    assert wav is not None and np.abs(wavfile.read(wav)[1]).max() > 0.05
