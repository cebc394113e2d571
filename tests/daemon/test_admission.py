"""The door's checks of the disk and of paths: refused with a sentence that says what, why and what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ByteSize

from daemon.admission import Request, admit
from daemon.config import Config, DiskSettings
from daemon.disk.housekeeping import room, room_needed
from daemon.folders import absolute
from models.errors import BadInput, Unavailable
from tests.media_kit import pattern


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


@pytest.mark.parametrize(
    ("path", "code"),
    [
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
