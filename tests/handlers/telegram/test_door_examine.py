"""What the door says of a draft: a job, or why not, in the words of the person."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from handlers.telegram.door.examine import examine
from handlers.telegram.door.script import spoken
from handlers.telegram.errors import in_words
from models.errors import BadInput, Unavailable, VigentdError
from models.progress import Quiet
from pipeline.spec import JobSpec
from tests.face_kit import portrait
from tests.media_kit import ffmpeg, pattern
from tests.pace_kit import quickest

CHINESE = re.compile(r"[\u4e00-\u9fff]")
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
            "chat_id": 11,
            "script": SCRIPT,
            "script_file": None,
            "clip": str(clip),
            "speech": None,
            "names": {"clip": "holiday.mov"},
            "face": True,
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
    assert told["notes"] == [{"key": "note.draft_voice"}, {"key": "note.draft_lips"}], "drafts are named"


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
    assert {"key": "note.gone", "what": name, "value": gone[name]} in told["notes"]


def test_a_choice_of_now_that_is_not_there_is_refused(door: Door) -> None:
    assert door.refuses(options={"voice": "anna"}).code == "voice_unknown"
    assert door.refuses(options={"music": "/etc/passwd"}).code == "music_unknown", "no file of this machine"
    assert door.says(script="---\nmusic: /etc/passwd\n---\nHello.")["wrong"]["code"] == "head_gone"


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
    assert told["notes"] == [{"key": "note.draft_lips"}], "nobody is spoken for"


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
    assert {"key": "note.script_file", "name": "news.txt"} in told["notes"], (
        "what was written is not lost without a word"
    )
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


# ---------------------------------------------------------------- the head of the script


@pytest.mark.parametrize(
    ("head", "english", "chinese"),
    [
        ("voize: deep", "“voize”, at the head of your script, is not an option. Did you mean “voice”?",
         "文案开头的“voize”不是可用的选项。您是想写“voice”吗？"),
        ("voice: dep", "“voice: dep”, at the head of your script: there is no such voice here. "
         "Did you mean “deep”?", "没有这个声音。您是想写“deep”吗？"),
        ("music: loud", "There is: none, ", "没有这个音乐。可用的有：none, "),
        ("music_volume: 7", "must be a number from 0 to 1, not “7”", "应该是0 到 1 之间的数，不能是“7”"),
        ("language: xx", "must be one of auto, zh, ", "其中之一：auto, zh, "),
    ],
)  # fmt: skip
def test_what_is_wrong_at_the_head_is_told_before_there_is_a_clip(
    door: Door, head: str, english: str, chinese: str
) -> None:
    told = door.says(script=f"---\n{head}\n---\n{SCRIPT}", clip=None)
    assert english in in_words("en", told["wrong"]) and "Edit that message" in in_words("en", told["wrong"])
    words = in_words("zh", told["wrong"])
    assert chinese in words and "请编辑那条消息" in words and "front matter" not in words
    assert told["script"] == SCRIPT and told["spec"] is None


def test_what_is_wrong_in_a_file_is_corrected_in_the_file(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "20abcdem.txt"
    path.write_text(f"---\nvoize: deep\n---\n{SCRIPT}")
    told = door.says(script=None, script_file={"path": str(path), "name": "news.txt"})
    assert "Correct it in the file" in in_words("en", told["wrong"])


@pytest.mark.parametrize(
    ("head", "chosen"), [("voice: nobody", {"voice": "deep"}), ("music: 3\nlanguage: x",
                                                                {"music": "calm", "language": "en"})]
)  # fmt: skip
def test_what_the_card_says_is_not_even_looked_at_in_the_head(
    door: Door, head: str, chosen: dict[str, str]
) -> None:
    told = door.says(script=f"---\n{head}\ntitle: News\n---\n{SCRIPT}", options=chosen)
    assert told["wrong"] is None and chosen.items() <= told["spec"].items()
    assert told["spec"]["title"] == "News" and told["spec"]["script"] == SCRIPT


def test_the_options_that_will_count_are_told_before_there_is_a_clip(door: Door) -> None:
    head = "---\ntitle: News\nvoice: deep\npublish: youtube\npublish_at: 2026-11-24 08:00Z\n---\n"
    options = door.says(script=head + SCRIPT, clip=None, preset={"voice": "bright", "music": "calm"})[
        "options"
    ]
    assert (options["title"], options["voice"], options["music"]) == ("News", "deep", "calm")
    assert options["publish"] == ["youtube"] and options["publish_at"].startswith("2026-11-24T08:00")


# ---------------------------------------------------------------- faces, letters, time


def test_a_clip_without_a_face_is_no_job(door: Door, clip: Path, album: Path) -> None:
    told = door.says(face=None)
    assert (told["face"], told["spec"], told["wrong"]["code"]) == (False, None, "no_face")
    assert told["clip"]["width"] == 180, "the rest is told nevertheless"
    assert door.says(face=None, script=None)["wrong"]["code"] == "no_face", "as soon as it is there"
    told = door.says(face=None, clip=str(portrait(album, (180, 320), 1)))
    assert told["face"] is True and told["spec"] is not None


def test_a_face_is_found_in_a_clip_that_was_turned_and_in_a_photo(
    door: Door, album: Path, tmp_path: Path
) -> None:
    face = portrait(album, (180, 320), 1)
    lying, turned, photo = (tmp_path / name for name in ("l.mp4", "t.mp4", "p.jpg"))
    ffmpeg("-i", face, "-vf", "transpose=1", "-an", lying)
    ffmpeg("-display_rotation", "90", "-i", lying, "-c", "copy", turned)
    ffmpeg("-i", face, "-frames:v", "1", photo)
    assert door.says(face=None, clip=str(turned))["face"] is True
    assert door.says(face=None, clip=str(photo))["face"] is True


def test_a_glance_at_a_face_is_soon_over_and_not_done_twice(
    door: Door, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.says(face=None)
    assert quickest(lambda: door.says(face=None), 1.5, 5) < 1.5
    monkeypatch.setattr("handlers.telegram.door.examine.face_in", lambda *_: pytest.fail("it is known"))
    assert door.says(face=True)["face"] is True and door.says(face=False)["wrong"]["code"] == "no_face"


def test_letters_of_the_title_that_nobody_can_draw(door: Door) -> None:
    told = door.says(options={"title": "News \U0001fae8\U00013000"})
    (note,) = [note for note in told["notes"] if note["key"] == "note.not_drawn"]
    assert "\U00013000" in note["letters"] and told["spec"] is not None


@pytest.mark.parametrize("what", ["{", "<", "a\n", "{\\p", " "])
def test_subtitles_that_would_take_for_ever_are_refused(door: Door, tmp_path: Path, what: str) -> None:
    path = tmp_path / "20abcden.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\n" + (what * 116_000)[:116_000] + "x")
    began = time.monotonic()
    error = door.refuses(script=None, clip=None, script_file={"path": str(path), "name": "a.srt"})
    assert error.code == "subtitles_long" and time.monotonic() - began < 20
    assert CHINESE.search(in_words("zh", error.as_dict()))
