"""Who speaks with which checkpoint, and how it is refused."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import BadInput
from models.qwen3.casting import PRESENTER, SPEAKERS, cast, saved_voice, spoken_voices
from models.qwen3.checkpoint import Checkpoint
from models.voices import EVERYBODY, Voices
from tests.models.qwen3.voices_kit import RATE, humming, save_anna

LANGUAGES = ("chinese", "english", "japanese", "korean", "german")
BASE = Checkpoint("1.7B-Base", Path("base"), "base", (), LANGUAGES)
CUSTOM = Checkpoint("1.7B-CustomVoice", Path("custom"), "custom_voice", tuple(SPEAKERS), LANGUAGES)
DESIGN = Checkpoint("1.7B-VoiceDesign", Path("design"), "voice_design", (), LANGUAGES)
SMALL = Checkpoint("0.6B-CustomVoice", Path("small"), "custom_voice", ("aiden", "sohee"), LANGUAGES)


@pytest.fixture
def voices(tmp_path: Path) -> Voices:
    """Anna, Bert and, of a chat alone, Carl are recorded; Dora is described."""
    days = iter(range(1, 29))
    voices = Voices(tmp_path / "voices", lambda: dt.datetime(2026, 11, next(days), tzinfo=dt.UTC))
    voices.save_recording("Carl", humming(), RATE, chat_id=7)
    save_anna(voices)
    voices.save_recording("Bert", humming(), RATE)
    voices.save_description("Dora", "An old lady with a deep voice.")
    return voices


@pytest.mark.parametrize(
    ("checkpoint", "voice", "name", "speaker"),
    [
        (BASE, "default", "Anna", ""),  # the oldest that is everybody's
        (BASE, "bert", "Bert", ""),
        (CUSTOM, "default", "ryan", "ryan"),
        (CUSTOM, "Ono Anna", "ono_anna", "ono_anna"),
        (SMALL, "default", "aiden", "aiden"),
        (DESIGN, "default", "default", ""),
        (DESIGN, "dora", "Dora", ""),
    ],
)
def test_a_voice_is_found(
    checkpoint: Checkpoint, voice: str, name: str, speaker: str, voices: Voices
) -> None:
    role = cast(checkpoint, voices, voice, "", "en")
    assert (role.voice, role.speaker, role.language) == (name, speaker, "english")
    assert role.kind == checkpoint.kind


@pytest.mark.parametrize(
    ("language", "speaker"),
    [("zh", "vivian"), ("en", "ryan"), ("ja", "ono_anna"), ("ko", "sohee"), ("de", "ryan"), ("auto", "ryan")],
)
def test_the_default_speaker_is_at_home_in_the_language(language: str, speaker: str, voices: Voices) -> None:
    assert cast(CUSTOM, voices, "default", "", language).speaker == speaker


def test_only_speakers_of_the_checkpoint_are_chosen(voices: Voices) -> None:
    assert cast(SMALL, voices, "default", "", "zh").speaker == "aiden"
    odd = Checkpoint("1.7B-CustomVoice", Path("odd"), "custom_voice", ("somebody",), LANGUAGES)
    assert cast(odd, voices, "default", "", "zh").speaker == "somebody"


def test_the_default_can_be_saved(voices: Voices) -> None:
    voices.save_recording("Default", humming(2.0), RATE)
    assert cast(BASE, voices, "default", "", "en").voice == "Default"
    assert cast(DESIGN, voices, "default", "", "en").instruct == PRESENTER, "that one is a recording"
    assert cast(CUSTOM, voices, "default", "", "en").speaker == "ryan"


def test_what_is_told_is_the_description_and_then_the_tone(voices: Voices) -> None:
    assert cast(DESIGN, voices, "Dora", " very\n happy ", "en").instruct == (
        "An old lady with a deep voice. very happy"
    )
    assert cast(DESIGN, voices, "default", "", "en").instruct == PRESENTER
    assert cast(CUSTOM, voices, "ryan", "whispering", "en").instruct == "whispering"


@pytest.mark.parametrize(
    ("checkpoint", "voice", "tone", "language", "code", "said"),
    [
        (BASE, "Ana", "", "en", "voice_unknown", "Did you mean Anna? There are: Anna, Bert"),
        (CUSTOM, "vivienne", "", "en", "voice_unknown", "Did you mean vivian?"),
        (DESIGN, "Emil", "", "en", "voice_unknown", "There are: default, Dora"),
        (BASE, "Dora", "", "en", "voice_wrong_kind", 'Set speech.model = "1.7B-VoiceDesign"'),
        (BASE, "vivian", "", "en", "voice_wrong_kind", 'Set speech.model = "1.7B-CustomVoice"'),
        (CUSTOM, "Anna", "", "en", "voice_wrong_kind", 'Set speech.model = "1.7B-Base"'),
        (CUSTOM, "Dora", "", "en", "voice_wrong_kind", '(it is "1.7B-CustomVoice" now)'),
        (DESIGN, "Anna", "", "en", "voice_wrong_kind", "or choose one of: default, Dora"),
        (DESIGN, "Ryan", "", "en", "voice_wrong_kind", "CustomVoice"),
        (BASE, "Anna", "happy", "en", "tone_unfit", "Leave the tone out"),
        (SMALL, "aiden", "happy", "en", "tone_unfit", "1.7B-CustomVoice"),
        (CUSTOM, "ryan", "", "fr", "language_unknown", "Choose one of: zh, en, de, ja, ko"),
        (CUSTOM, "ryan", "", "klingon", "language_unknown", "Choose one of"),
    ],
)
def test_what_cannot_be_is_refused(
    checkpoint: Checkpoint, voice: str, tone: str, language: str, code: str, said: str, voices: Voices
) -> None:
    with pytest.raises(BadInput) as told:
        cast(checkpoint, voices, voice, tone, language)
    assert told.value.code == code
    assert said in told.value.hint, told.value.hint
    assert not told.value.message.endswith("."), "no full stop"
    assert "Carl" not in told.value.hint, "whose voice that is concerns nobody"


def test_a_voice_of_a_chat_is_found_there_and_by_its_id(voices: Voices) -> None:
    """By its name alone a job could be spoken by another chat's, that has the name since."""
    carl = voices.find("Carl")
    assert carl is not None
    assert (
        cast(BASE, voices, "Carl", "", "en", 7).saved == cast(BASE, voices, carl.id, "", "en").saved == carl
    )
    for by in (8, EVERYBODY):
        with pytest.raises(BadInput) as told:
            saved_voice(BASE, voices, "Carl", by)
        assert told.value.code == "voice_unknown"


def test_a_damaged_recording_is_refused_and_stays_the_default(voices: Voices) -> None:
    anna = voices.find("Anna")
    assert anna is not None and anna.wav is not None
    anna.wav.write_bytes(anna.wav.read_bytes()[:-10])
    for name in ("Anna", "default"):
        with pytest.raises(BadInput, match="cannot be read: the file is cut off") as told:
            cast(BASE, voices, name, "", "en")
        assert told.value.code == "voice_unreadable" and "--replace" in told.value.hint


def test_without_a_saved_voice_it_is_said_how_to_save_one(tmp_path: Path) -> None:
    voices = Voices(tmp_path / "none")
    with pytest.raises(BadInput, match="none is saved") as told:
        cast(BASE, voices, "default", "", "en")
    assert told.value.code == "voice_missing" and "vigentd voices add NAME --audio" in told.value.hint
    voices.save_recording("Carl", humming(), RATE, chat_id=7)
    with pytest.raises(BadInput, match="none is saved"):
        saved_voice(BASE, voices, "default")


def test_voices_are_listed_by_what_the_checkpoint_can(voices: Voices) -> None:
    assert spoken_voices(BASE, voices) == ["Anna", "Bert"]
    assert spoken_voices(SMALL, voices) == ["aiden", "sohee"]
    assert spoken_voices(DESIGN, voices) == ["default", "Dora"]
    voices.save_description("default", "Somebody.")
    assert spoken_voices(DESIGN, voices) == ["default", "Dora"], "once"


def test_a_speaker_goes_before_a_saved_voice_of_the_same_name_elsewhere(voices: Voices) -> None:
    voices.save_recording("Ryan", humming(), RATE)
    assert cast(CUSTOM, voices, "Ryan", "", "en").speaker == "ryan"
    assert cast(BASE, voices, "Ryan", "", "en").saved is not None


def test_casting_needs_no_torch() -> None:
    """It is done when a job is submitted."""
    seen = "import sys, models.qwen3.casting; print('torch' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
