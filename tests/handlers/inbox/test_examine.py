"""What the files of an inbox make: a job, with what each of them says; or a refusal that names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.publications.settings import PublishSettings, TargetSection
from handlers.inbox.contents.examine import examine, rows
from handlers.inbox.reception import CHECK_S, Wait, _InTime
from models.errors import BadInput, Unavailable, VigentdError
from models.progress import Quiet
from pipeline.spec import JobSpec
from tests.media_kit import pattern

SCRIPT = "Good morning. This is the news.\n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pattern(tmp_path_factory.mktemp("clips") / "clip.mp4", size="240x426", seconds=1)


TARGETS = PublishSettings(target=(TargetSection(name="a", kind="folder"),))


class Kept:
    """The files of one job in .work, and the inbox that they came from."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.data_dir = folder / "data"
        self.work = folder / "inbox" / ".work" / "3f"
        self.work.mkdir(parents=True)
        self.inbox: dict[str, Any] = {"name": "main", "path": folder / "inbox"}
        self.sources: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}
        self.put("script", "script.txt", "monday.txt", SCRIPT.encode())
        self.put("clip", "clip.mp4", "monday.mp4", clip.read_bytes())

    def put(self, role: str, kept: str, name: str, data: bytes) -> None:
        (self.work / kept).write_bytes(data)
        self.sources[role], self.names[role] = str(self.work / kept), name

    def without(self, *roles: str) -> None:
        for role in roles:
            del self.sources[role], self.names[role]

    def spec(self, row: dict[str, Any] | None = None) -> JobSpec:
        config = Config(data_dir=self.data_dir, inbox=(self.inbox,), defaults=self.defaults, publish=TARGETS)  # type: ignore[arg-type]
        asked = {
            "config": config.model_dump(mode="json"),
            "inbox": "main",
            "sources": self.sources,
            "names": self.names,
            "row": row,
        }
        told = examine(None, json.loads(json.dumps(asked)), Quiet())
        return JobSpec.model_validate(json.loads(json.dumps(told))["spec"])

    def refusal(self, row: dict[str, Any] | None = None) -> VigentdError:
        with pytest.raises((BadInput, Unavailable)) as caught:
            self.spec(row)
        error = caught.value
        assert error.message.isprintable() and error.hint
        assert ".work" not in error.message + error.hint
        return error


@pytest.fixture
def kept(tmp_path: Path, clip: Path) -> Kept:
    return Kept(tmp_path, clip)


def test_a_script_and_a_clip(kept: Kept) -> None:
    spec = kept.spec()
    assert (spec.script, str(spec.clip), spec.out) == (SCRIPT, kept.sources["clip"], None)


def test_the_nearer_to_the_script_the_more_it_counts(kept: Kept) -> None:
    """Defaults < the inbox < monday.toml < the head of monday.txt."""
    kept.defaults = {
        "seed": 1,
        "subtitles": "none",
        "title_style": "headline",
        "music": "calm",
        "music_volume": 0.1,
    }
    kept.inbox |= {
        "preset": {"title": "inbox", "seed": 2, "music": "none", "language": "de"},
        "publish": ["a"],
    }
    kept.put("options", "options.toml", "monday.toml", b'title = "beside"\nseed = 3\n')
    kept.put("script", "script.txt", "monday.txt", f"---\nseed: 4\n---\n{SCRIPT}".encode())
    spec = kept.spec()
    assert (spec.seed, spec.title, spec.language, spec.music) == (4, "beside", "de", "none")
    assert (spec.subtitles, spec.music_volume) == ("none", 0.1)  # nobody else said anything of them
    assert (spec.publish, spec.script) == (("a",), SCRIPT)


def test_a_target_that_there_is_not(kept: Kept) -> None:
    kept.put("script", "script.txt", "monday.txt", f"---\npublish: b\n---\n{SCRIPT}".encode())
    error = kept.refusal()
    assert error.code == "unknown_target" and "There is a" in error.hint


def test_a_row_counts_more_than_the_head_of_its_script(kept: Kept) -> None:
    kept.put("script", "script.txt", "a.txt", f"---\nseed: 4\ntitle: head\n---\n{SCRIPT}".encode())
    batch = kept.work / "batch.csv"
    batch.write_text("script_file,clip,seed\na.txt,monday.mp4,5\n")
    (row,) = rows(None, {"path": str(batch), "name": "week.csv"}, Quiet())["rows"]
    spec = kept.spec(row)
    assert (spec.seed, spec.title, spec.script) == (5, "head", SCRIPT)


def test_a_text_in_a_row_is_a_script(kept: Kept, clip: Path) -> None:
    kept.without("script")
    batch = kept.work / "batch.jsonl"
    batch.write_text(json.dumps({"script": "---\nseed: 4\n---\nGrüß Gott."}))
    (row,) = rows(None, {"path": str(batch), "name": "week.jsonl"}, Quiet())["rows"]
    spec = kept.spec(row)
    assert (spec.script, spec.seed) == ("Grüß Gott.", 4)
    kept.without("clip")
    assert kept.refusal(row).message.startswith("There is no clip in line 1 of week.jsonl")
    kept.inbox["presenter"] = clip
    row["script"] = "---\nseeds: 4\n---\nHello."
    assert kept.refusal(row).message.endswith(
        "the front matter of the script in line 1 of week.jsonl is not an option"
    )


def test_the_presenter_of_a_script_that_comes_alone(kept: Kept, clip: Path) -> None:
    kept.without("clip")
    error = kept.refusal()
    assert error.code == "clip_missing" and "inbox main has no presenter" in error.message
    kept.inbox["presenter"] = str(clip)
    assert kept.spec().clip == clip
    kept.inbox["presenter"] = str(clip.with_name("gone.mp4"))
    error = kept.refusal()
    assert isinstance(error, Unavailable)  # it may come back; nobody's files are at fault
    assert (error.code, str(clip.with_name("gone.mp4")) in error.message) == ("presenter_missing", True)


@pytest.mark.parametrize(
    ("role", "kept_as", "name", "data", "words"),
    [
        ("clip", "clip.mp4", "Anna (1).mp4", b"", "The clip Anna (1).mp4 is empty"),
        ("clip", "clip.mp4", "Anna.clip.mp4", b"x" * 99, "Anna.clip.mp4 is not a video or photo"),
        ("speech", "speech.wav", "monday.wav", b"x" * 99, "The recording monday.wav cannot be read"),
        (
            "script",
            "script.txt",
            "monday.txt",
            b"---\nmusik: x\n---\nHi",
            "musik in the front matter of monday.txt is",
        ),
        ("script", "script.txt", "monday.txt", b" ", "The script is empty"),
        ("script", "script.txt", "monday.txt", b"%PDF", "The script is not plain text but a PDF"),
        (
            "options",
            "options.toml",
            "my clip.mp4.toml",
            b"volume = 1",
            "volume in my clip.mp4.toml is not an option",
        ),
        (
            "options",
            "options.toml",
            "job.toml",
            b"music = 'a'",
            "music in job.toml must be the name of a track or none",
        ),
    ],
)
def test_a_refusal_names_the_file_of_the_person(
    kept: Kept, role: str, kept_as: str, name: str, data: bytes, words: str
) -> None:
    kept.put(role, kept_as, name, data)
    error = kept.refusal()
    assert error.message.startswith(words), error.message


def test_a_file_that_went_missing_is_named_too(kept: Kept) -> None:
    (kept.work / "clip.mp4").unlink()
    assert kept.refusal().message == "The clip monday.mp4 does not exist"
    (kept.work / "script.txt").unlink()
    assert kept.refusal().message == "monday.txt cannot be read: No such file or directory"


def test_a_file_in_a_folder_has_its_own_name_already(kept: Kept) -> None:
    (kept.work / "folder").mkdir()
    kept.put("clip", "folder/Anna's clip.mp4", "Anna's clip.mp4", b"x")
    assert kept.refusal().message.startswith("Anna's clip.mp4 is not a video or photo")


@pytest.mark.parametrize("door", ["head", "beside", "row"])
def test_what_is_dropped_names_no_file_of_this_machine(kept: Kept, door: str, tmp_path: Path) -> None:
    """Music is mixed into a video that anybody may see."""
    diary = tmp_path / "diary.wav"
    diary.write_bytes(b"private")
    for music in (str(diary), "~/diary.wav", "../diary.wav", "diary.wav"):
        row = None
        if door == "head":
            kept.put("script", "script.txt", "monday.txt", f"---\nmusic: {music}\n---\n{SCRIPT}".encode())
        elif door == "beside":
            kept.put("options", "options.toml", "monday.toml", f'music = "{music}"'.encode())
        else:
            row = {"where": "row 2 of a.csv", "script": None, "options": {"music": music}}
        error = kept.refusal(row)
        assert error.code == "music_unknown"
        assert "must be the name of a track or none" in error.message and "calm" in error.hint


def test_the_owner_may_name_a_file_for_music(kept: Kept, clip: Path) -> None:
    kept.inbox["preset"] = {"music": "tunes/gone.wav"}
    assert "gone.wav does not exist" in kept.refusal().message
    kept.put("options", "options.toml", "monday.toml", b'music = "Calm"')
    assert kept.spec().music == "Calm"


def test_rows_of_a_batch(tmp_path: Path) -> None:
    (tmp_path / "batch.csv").write_text("script,clip\nHello,a.mp4\n,b.mp4\n")
    asked = {"path": str(tmp_path / "batch.csv"), "name": "Week 1.csv"}
    first, second = json.loads(json.dumps(rows(None, asked, Quiet())))["rows"]
    assert (first["name"], first["script"], first["error"]) == ("Week 1-001", "Hello", None)
    assert second["error"]["message"] == "There is nothing to say in row 3 of Week 1.csv"


def test_only_what_is_looked_at_can_take_too_long(tmp_path: Path) -> None:
    """While the process at the door rested, having ended too often, good files were refused as damaged."""
    now = 0.0
    waiting, looking = (_InTime(lambda: False, lambda: now) for _ in range(2))
    now = CHECK_S - 1
    waiting.check()
    (tmp_path / "rows.csv").touch()
    with pytest.raises(BadInput):  # it is empty; but it was begun with
        rows(None, {"path": str(tmp_path / "rows.csv"), "name": "rows.csv"}, looking)
    now = CHECK_S + 1
    with pytest.raises(Wait):
        waiting.check()
    looking.step(1, 2)
    now = 2 * CHECK_S
    with pytest.raises(BadInput) as failed:
        looking.check()
    assert failed.value.code == "check_timeout"
