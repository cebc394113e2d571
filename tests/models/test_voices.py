"""Saved voices on disk: whole or not at all, one for a name, and what decides their sound."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from models.engine import Audio
from models.errors import BadInput, Unavailable
from models.voice_files import FACTS
from models.voice_names import NAME_CHARS, TEXT_CHARS, checked_name
from models.voices import SavedVoice, UnreadableVoice, Voices

ROOT = Path(__file__).resolve().parents[2]


def sound(seconds: float = 1.0, rate: int = 44_100, pitch: float = 200.0) -> Audio:
    at = np.arange(int(seconds * rate)) / rate
    wav: Audio = (0.05 * np.sin(2 * np.pi * pitch * at) * (at % 0.3 < 0.2)).astype(np.float32)
    return wav


@pytest.fixture
def voices(tmp_path: Path) -> Voices:
    return Voices(tmp_path / "voices")


def saved(voices: Voices, name: str, **more: Any) -> SavedVoice:
    return voices.save_recording(name, sound(), 44_100, **more)


def names(voices: Voices) -> list[str]:
    return [voice.name for voice in voices.all()]


# ---------------------------------------------------------------- what is kept


def test_a_recording_is_kept_as_the_engines_take_it(voices: Voices) -> None:
    voice = saved(voices, "Anna", text=" Good\n morning. ", language="en", chat_id=7)
    assert voice.wav is not None and voice.kind == "recorded"
    rate, wav = wavfile.read(voice.wav)
    assert (rate, wav.ndim, wav.dtype, len(wav)) == (24_000, 1, np.float32, 24_000)
    assert 0.08 < np.abs(wav).max() < 0.9, "at the level of all voices"
    assert (voice.text, voice.language, voice.chat_id, voice.seconds) == ("Good morning.", "en", 7, 1.0)
    assert voices.find("anna") == voice == voices.all()[0]
    assert voice.folder.stat().st_mode & 0o077 == 0, "somebody's voice is nobody else's business"


def test_a_description_is_kept(voices: Voices) -> None:
    voice = voices.save_description("Anchor", "A calm,\n deep voice")
    assert (voice.kind, voice.description, voice.wav) == ("described", "A calm, deep voice", None)
    assert voices.find("anchor") == voice


def test_the_key_says_what_decides_the_sound(voices: Voices) -> None:
    first = saved(voices, "A", text="One.")
    assert saved(voices, "B", text="One.").key == first.key, "a name sounds like nothing"
    other = voices.save_recording("C", sound(pitch=210), 44_100, text="One.")
    described = [voices.save_description(name, f"Voice {name}") for name in "DE"]
    keys = {v.key for v in (first, saved(voices, "F", text="Two."), other, *described)}
    assert len(keys) == 5 and all(len(key) == 32 for key in keys)


def test_a_text_that_was_corrected_by_hand_counts(voices: Voices) -> None:
    voice = saved(voices, "Anna", text="One.")
    facts = json.loads((voice.folder / FACTS).read_text("utf-8"))
    (voice.folder / FACTS).write_text(json.dumps(facts | {"text": "Two."}), "utf-8")
    corrected = voices.find("Anna")
    assert corrected is not None and corrected.text == "Two." and corrected.key != voice.key


def test_the_oldest_comes_first_and_stays_the_oldest(tmp_path: Path) -> None:
    hours = iter(range(9, 24))
    voices = Voices(tmp_path, lambda: dt.datetime(2026, 11, 23, next(hours), tzinfo=dt.UTC))
    for name in ("Eva", "Anna", "Bo", "EVA"):
        saved(voices, name)
    assert names(voices) == ["EVA", "Anna", "Bo"], "the one that was recorded again is still the usual one"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Anna  Maria ", "Anna Maria"),
        ("主播一号", "主播一号"),
        ("नमस्ते", "नमस्ते"),
        ("e\u0301va", "\u00e9va"),
        ("two_2-b", "two_2-b"),
        ("x" * NAME_CHARS, "x" * NAME_CHARS),
    ],
)
def test_names(given: str, kept: str) -> None:
    assert checked_name(given) == kept


@pytest.mark.parametrize(
    "name",
    [
        *("", "  ", "a/b", "..", "-x", "_x", "none", "AUTO", "x" * 41, "a\0b", "a\u202eb", "<b>", "🎙"),
        *("\u3164", "Anna\ufe0f", "An\u034fna", "\u0301a"),  # nobody can see them, or what they belong to
    ],
)
def test_names_that_cannot_be(voices: Voices, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        saved(voices, name)
    assert caught.value.code == "voice_name_invalid" and caught.value.message.isprintable()
    assert not voices.folder.exists()


def test_a_name_stands_for_one_voice(voices: Voices) -> None:
    first, again = saved(voices, "\u00c9va"), saved(voices, "e\u0301VA")
    assert names(voices) == ["\u00e9VA"] and first.id == again.id, "it is recorded anew"
    voices.save_description("éva", "deep")
    assert [voice.kind for voice in voices.all()] == ["described"]
    assert [path.name for path in again.folder.iterdir()] == [FACTS], "nothing of the one before is kept"
    saved(voices, "ＥＶＡ")
    assert voices.find("eva") is not None and voices.find("éva") is not None, "wide letters are letters"


def test_a_voice_of_a_chat_is_not_replaced_by_others(voices: Voices) -> None:
    saved(voices, "Anna", chat_id=1)
    for other in (2, None):
        with pytest.raises(BadInput) as caught:
            saved(voices, "anna", chat_id=other)
        assert caught.value.code == "voice_name_taken"
    with pytest.raises(BadInput):
        voices.save_description("Anna", "deep")
    assert saved(voices, "anna", chat_id=1).chat_id == 1 and names(voices) == ["anna"]


@pytest.mark.parametrize("text", ["x" * (TEXT_CHARS + 1), "a\x07b"])
def test_texts_that_cannot_be(voices: Voices, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        saved(voices, "Anna", text=text)
    assert caught.value.code == "voice_text_invalid"


# ---------------------------------------------------------------- removing, damage


def test_removing(voices: Voices) -> None:
    voice = saved(voices, "Anna")
    (voice.folder / "prompt-1.safetensors").touch()
    saved(voices, "Bo")
    assert voices.remove("ANNA") == voice
    assert names(voices) == ["Bo"] and not voice.folder.exists()
    with pytest.raises(BadInput) as caught:
        voices.remove("Boo")
    assert caught.value.code == "voice_unknown" and caught.value.hint.startswith("Did you mean Bo?")


def without(key: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != key}


@pytest.mark.parametrize("damage", ["", "[]", "{}", "\udcff", "[" * 100_000, "chat_id", "name", "NaN", "9"])
def test_a_record_that_is_damaged_is_told_and_can_be_removed(voices: Voices, damage: str) -> None:
    """A private voice must not become everybody's because its chat_id was lost."""
    broken, whole = saved(voices, "Anna", chat_id=7), saved(voices, "Eva")
    facts = json.loads((broken.folder / FACTS).read_text("utf-8"))
    written = {"NaN": facts | {"seconds": math.nan}, "9": facts | {"version": 9}}.get(damage)
    if damage in facts:
        written = without(damage, facts)
    text = damage if written is None else json.dumps(written)
    (broken.folder / FACTS).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert voices.all() == [whole]
    (told,) = voices.unreadable()
    assert told.folder == broken.folder and told.why.startswith("voice.json is damaged: ")
    assert isinstance(voices.remove(broken.id), UnreadableVoice)
    assert not broken.folder.exists() and voices.unreadable() == []


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "rate"])
def test_a_recording_that_is_damaged_is_told(voices: Voices, damage: str) -> None:
    broken = saved(voices, "Anna")
    assert broken.wav is not None and not broken.damage
    if damage == "gone":
        broken.wav.unlink()
    elif damage == "rate":
        wavfile.write(broken.wav, 16_000, sound())
    else:
        whole = broken.wav.read_bytes()
        broken.wav.write_bytes(whole[:-100] if damage == "cut" else b"x" * len(whole))
    (found,) = voices.all()
    assert found.damage and found.name == "Anna"
    assert not saved(voices, "Anna").damage, "saved again, it is whole"


def test_a_voice_is_there_while_it_is_replaced(voices: Voices) -> None:
    """Whoever looks finds the one or the other."""
    saved(voices, "Anna")
    stop = threading.Event()

    def replacing() -> None:
        for n in range(12):
            saved(voices, "Anna", text=f"Number {n}")
        stop.set()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(replacing)
        while not stop.is_set() and not done.done():
            (found,) = voices.all()
            assert not found.damage
        done.result()


def test_a_link_to_a_voice_is_removed_and_not_what_it_leads_to(voices: Voices, tmp_path: Path) -> None:
    voice = saved(voices, "Anna")
    voice.folder.rename(tmp_path / "elsewhere")
    voice.folder.symlink_to(tmp_path / "elsewhere")
    voices.remove("Anna")
    assert voices.all() == [] and not voice.folder.is_symlink()
    assert (tmp_path / "elsewhere" / FACTS).exists()


def test_all_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    saved(Voices(tmp_path / "data" / "of" / "voices"), "Anna")
    made = [tmp_path / "data", tmp_path / "data" / "of", tmp_path / "data" / "of" / "voices"]
    assert [folder.stat().st_mode & 0o777 for folder in made] == [0o700] * 3


def test_a_save_that_was_killed_leaves_nothing(voices: Voices) -> None:
    """It lies under a hidden name until it is whole; the next one takes that away."""
    whole = saved(voices, "Anna")
    half = voices.folder / ".abc.part"
    shutil.copytree(whole.folder, half)
    assert voices.all() == [whole]
    saved(voices, "Bo")
    assert not half.exists() and names(voices) == ["Anna", "Bo"]


def test_of_many_at_once_one_is_left(voices: Voices) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: voices.save_description("Anna", f"Number {n}"), range(12)))
    assert names(voices) == ["Anna"]
    assert len([path for path in voices.folder.iterdir() if path.name != "lock"]) == 1


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "voices").touch()
    voices = Voices(tmp_path / "voices")
    with pytest.raises(Unavailable) as caught:
        saved(voices, "Anna")
    assert caught.value.code == "voices_unusable" and str(voices.folder) in caught.value.message
    for look in (voices.all, voices.unreadable, lambda: voices.remove("Anna")):
        with pytest.raises(Unavailable):
            look()  # and not: there is none


def test_listing_loads_nothing_heavy(voices: Voices) -> None:
    saved(voices, "Anna")
    code = (
        "import sys; from pathlib import Path; from models.voices import Voices\n"
        f"print(Voices(Path({str(voices.folder)!r})).all()[0].name)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'scipy', 'torch', 'av'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split("\n")[:2] == ["Anna", "[]"]
