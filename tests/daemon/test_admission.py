"""The door's checks of the disk and of paths: refused with a sentence that says what, why and what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ByteSize

from daemon.admission import Request, admit, admit_wish, read_script_file
from daemon.config import Config, DiskSettings, JobDefaults
from daemon.disk.housekeeping import room, room_needed
from daemon.folders import absolute
from daemon.publications.settings import PublishSettings, TargetSection
from daemon.said import Said
from models.errors import BadInput, Unavailable
from models.progress import Quiet
from pipeline.spec import Limits
from tests.media_kit import ffmpeg, pattern


@pytest.fixture
def asked(tmp_path: Path) -> Request:
    clip = pattern(tmp_path / "clip.mp4", size="240x426", seconds=1)
    return Request(clip, script=b"Good morning.")


def keeping(config: Config, min_free: int) -> Config:
    return config.model_copy(update={"disk": DiskSettings(min_free=ByteSize(min_free))})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """With room for one job, and 50 MB more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = room_needed() + 50 * 2**20
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_above_the_watermark_a_job_is_taken(config: Config, asked: Request) -> None:
    assert admit(asked, keeping(config, 0)).clip == asked.clip


def test_below_the_watermark_a_job_is_refused_with_both_numbers(config: Config, asked: Request) -> None:
    with pytest.raises(Unavailable) as caught:
        admit(asked, keeping(config, 10**18))
    error = caught.value
    free_mb = os.statvfs(config.data_dir).f_bavail * os.statvfs(config.data_dir).f_frsize // 10**6
    told_mb = int(error.message.split()[1].replace(",", ""))
    assert error.code == "disk_low"
    assert abs(told_mb - free_mb) < 1000
    assert "1,000,000,000,000 MB" in error.message
    assert str(config.data_dir) in error.message
    assert "vigentd clean" in error.hint and "lower disk.min_free" in error.hint


def test_a_job_needs_room_even_where_nothing_is_to_be_kept_free(small_disk: Path, asked: Request) -> None:
    config = keeping(Config(data_dir=small_disk / "data"), 0)
    admit(asked, config)
    assert room(config) == ""
    with (small_disk / "large").open("wb") as f:
        os.posix_fallocate(f.fileno(), 0, 60 * 2**20)
    with pytest.raises(Unavailable) as caught:
        admit(asked, config)
    assert caught.value.code == "disk_low"
    assert caught.value.message == room(config)
    assert "min_free" not in caught.value.hint  # to lower it would not help
    (small_disk / "large").unlink()
    admit(asked, config)


def test_the_watermark_is_looked_at_last(config: Config, asked: Request) -> None:
    """What is wrong with the job is said first: it is the person's to correct."""
    with pytest.raises(BadInput):
        admit(Request(asked.clip, script=b""), keeping(config, 10**18))


# ---------------------------------------------------------------- the head of a script, and other files


def with_head(asked: Request, head: str, **more: Any) -> Request:
    return replace(asked, script=f"---\n{head}\n---\nGood morning.".encode(), **more)


def refusal(request: Request, config: Config) -> BadInput:
    with pytest.raises(BadInput) as caught:
        admit(request, config)
    assert caught.value.hint and caught.value.message.isprintable()
    return caught.value


def with_targets(config: Config, *names: str) -> Config:
    targets = tuple(TargetSection(name=name, kind="folder") for name in names)
    return config.model_copy(update={"publish": PublishSettings(target=targets)})


def test_what_stands_at_the_head_of_a_script_is_not_spoken(config: Config, asked: Request) -> None:
    head = "title: 12:30\nmusic: Calm\ntags: '#news, good  morning, news'\npublish: [a, b]"
    spec = admit(with_head(asked, head), with_targets(config, "a", "b"))
    assert (spec.script, spec.title, spec.music) == ("Good morning.", "12:30", "Calm")
    assert (spec.tags, spec.publish) == (("news", "good morning"), ("a", "b"))


def test_a_target_that_there_is_not_is_refused_with_those_there_are(config: Config, asked: Request) -> None:
    said = [replace(asked, options={"publish": "a,c"}), with_head(asked, "publish: a, c")]
    for request in said:
        error = refusal(request, with_targets(config, "a", "b"))
        assert (error.code, error.message) == ("unknown_target", "There is no target called c")
        assert error.hint.startswith("There are a, b;")
        assert refusal(request, config).hint.startswith("There is none yet;")


def test_the_order_in_which_options_count(config: Config, asked: Request) -> None:
    config = config.model_copy(update={"defaults": JobDefaults(seed=1, subtitles="none", music_volume=0.5)})
    preset = (
        Said({"seed": "2", "title": "inbox", "language": "de"}, "the inbox"),
        Said({"seed": "3", "title": "job"}, "job.toml"),
    )
    spec = admit(with_head(asked, "seed: 4", preset=preset), config)
    assert (spec.seed, spec.title, spec.language, spec.subtitles) == (4, "job", "de", "none")
    typed = admit(with_head(asked, "seed: 4", preset=preset, options={"seed": 5, "title": None}), config)
    assert (typed.seed, typed.title) == (5, "job")
    row = admit(with_head(asked, "seed: 4", options=Said({"seed": "6"}, "row 2")), config)
    assert row.seed == 6


def test_only_what_is_spoken_counts_as_length(config: Config, asked: Request) -> None:
    config = config.model_copy(update={"limits": Limits(script_chars=20)})
    assert admit(with_head(asked, f"title: News\n# {'x' * 5000}"), config).script == "Good morning."
    error = refusal(replace(asked, script=b"---\nseed: 1\n---\n" + b"word " * 5), config)
    assert error.code == "script_too_long" and "25 characters" in error.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-32"])
def test_a_script_that_was_not_read_to_its_end_is_never_spoken(
    config: Config, asked: Request, tmp_path: Path, encoding: str
) -> None:
    """Below a long head, what was read of it may be shorter than what is allowed."""
    file = tmp_path / "script.txt"
    file.write_bytes(f"---\n# {'x' * 10_500}\nseed: 1\n---\n{'word ' * 3900}".encode(encoding))
    script = read_script_file(file, config.limits.script_chars)
    if encoding == "utf-32":
        assert refusal(replace(asked, script=script), config).code == "script_too_long"
    else:
        assert len(admit(replace(asked, script=script), config).script) == 5 * 3900


@pytest.mark.parametrize(
    ("head", "code", "words", "hint"),
    [
        (
            "musik: x",
            "option_unknown",
            "musik in the front matter of monday.txt is not",
            "Did you mean music?",
        ),
        ("Note: read this", "option_unknown", "Note in the front matter", "take away the --- or +++ above"),
        ("seed: x", "option_invalid", "seed in the front matter of monday.txt must be a whole number", ""),
        ("title: a: b", "front_matter_invalid", "not valid YAML, line 2", "quotes"),
        (
            "music: /etc/passwd",
            "music_unknown",
            "must be the name of a track or none, not '/etc/passwd'",
            "calm",
        ),
    ],
)
def test_a_mistake_at_the_head_of_a_script(
    config: Config, asked: Request, head: str, code: str, words: str, hint: str
) -> None:
    error = refusal(with_head(asked, head, script_file=Path("notes/monday.txt")), config)
    assert (error.code, words in error.message, hint in error.hint) == (code, True, True), error.message


def test_a_script_from_nowhere_is_called_the_script(config: Config, asked: Request) -> None:
    for file in (None, Path("-")):
        assert (
            "the front matter of the script"
            in refusal(with_head(asked, "a: b", script_file=file), config).message
        )


def test_a_script_that_says_nothing_but_options(config: Config, asked: Request, tmp_path: Path) -> None:
    only_options = replace(asked, script=b"---\ntitle: News\n---\n")
    assert refusal(only_options, config).code == "script_empty"
    speech = tmp_path / "speech.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", speech)
    spec = admit(replace(only_options, speech=speech), config)
    assert (spec.script, spec.title) == ("", "News")


def test_options_that_were_typed_are_told_as_such(config: Config, asked: Request) -> None:
    error = refusal(replace(asked, options={"music_volume": 2}), config)
    assert error.message == "--music-volume must be less than or equal to 1, not 2"
    error = refusal(replace(asked, options={"publish_at": "soon"}), config)
    assert error.message.startswith("--publish-at must be a time such as 2026-11-23 08:00")


def test_music_may_be_a_file_where_the_owner_says_so(config: Config, asked: Request, tmp_path: Path) -> None:
    tune = tmp_path / "tune.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tune)
    said = Said({"music": str(tune)}, "the inbox", by_owner=True)
    assert admit(replace(asked, preset=(said,)), config).music == str(tune)
    assert admit(replace(asked, options={"music": "tune.wav"}), config).music == str(tune)
    dropped = replace(said, by_owner=False)
    assert refusal(replace(asked, preset=(dropped,)), config).code == "music_unknown"
    for options in (Said({"music": "tune.wav"}, "row 2"), Said({"music": "~/a.wav"}, "row 2")):
        assert refusal(replace(asked, options=options), config).code == "music_unknown"


def test_a_wish_has_front_matter_too(config: Config, asked: Request) -> None:
    wish = {"clip": str(asked.clip), "script": "---\nseed: 4\n---\nGood morning.", "publish": "a, b"}
    config = with_targets(config, "a", "b")
    told = admit_wish(None, {"wish": wish, "config": config.model_dump(mode="json")}, Quiet())
    assert (told["seed"], told["script"], told["publish"]) == (4, "Good morning.", ["a", "b"])


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("~nobody-here/a.mp4", "home_unknown"),
        ("https://example.com/a.mp4", "address_given"),
        ("s3:/bucket/a.mp4", "address_given"),
        (os.fsdecode(b"caf\xe9.mp4"), "path_encoding"),
    ],
)
def test_a_path_that_cannot_be_kept_is_refused(path: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        absolute(Path(path))
    assert caught.value.code == code
    caught.value.message.encode("utf-8")


def test_a_relative_path_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(BadInput) as caught:
        absolute(Path("a.mp4"))
    assert caught.value.code == "folder_gone"


def test_a_path_is_made_whole_and_a_colon_is_no_address(tmp_path: Path) -> None:
    assert absolute(Path("~/a.mp4")) == tmp_path / "home" / "a.mp4"
    assert absolute(Path("b.mp4")) == tmp_path / "b.mp4"
    assert absolute(Path("take:2.mp4")) == tmp_path / "take:2.mp4"
    (tmp_path / "odd:").mkdir()
    (tmp_path / "odd:" / "a.mp4").touch()
    assert absolute(Path("odd:/a.mp4")) == tmp_path / "odd:" / "a.mp4"
