"""Voices at the door: kept for their chat, for nobody else; and those of earlier versions taken over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from daemon.config import Config
from handlers.telegram.choices import Choices
from handlers.telegram.door import choices, old_voices, theirs, voice
from handlers.telegram.door.examine import examine
from handlers.telegram.errors import in_words
from models.errors import BadInput
from models.progress import Quiet
from models.voices import Voices
from pipeline.spec import JobSpec
from tests.face_kit import speech
from tests.media_kit import ffmpeg

OURS, THEIRS = 11, 22


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


@pytest.fixture
def voices(config: Config) -> Voices:
    return Voices(config.voices)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice message, under a name of ours."""
    folder = tmp_path_factory.mktemp("sent")
    wavfile.write(folder / "spoken.wav", speech().rate, speech().wav)
    ffmpeg("-i", folder / "spoken.wav", "-c:a", "libopus", "-ar", "48000", folder / "20abcdef.ogg")
    return folder / "20abcdef.ogg"


def asked(config: Config, **more: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"config": config.model_dump(mode="json")} | more
    return dict(json.loads(json.dumps(whole)))


def keep(config: Config, sound: Path, name: str = "Anna") -> dict[str, Any]:
    wish = asked(config, sound=str(sound), called="", name=name, chat_id=OURS, hear=False)
    return voice.keep(None, wish, Quiet())


# ---------------------------------------------------------------- keeping


def test_a_voice_message_becomes_a_voice(config: Config, voices: Voices, sent: Path) -> None:
    told = keep(config, sent)
    assert told["seconds"] == pytest.approx(len(speech().wav) / speech().rate, abs=0.1)
    assert (told["text"], told["engine"], told["usable"]) == ("", "espeak", False)
    (kept,) = voices.all()
    assert (kept.name, kept.chat_id) == ("Anna", OURS) and kept.wav is not None
    rate, wav = wavfile.read(kept.wav)
    assert (rate, wav.ndim, wav.dtype) == (24_000, 1, np.float32) and 0.05 < np.abs(wav).max() < 1


def test_what_cannot_be_kept_is_told_in_their_words(config: Config, voices: Voices, tmp_path: Path) -> None:
    bad, short = tmp_path / "20abcdeg.ogg", tmp_path / "20abcdeh.wav"
    bad.write_bytes(b"no sound")
    wavfile.write(short, speech().rate, speech().wav[: speech().rate])
    for sound in (bad, short):
        with pytest.raises(BadInput) as caught:
            keep(config, sound)
        assert "20abcde" not in caught.value.message + caught.value.hint
        assert "说" in in_words("zh", caught.value.as_dict()) or "录音" in in_words(
            "zh", caught.value.as_dict()
        )
    assert voices.all() == []


# ---------------------------------------------------------------- whose


@pytest.fixture
def cloning(config: Config, voices: Voices) -> Config:
    """The engine speaks with what was recorded: a tiny checkpoint, on the CPU."""
    from models.qwen3.random_weights import lay
    from tests.models.qwen3.tiny import BASE, TINY

    lay(config.weights, BASE, TINY, seed=0)
    for name, chat_id in (("Everybodys", None), ("Ours", OURS), ("Theirs", THEIRS)):
        voices.save_recording(name, speech().wav, speech().rate, text="Good morning.", chat_id=chat_id)
    return config.model_copy(
        update={"speech": config.speech.model_copy(update={"engine": "qwen3", "device": "cpu"})}
    )


def test_each_chat_has_its_own_voices(cloning: Config) -> None:
    there = Choices.from_json(choices.choices(None, asked(cloning), Quiet()))
    assert there.engine == "qwen3" and not there.tone
    assert [c.name for c in there.of_chat(OURS).voices] == ["Everybodys", "Ours"]
    assert [c.name for c in there.of_chat(33).voices] == ["Everybodys"]


def test_the_voice_of_another_chat_does_not_exist(cloning: Config) -> None:
    def says(**otherwise: Any) -> dict[str, Any]:
        draft: dict[str, Any] = {"script": "Hello.", "script_file": None, "clip": None, "speech": None}
        draft |= {"names": {}, "face": None, "preset": {}, "options": {}, "chat_id": OURS}
        return examine(None, asked(cloning, **draft | otherwise), Quiet())

    for name, wrong in (("Ours", False), ("Everybodys", False), ("Theirs", True), ("theirs", True)):
        told = says(script=f"---\nvoice: {name}\n---\nHello.")
        assert (told["wrong"] is not None) == wrong, name
        if wrong:
            assert told["wrong"]["known"] == "" or "Theirs" not in told["wrong"]["known"]
    assert says(preset={"voice": "Theirs"})["notes"] == [
        {"key": "note.gone", "what": "voice", "value": "Theirs"}
    ]
    tone = says(script="---\ntone: warm\n---\nHello.")["wrong"]
    assert "“tone: warm”" in in_words("en", tone) and "cannot do that" in in_words("en", tone)


def test_a_listen_is_for_whom_the_voice_is(cloning: Config, voices: Voices) -> None:
    """It is spoken by that voice, and not by what has its name when it is its turn."""

    def wish(name: str) -> dict[str, Any]:
        spec = JobSpec(script="Hello.", clip=Path("/"), voice=name).model_dump(mode="json")
        return theirs.with_voice(None, asked(cloning, chat_id=OURS, spec=spec), Quiet())

    ours = voices.find("Ours")
    assert ours is not None and wish("Ours")["spec"]["voice_id"] == ours.id
    with pytest.raises(BadInput) as caught:
        wish("Theirs")
    assert caught.value.code == "voice_unknown"


# ---------------------------------------------------------------- of earlier versions


def old_one(folder: Path, name: str, chat_id: int, at: str) -> None:
    folder.mkdir(parents=True)
    wavfile.write(folder / "voice.wav", 24_000, speech().wav)
    facts = {"name": name, "seconds": 3.0, "chat_id": chat_id, "at": at, "wav": "voice.wav"}
    (folder / "voice.json").write_text(json.dumps(facts), "utf-8")


def test_voices_of_earlier_versions_are_taken_over(config: Config, voices: Voices, tmp_path: Path) -> None:
    old = tmp_path / "telegram" / "voices"
    old_one(old / "b", "../Anna <b>", OURS, "2026-11-02T08:00:00Z")
    old_one(old / "a", "Anna", OURS, "2026-11-03T08:00:00Z")
    old_one(old / "c", "anna", THEIRS, "2026-11-04T08:00:00Z")
    old_one(old / "d", "🎙", THEIRS, "2026-11-01T08:00:00Z")
    old_one(old / "e", "x" * 40, THEIRS, "2026-11-05T08:00:00Z")
    old_one(old / "f", "x" * 40, OURS, "2026-11-06T08:00:00Z")
    (old / "h").symlink_to(tmp_path / "elsewhere")
    old_one(tmp_path / "elsewhere", "Linked", OURS, "2026-11-07T08:00:00Z")
    told = old_voices.take_over(None, asked(config, old=str(old)), Quiet())
    assert told == {"voices": 7, "left": []}
    assert [(kept.name, kept.chat_id) for kept in voices.all()] == [
        ("Voice", THEIRS),
        ("Anna b", OURS),
        ("Anna", OURS),
        ("anna 2", THEIRS),
        ("x" * 40, THEIRS),
        ("x" * 36 + " 2", OURS),
        ("Linked", OURS),
    ]
    assert not old.exists() and (tmp_path / "elsewhere" / "voice.wav").exists()


def test_what_cannot_be_taken_over_stays_where_it_is(config: Config, voices: Voices, tmp_path: Path) -> None:
    """A recording is not to be lost because what stands beside it is torn."""
    old, there = tmp_path / "voices", tmp_path / "there"
    for number, name in enumerate(("whole", "torn", "nameless", "deep", "whose")):
        old_one(there / name, name, OURS, f"2026-11-0{number + 1}T08:00:00Z")
    (there / "torn" / "voice.json").write_text('{"name": "to')
    (there / "nameless" / "voice.json").write_text('{"chat_id": 1}')
    (there / "deep" / "voice.json").write_text("[" * 100_000)
    (there / "whose" / "voice.json").write_text('{"name": "whose", "chat_id": null}')
    old.symlink_to(there)
    left = ["deep", "nameless", "torn", "whose"]
    for count in (1, 0):
        told = old_voices.take_over(None, asked(config, old=str(old)), Quiet())
        assert told == {"voices": count, "left": left}
    assert all((there / name / "voice.wav").exists() for name in left)
    for name in left:
        shutil.rmtree(there / name)
    old_voices.take_over(None, asked(config, old=str(old)), Quiet())
    assert there.exists() and not old.is_symlink(), "of a link, only the link is removed"
    assert [kept.name for kept in voices.all()] == ["whole"]
