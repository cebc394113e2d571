"""vigentd voices: list, add, rm, test, as a person and a program meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from daemon import hearing
from daemon.config import Config
from daemon.voice_choice import why_not
from models.choose import Choice
from models.engine import Audio, Transcript
from models.progress import Progress
from models.qwen3.random_weights import lay
from models.voices import Voices
from tests.daemon.conftest import Cli, Said
from tests.face_kit import speech
from tests.models.qwen3.tiny import BASE, DESIGN, TINY

TEXT = "Good morning, and welcome to the news."


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    wav = tmp_path_factory.mktemp("recordings") / "anna.wav"
    wavfile.write(wav, speech().rate, speech().wav)
    return str(wav)


@pytest.fixture
def voices(config: Config) -> Voices:
    return Voices(config.voices)


def named(said: Said, name: str) -> Any:
    (item,) = (item for item in said.json if item["name"] == name)
    return item


def refused(said: Said, code: str, word: str = "") -> None:
    """One plain sentence and what to do; no traceback."""
    assert said.code == 2 and said.json["error"]["code"] == code, said
    assert "Traceback" not in said.err and said.json["error"]["hint"]
    assert word in said.json["error"]["message"] + said.json["error"]["hint"]


# ---------------------------------------------------------------- add


def test_a_recording_is_added_and_shown(process: Cli, recording: str, voices: Voices) -> None:
    said = process("voices", "add", "Anna", "--audio", recording, "--text", TEXT)
    assert said.code == 0, said.err
    assert f"Saved the voice Anna: {len(speech().wav) / speech().rate:.1f} s, " in said.out
    assert " s of it speech, at -" in said.out and f"It says: {TEXT}" in said.out
    assert said.err.startswith("note: It cannot be used now: espeak has only voices of its own")
    voice = voices.find("anna")
    assert voice is not None and (voice.text, voice.language, voice.chat_id) == (TEXT, "en", None)
    assert voice.wav is not None and wavfile.read(voice.wav)[0] == 24_000


def test_what_is_said_is_heard_by_whisper(
    cli: Cli, recording: str, monkeypatch: pytest.MonkeyPatch, voices: Voices
) -> None:
    """Whisper itself has tests of its own; here somebody hears in its place."""
    heard: list[Any] = []
    monkeypatch.setattr(hearing, "choose_aligner", lambda *how: Choice("whisper"))
    monkeypatch.setattr(hearing, "aligner", lambda **how: Ear(heard, how, " Guten\n Morgen. "))
    added = cli("voices", "add", "Anna", "--audio", recording, "--json").json
    assert (added["text"], added["language"]) == ("Guten Morgen.", "de")
    assert heard == [("small", "cpu", "")]
    said = cli("voices", "add", "Anna", "--audio", recording, "--replace")
    again = f"`vigentd voices add Anna --audio {recording} --text TEXT --replace`"
    assert "what Whisper heard" in said.err and again in said.err
    assert "too short for that" in said.err
    monkeypatch.setattr(hearing, "aligner", lambda **how: Ear(heard, how, " … "))
    refused(cli("voices", "add", "Bo", "--audio", recording, "--json"), "voice_no_speech", "no words")
    assert voices.find("Bo") is None


class Ear:
    def __init__(self, heard: list[Any], how: dict[str, Any], says: str) -> None:
        self.heard, self.how, self.says = heard, (how["model"], how["device"]), says

    def transcribe(self, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
        assert wav.ndim == 1 and len(wav) > 3 * rate
        self.heard.append((*self.how, language))
        return Transcript(self.says, "de", [])


@pytest.mark.parametrize(
    ("text", "why"),
    [("Yes.", "it is too short for that"), (TEXT * 40, "nobody says as much"), (TEXT * 3, "")],
)
def test_a_text_that_cannot_be_what_is_said(
    cli: Cli, tmp_path: Path, voices: Voices, text: str, why: str
) -> None:
    wavfile.write(tmp_path / "long.wav", speech().rate, np.tile(speech().wav, 3))
    said = cli("voices", "add", "Anna B", "--audio", "long.wav", "--text", text)
    assert said.code == 0 and (why in said.err) and voices.find("Anna B") is not None
    again = "`vigentd voices add 'Anna B' --audio long.wav --text TEXT --replace`"
    assert (again in said.err) == bool(why)


def test_without_whisper_the_text_is_asked_for(cli: Cli, recording: str, voices: Voices) -> None:
    said = cli("voices", "add", "Anna", "--audio", recording, "--json")
    refused(said, "voice_text_missing", "--text")
    assert voices.all() == []


def test_a_description_is_added(cli: Cli, voices: Voices) -> None:
    added = cli("voices", "add", "Anchor", "--describe", "A calm,  deep voice", "--json").json
    assert (added["kind"], added["description"]) == ("described", "A calm, deep voice")
    assert voices.find("Anchor") is not None


def test_a_name_that_is_taken(cli: Cli, recording: str, voices: Voices) -> None:
    add = ("voices", "add", "Anna", "--json", "--describe")
    cli(*add, "one")
    refused(cli("voices", "add", "anna", "--json", "--describe", "two"), "voice_name_taken", "--replace")
    assert cli(*add, "two", "--replace").json["description"] == "two"
    for own in ("deep", "Vivian", "uncle fu"):  # whichever checkpoint is set
        said = cli("voices", "add", own, "--describe", "x", "--json")
        refused(said, "voice_name_taken", "of the engine")
    assert cli("voices", "add", "default", "--describe", "x", "--json").code == 0
    voices.save_recording("Bea", speech().wav, speech().rate, chat_id=7)
    for more in ((), ("--replace",)):
        said = cli("voices", "add", "Bea", "--describe", "x", "--json", *more)
        refused(said, "voice_name_taken", "voices rm")
    assert [voice.chat_id for voice in voices.all()] == [None, None, 7]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["Anna"], "usage", "--describe"),
        (["Anna", "--audio", "x.wav", "--describe", "x"], "usage", "--audio"),
        (["Anna", "--text", "x", "--describe", "x"], "usage", "--text"),
        (["a/b", "--describe", "x"], "voice_name_invalid", "letters"),
        (["Anna", "--describe", " "], "voice_text_invalid", "empty"),
        (["Anna", "--audio", "gone.wav", "--text", "x"], "speech_unreadable", "gone.wav"),
        (["Anna", "--audio", "gone.wav"], "speech_unreadable", "gone.wav"),
        (["Anna", "--audio", "."], "speech_unreadable", "is a folder"),
        (["Anna", "--audio", "a" * 300, "--text", "x"], "speech_unreadable", "aaa"),
        (["Anna", "--audio", "http://a/b.wav", "--text", "x"], "address_given", "Download"),
        (["Anna", "--audio", "long.wav", "--text", "x"], "voice_too_long", "61 s"),
        (["Anna", "--audio", "text.txt", "--text", "x"], "speech_unreadable", "text.txt"),
    ],
)
def test_what_cannot_be_added(
    cli: Cli, tmp_path: Path, voices: Voices, arguments: list[str], code: str, word: str
) -> None:
    wavfile.write(tmp_path / "long.wav", 8000, np.ones(61 * 8000, np.float32) * 0.1)
    (tmp_path / "text.txt").write_text("no sound")
    refused(cli("voices", "add", *arguments, "--json"), code, word)
    assert voices.all() == []


# ---------------------------------------------------------------- ls


def test_what_is_there_and_what_can_be_used(cli: Cli, voices: Voices) -> None:
    voices.save_recording("Anna B", speech().wav, speech().rate, text="So " * 40)
    voices.save_description("Anchor", "A calm voice")
    said = cli("voices", "ls", "--json")
    assert [item["name"] for item in said.json][-2:] == ["Anna B", "Anchor"]
    assert said.json == cli("voices", "--json").json
    own, anna, anchor = (named(said, name) for name in ("deep", "Anna B", "Anchor"))
    assert (own["kind"], own["engine"], own["usable"], own["why"]) == ("built in", "espeak", True, "")
    assert (anna["kind"], anna["usable"]) == ("recorded", False) and "Qwen3-TTS (Base)" in anna["why"]
    assert anna["seconds"] == pytest.approx(len(speech().wav) / speech().rate, abs=0.01)
    assert (anchor["kind"], anchor["seconds"]) == ("described", None)
    table = cli("voices")
    assert "So So So" in table.out and "…" in table.out and "A calm voice" in table.out
    assert "Anna B: cannot be used now: espeak" in table.err


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07 [red]one[/red]"])
def test_a_text_does_not_command_the_terminal(cli: Cli, voices: Voices, text: str) -> None:
    voice = voices.save_description("Anna", "one")
    facts = (voice.folder / "voice.json").read_text("utf-8")
    (voice.folder / "voice.json").write_text(json.dumps(json.loads(facts) | {"description": text}), "utf-8")
    said = cli("voices")
    assert "\x1b" not in said.out and "[red]one[/red]" in said.out


def test_the_list_is_there_though_the_engine_is_not(cli: Cli, voices: Voices) -> None:
    voices.save_description("Anchor", "A calm voice")
    said = cli("voices", "--json", VIGENTD_SPEECH__ENGINE="qwen3")
    assert [item["name"] for item in said.json] == ["Anchor"]
    assert not said.json[0]["usable"] and "cannot run here" in said.json[0]["why"]


@pytest.mark.parametrize(
    ("kind", "model", "usable"),
    [
        ("recorded", "1.7B-Base", True),
        ("recorded", "0.6B-Base", True),
        ("recorded", "1.7B-CustomVoice", False),
        ("recorded", "1.7B-VoiceDesign", False),
        ("described", "1.7B-VoiceDesign", True),
        ("described", "1.7B-Base", False),
    ],
)
def test_which_checkpoint_speaks_with_what(voices: Voices, kind: str, model: str, usable: bool) -> None:
    if kind == "recorded":
        voice = voices.save_recording("Anna", speech().wav, speech().rate)
    else:
        voice = voices.save_description("Anna", "deep")
    why = why_not(voice, "qwen3", model)
    assert (why == "") == usable and (usable or model in why)


def test_the_default_is_marked_as_it_is_written(cli: Cli, config: Config, voices: Voices) -> None:
    """VoiceDesign has a presenter of its own, who is described; a name counts large or small."""
    lay(config.weights, DESIGN, TINY, seed=0)
    designing = {"VIGENTD_SPEECH__ENGINE": "qwen3", "VIGENTD_SPEECH__DEVICE": "cpu"}
    designing["VIGENTD_SPEECH__MODEL"] = DESIGN
    voices.save_description("Anchor", "A calm voice")
    said = cli("voices", "--json", **designing)
    assert [(item["name"], item["default"]) for item in said.json] == [("default", True), ("Anchor", False)]
    assert "friendly presenter" in said.json[0]["description"]
    said = cli("voices", "--json", **designing, VIGENTD_DEFAULTS__VOICE="anchor")
    assert [(item["name"], item["default"]) for item in said.json] == [("default", False), ("Anchor", True)]


# ---------------------------------------------------------------- rm, test


def test_removing(cli: Cli, voices: Voices) -> None:
    for name in ("Anna", "Anchor"):
        voices.save_description(name, "one")
    said = cli("voices", "rm", "anna")
    assert said.code == 0 and said.err == "The voice Anna is removed.\n"
    voices.save_description("default", "one")
    assert cli("voices", "rm", "default").err == "The voice default is removed.\n", "espeak speaks"
    cli("voices", "rm", "anchor")
    assert voices.all() == []
    said = cli("voices", "rm", "Anna")
    assert said.code == 2 and "There is no voice named “Anna”" in said.err


def test_removing_the_default(cli: Cli, config: Config, voices: Voices) -> None:
    """Who speaks then is said, if somebody does."""
    lay(config.weights, BASE, TINY, seed=0)
    for name in ("Anna", "Bo"):
        voices.save_recording(name, speech().wav, speech().rate)
    cloning = {"VIGENTD_SPEECH__ENGINE": "qwen3", "VIGENTD_SPEECH__DEVICE": "cpu"}
    assert "jobs that name none: they are spoken by Bo now" in cli("voices", "rm", "Anna", **cloning).err
    assert "It was the default voice" in cli("voices", "rm", "Bo", **cloning).err
    assert "No voice can be used now" in cli("voices", **cloning).err


def test_what_is_damaged_is_shown_and_removed(cli: Cli, voices: Voices) -> None:
    broken, cut = (voices.save_recording(name, speech().wav, speech().rate) for name in ("Anna", "Bo"))
    (broken.folder / "voice.json").write_text("{}")
    assert cut.wav is not None
    cut.wav.write_bytes(cut.wav.read_bytes()[:1000])
    said = cli("voices")
    assert f"{broken.id}: cannot be read: voice.json is damaged: name: Field required." in said.err
    assert "Bo: cannot be used now: its recording cannot be read: the file is cut off." in said.err
    assert not named(cli("voices", "--json"), broken.id)["usable"]
    assert broken.id in cli("voices", "rm", broken.id).err and not broken.folder.exists()


def test_a_folder_that_cannot_be_read_is_no_empty_one(cli: Cli, voices: Voices) -> None:
    voices.folder.parent.mkdir(parents=True, exist_ok=True)
    voices.folder.touch()
    said = cli("voices", "rm", "Anna")
    assert said.code != 0 and "Voices cannot be read" in said.err and "no voice named" not in said.err


def test_a_voice_is_heard(process: Cli, tmp_path: Path) -> None:
    said = process("voices", "test", "deep", "--text", "Hello there.")
    assert said.code == 0 and Path(said.out.strip()) == tmp_path / "deep-test.wav"
    assert "spoken by espeak in" in said.err
    rate, wav = wavfile.read(tmp_path / "deep-test.wav")
    assert 0.5 < len(wav) / rate < 3 and np.abs(wav).max() > 0.1


def test_programs_hear_of_it_too(cli: Cli, tmp_path: Path) -> None:
    told = cli("voices", "test", "default", "--out", "a.wav", "--json").json
    assert told["file"] == str(tmp_path / "a.wav") and told["engine"] == "espeak"
    rate, wav = wavfile.read(tmp_path / "a.wav")
    assert told["seconds"] == pytest.approx(len(wav) / rate, abs=0.01)
    assert told["took_s"] >= 0 and told["load_s"] >= 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nobody"], "voice_unknown"),
        (["../nobody"], "voice_unknown"),
        (["Anna"], "voice_wrong_kind"),
        (["deep", "--out", "a.mp3"], "out_suffix"),
        (["deep", "--out", "gone/a.wav"], "out_unwritable"),
        (["deep", "--out", "a" * 300 + ".wav"], "out_unwritable"),
        (["deep", "--out", "text/a.wav"], "out_unwritable"),
        (["a" * 300], "voice_unknown"),
        (["deep", "--tone", "x" * 501], "option_invalid"),
        (["deep", "--text", " "], "script_empty"),
    ],
)
def test_what_cannot_be_heard(
    cli: Cli, voices: Voices, tmp_path: Path, arguments: list[str], code: str
) -> None:
    voices.save_recording("Anna", speech().wav, speech().rate)
    (tmp_path / "text").touch()
    said = cli("voices", "test", *arguments, "--json")
    assert said.code == 2 and said.json["error"]["code"] == code, said
    assert not list(tmp_path.glob("*.wav"))


def test_a_tone_is_part_of_a_job(cli: Cli, tmp_path: Path) -> None:
    """Wrong at once; what it is worth is up to the engine."""
    (tmp_path / "hello.txt").write_text("Good morning.", "utf-8")
    submit = ("submit", "--script", "hello.txt", "--clip", "gone.mp4", "--json", "--tone")
    said = cli(*submit, "warm\nand calm")
    assert said.json["error"]["code"] == "option_invalid" and "--tone must be words" in said.err
    assert cli(*submit, "warm and calm").json["error"]["code"] == "clip_missing"
