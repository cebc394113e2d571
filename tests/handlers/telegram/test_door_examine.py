"""What the door says of a draft: a job, or why not, in the words of the person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from handlers.telegram.door.examine import examine
from handlers.telegram.door.script import spoken
from models.errors import BadInput, Unavailable, VigentdError
from models.progress import Quiet
from pipeline.spec import JobSpec
from tests.media_kit import ffmpeg, pattern

SCRIPT = "Good morning. This is the news."
SRT = """1
00:00:00,000 --> 00:00:01,500
Good <i>morning</i>, and

2
00:00:01,500 --> 00:00:03,000
{\\an8}welcome to the news.
It is late.
"""
VTT = """WEBVTT

NOTE nobody says this

intro
00:00.000 --> 00:01.500 line:0
<v Anna>大家好，</v>

00:01.500 --> 00:03.000
欢迎收看。
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, filmed upright, under a name of ours."""
    return pattern(tmp_path_factory.mktemp("clips") / "20abcdef.mp4", size="180x320", seconds=2)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wav = tmp_path_factory.mktemp("sounds") / "20abcdeg.ogg"
    ffmpeg("-f", "lavfi", "-i", "sine=300:d=5", wav)
    return wav


class Door:
    """A question that can be asked again with something else in it."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.config = Config(data_dir=folder / "data")
        self.asked: dict[str, Any] = {
            "script": SCRIPT,
            "script_file": None,
            "clip": str(clip),
            "speech": None,
            "names": {"clip": "holiday.mov"},
            "preset": {},
            "options": {},
        }

    def says(self, **otherwise: Any) -> dict[str, Any]:
        asked = self.asked | otherwise | {"config": self.config.model_dump(mode="json")}
        return dict(json.loads(json.dumps(examine(None, json.loads(json.dumps(asked)), Quiet()))))

    def refuses(self, **otherwise: Any) -> VigentdError:
        with pytest.raises((BadInput, Unavailable)) as caught:
            self.says(**otherwise)
        error = caught.value
        assert "20abcde" not in error.message + error.hint, "a name of ours"
        assert str(self.config.data_dir) not in error.message + error.hint
        return error


@pytest.fixture
def door(tmp_path: Path, clip: Path) -> Door:
    return Door(tmp_path, clip)


def test_a_script_and_a_clip_are_a_job(door: Door, clip: Path) -> None:
    told = door.says()
    spec = JobSpec.model_validate(told["spec"])
    assert (spec.script, spec.clip, spec.out) == (SCRIPT, clip, None)
    assert told["script"] == SCRIPT
    assert told["clip"] == {"width": 180, "height": 320, "seconds": 2.0}
    assert 2 < told["seconds"] < 4
    assert any("draft voice" in note for note in told["notes"]), "drafts are named"
    assert any("draft engine" in note for note in told["notes"])


def test_the_later_counts_the_chat_then_the_script_then_the_choices(door: Door) -> None:
    preset = {"music": "calm", "subtitles": "karaoke", "voice": "bright"}
    head = "---\nsubtitles: none\nmusic: drive\ntitle: From the script\n---\n" + SCRIPT
    spec = door.says(preset=preset, script=head, options={"music": "bright"})["spec"]
    assert (spec["music"], spec["subtitles"], spec["voice"]) == ("bright", "none", "bright")
    assert (spec["title"], spec["script"]) == ("From the script", SCRIPT)


@pytest.mark.parametrize(
    "gone", [{"voice": "anna"}, {"music": "gone"}, {"subtitles": "old"}, {"music": "/etc/passwd"}]
)
def test_a_remembered_choice_that_is_gone_stands_in_nobodys_way(door: Door, gone: dict[str, str]) -> None:
    told = door.says(preset=gone | {"title_style": "stamp"} | {"language": "en"})
    (name,) = gone
    assert told["spec"][name] == JobSpec.model_fields[name].default
    assert told["spec"]["language"] == "en", "the others count"
    assert any("the default is taken" in note for note in told["notes"])


def test_a_choice_of_now_that_is_not_there_is_refused(door: Door) -> None:
    assert door.refuses(options={"voice": "anna"}).code == "voice_unknown"
    assert door.refuses(options={"music": "/etc/passwd"}).code == "music_unknown", "no file of this machine"
    assert door.refuses(script="---\nmusic: /etc/passwd\n---\nHello.").code == "music_unknown"


@pytest.mark.parametrize(
    ("name", "words"),
    [("holiday.mov", "holiday.mov is not a video"), ("", "Your clip is not a video")],
)
def test_a_clip_that_is_none_has_the_name_that_its_sender_gave(
    door: Door, tmp_path: Path, name: str, words: str
) -> None:
    bad = tmp_path / "20abcdeh.mp4"
    bad.write_bytes(b"hello " * 100)
    error = door.refuses(clip=str(bad), names={"clip": name})
    assert error.code == "clip_unreadable" and error.message.startswith(words)


def test_an_empty_clip_without_a_name_reads_well(door: Door, tmp_path: Path) -> None:
    (tmp_path / "20abcdeh.mp4").touch()
    error = door.refuses(clip=str(tmp_path / "20abcdeh.mp4"), names={})
    assert error.message == "Your clip is empty (0 bytes)"


def test_a_recording_gives_the_length(door: Door, recording: Path) -> None:
    told = door.says(script=None, speech=str(recording))
    assert told["seconds"] == pytest.approx(5, abs=0.2)
    assert told["spec"]["speech"] == str(recording)
    assert not any("draft voice" in note for note in told["notes"]), "nobody is spoken for"


def test_a_recording_that_is_none(door: Door, tmp_path: Path) -> None:
    bad = tmp_path / "20abcdei.ogg"
    bad.write_bytes(b"no sound " * 50)
    error = door.refuses(script=None, speech=str(bad), names={})
    assert error.message.startswith("Your recording cannot be read")


def test_while_something_is_missing_the_rest_is_looked_at(door: Door, clip: Path, tmp_path: Path) -> None:
    told = door.says(script=None)
    assert (told["spec"], told["clip"]["width"]) == (None, 180)
    told = door.says(clip=None)
    assert (told["spec"], told["script"], told["clip"]) == (None, SCRIPT, {}) and told["seconds"] > 2
    assert door.refuses(clip=None, script="?!").code == "script_empty"


def test_subtitles_are_spoken_without_times_and_markup(door: Door, tmp_path: Path) -> None:
    for name, text, words in (
        ("a.srt", SRT, "Good morning, and welcome to the news.\nIt is late."),
        ("b.vtt", VTT, "大家好，欢迎收看。"),
        ("c.txt", SRT.replace("\n", "\r\n"), "Good morning, and welcome to the news.\nIt is late."),
    ):
        path = tmp_path / "20abcdej.srt"
        path.write_bytes(text.encode("utf-16" if name == "a.srt" else "utf-8"))
        told = door.says(script=None, script_file={"path": str(path), "name": name})
        assert told["script"] == words, name


def test_a_text_file_is_read_as_scripts_are(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "20abcdek.txt"
    path.write_bytes(
        "---\ntitle: 早上好\n---\n大家好，欢迎收看今天的新闻。我们的节目开始了。".encode("gb18030")
    )
    told = door.says(script="not this", script_file={"path": str(path), "name": "news.txt"})
    assert told["spec"]["title"] == "早上好" and told["script"].startswith("大家好")
    assert any("news.txt" in note for note in told["notes"]), "what was written is not lost without a word"
    path.write_bytes(b"%PDF-1.7")
    assert (
        door.refuses(script=None, script_file={"path": str(path), "name": "a.txt"}).code == "script_not_text"
    )


def test_a_script_that_is_too_long_is_refused_whatever_it_is_in(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "20abcdel.srt"
    cue = "{n}\n00:00:00,000 --> 00:00:01,000\nword word word word word word\n\n"
    path.write_text("".join(cue.format(n=n) for n in range(1200)))
    file = {"path": str(path), "name": "long.srt"}
    assert door.refuses(script=None, script_file=file).code == "script_too_long"
    path.write_text(cue * 12_000)
    assert door.refuses(script=None, script_file=file).code == "script_too_long"


def test_words_of_subtitles_that_only_look_damaged() -> None:
    assert spoken("00:00:01,000 --> 00:00:02,000\nNo number above.\n") == "No number above."
