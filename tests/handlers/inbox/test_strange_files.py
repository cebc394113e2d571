"""What should not be in an inbox, or has names that nobody expects: nothing is followed, all is told."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.handlers.inbox.inbox_kit import SCRIPT, Stand
from tests.handlers.inbox.yardstick import surviving

# ---------------------------------------------------------------- no files


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def a_device(path: Path) -> None:
    """/dev/full: it gives zeros for ever to whoever reads it."""
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))


LINKS: dict[str, Callable[[Path], None]] = {
    "link": lambda path: path.symlink_to("../beside/theirs.txt"),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path.name),
    "folder": lambda path: path.symlink_to("../beside", target_is_directory=True),
}
OTHERS: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "socket": a_socket}
if os.geteuid() == 0:  # nobody else may make one
    OTHERS["device"] = a_device
STRANGE = LINKS | OTHERS


def test_what_is_no_file_stays_and_is_told(survivor: Stand) -> None:
    root = survivor.root
    with survivor.running():
        for name, make in STRANGE.items():
            make(root / f"{name}.txt")
            survivor.drop_clip(f"{name}.mp4")
        before = {name: (root / f"{name}.txt").lstat() for name in STRANGE}
        for name in STRANGE:
            survivor.until_held(f"{name}.txt", "is a link" if name in LINKS else "is not a file but a pipe")
            survivor.until((root / f"failed/{name}.txt.waiting.txt").exists)
        survivor.drop_pair("monday")
        survivor.until_jobs(1)  # and they keep nobody waiting
        assert {name: (root / f"{name}.txt").lstat() for name in STRANGE} == before
        for name in STRANGE:
            (root / f"{name}.txt").unlink()
        survivor.until(lambda: not list((root / "failed").iterdir()))
        assert survivor.queue.count() == 1


def test_what_is_no_file_in_a_folder(survivor: Stand) -> None:
    with survivor.running():
        for name, make in STRANGE.items():
            survivor.drop(f"{name}/say.txt", f"This is {name}.".encode())
            make(survivor.root / name / "anna.mp4")
        for name in STRANGE:
            survivor.until_held(name, "anna.mp4 in the folder")
        assert survivor.queue.count() == 0
        for name in STRANGE:
            (survivor.root / name / "anna.mp4").unlink()
            survivor.drop_clip(f"{name}/anna.mp4")
        survivor.until_jobs(len(STRANGE))


def test_the_folders_of_the_inbox_are_not_made_through_a_link(survivor: Stand) -> None:
    """Somebody who may write into the inbox could have files put anywhere that way."""
    (survivor.folder / "beside/own/target").mkdir()
    with survivor.running():
        (survivor.root / "done").symlink_to(survivor.folder / "beside/own/target")
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        survivor.make(job.id)
        survivor.until(lambda: "done" in survivor.inbox.status()["why"])
        assert list((survivor.folder / "beside/own/target").iterdir()) == []
        (survivor.root / "done").unlink()
        survivor.inbox.job_left()
        survivor.until_settled("done")
    assert "done/monday.mp4" in survivor.tree()


# ---------------------------------------------------------------- rights


@pytest.fixture
def humble(scratch: Path) -> object:
    with surviving(Stand(scratch, humble=True)) as made:
        yield made


def test_a_file_that_may_not_be_read(humble: Stand) -> None:
    with humble.running():
        humble.drop("monday.txt").chmod(0)
        humble.drop_clip("monday.mp4")
        humble.until_held("monday.txt", "Permission denied")
        humble.until(lambda: (humble.root / "failed/monday.txt.waiting.txt").exists())
        humble.drop_pair("tuesday", b"Good evening.")
        humble.until_jobs(1)
        (humble.root / "monday.txt").chmod(0o600)
        humble.until_jobs(2)
        humble.until(lambda: not list((humble.root / "failed").iterdir()))


def test_a_folder_that_may_not_be_entered(humble: Stand) -> None:
    with humble.running():
        humble.drop("monday/say.txt")
        humble.drop_clip("monday/anna.mp4")
        (humble.root / "monday").chmod(0)
        humble.until_held("monday", "Permission denied")
        (humble.root / "monday").chmod(0o700)
        humble.until_jobs(1)


# ---------------------------------------------------------------- names


_NAMES = (
    b" good  morning ",
    b"good\nmorning",
    b"""it's "good" `morning`; $(rm -r ~)""",
    "🎬 Bonjour été".encode(),
    "e\u0301te\u0301".encode(),
    b"\xff\xfe monday \x80",
    b"\x1b[31mred\x07",
    "monday\u202e4pm".encode(),
    b"%d %s %(name)s {0}",
    b"-rf --help",
    b"monday..v1.2",
    b"C:\\monday",
    b"m" * 251,
    "é".encode() * 125,
    b"\xff" * 251,
)
NAMES = [os.fsdecode(name) for name in _NAMES]


def test_names_of_files(survivor: Stand) -> None:
    """From the inbox to done/, failed/ and duplicates/."""
    with survivor.running():
        for number, stem in enumerate(NAMES):
            survivor.drop_pair(stem, f"Number {number}.".encode())
        for job in survivor.until_jobs(len(NAMES)):
            survivor.make(job.id)
        survivor.until_settled("done", len(NAMES))
        for stem in NAMES:
            assert (survivor.root / f"done/{stem}.mp4").read_bytes() == survivor.clip()
        videos = {path.stem for path in (survivor.root / "outbox").glob("*.mp4")}
        assert len(videos) == len(NAMES)
        assert {stem for stem in NAMES if len(os.fsencode(stem)) < 250} <= videos
        for number, stem in enumerate(NAMES):
            survivor.drop_pair(stem, f"Number {number}, which fails.".encode())
        for job in survivor.until_jobs(2 * len(NAMES))[len(NAMES) :]:
            survivor.fail(job.id)
        survivor.until_settled("failed", len(NAMES))
        for number, stem in enumerate(NAMES):
            survivor.drop_pair(stem, f"Number {number}.".encode())
        survivor.until_settled("duplicate", len(NAMES))
        assert survivor.queue.count() == 2 * len(NAMES)


def test_names_of_folders(survivor: Stand) -> None:
    with survivor.running():
        for number, name in enumerate(NAMES):
            survivor.drop(f"{name}/say.txt", f"Number {number}.".encode())
            survivor.drop_clip(f"{name}/anna.mp4")
        jobs = survivor.until_jobs(len(NAMES))
        for job in jobs:
            survivor.fail(job.id)
        survivor.until_settled("failed", len(NAMES))
        for name in NAMES:
            (survivor.root / "failed" / name).rename(survivor.root / name)
        survivor.until(lambda: all(job.state == "queued" for job in survivor.jobs()))
        for job in jobs:
            survivor.make(job.id)
        survivor.until_settled("done", len(NAMES))
        for name in NAMES:
            assert (survivor.root / f"done/{name}/anna.mp4").read_bytes() == survivor.clip()
    assert list((survivor.root / "failed").iterdir()) == []


def test_names_within_a_folder(survivor: Stand) -> None:
    """They are kept, and must be such that a job can name them; else it is said that they cannot be."""
    with survivor.running():
        for number, name in enumerate(NAMES):
            survivor.drop(f"{number}/{name}.txt", f"Number {number}.".encode())
            survivor.drop_clip(f"{number}/{name}.mp4")
        odd = [number for number, name in enumerate(NAMES) if "\udcff" in name]
        for job in survivor.until_jobs(len(NAMES) - len(odd)):
            survivor.make(job.id)
        survivor.until_settled("done", len(NAMES) - len(odd))
        survivor.until_settled("failed", len(odd))
        for number in odd:
            assert "Rename the file" in survivor.text(f"failed/{number}.error.txt")


def test_names_of_what_stays(survivor: Stand) -> None:
    """Its note has a name of its own, and the reason is one that can be shown."""
    with survivor.running():
        for name in NAMES:
            survivor.drop(name + ".xyz")
        survivor.until(lambda: len(list((survivor.root / "failed").glob("*.waiting.txt"))) == len(NAMES))
        for held in survivor.inbox.status()["held"]:
            assert "is not a kind of file" in held["why"] and held["why"].isprintable()
        survivor.drop_pair("monday")
        survivor.until_jobs(1)


# ---------------------------------------------------------------- contents that are not what the name says


def test_a_text_that_is_called_a_clip(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday.txt")
        survivor.drop("monday.mp4", b"This is a text. " * 100)
        survivor.until_settled("failed")
    note = survivor.text("failed/monday.error.txt")
    assert "monday.mp4" in note and ".work" not in note
    assert survivor.queue.count() == 0


def test_a_clip_that_is_called_a_text(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday.txt", survivor.clip())
        survivor.drop_clip("monday.mp4")
        survivor.until_settled("failed")
    assert "monday.txt" in survivor.text("failed/monday.error.txt")


def test_a_document(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday.docx", b"PK\x03\x04")
        survivor.drop_clip("monday.mp4")
        survivor.until_held("monday.docx", "not a kind of file")
        survivor.until_held("monday.mp4", "waits for its script")
        survivor.until((survivor.root / "failed/monday.docx.waiting.txt").exists)
    assert "save it as plain text" in survivor.text("failed/monday.docx.waiting.txt")


def test_capitals(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("Monday.TXT")
        survivor.drop_clip("MONDAY.MP4")
        (job,) = survivor.until_jobs(1)
        survivor.make(job.id)
        survivor.until_settled("done")
    assert {"done/MONDAY.MP4", "done/Monday.TXT", "outbox/Monday.mp4"} <= set(survivor.tree())


@pytest.mark.parametrize("year_s", [4_000_000_000, 0, -1_000_000_000])
def test_a_time_of_another_century(year_s: int, survivor: Stand) -> None:
    with survivor.running():
        os.utime(survivor.drop_clip("monday.mp4"), (year_s, year_s))
        os.utime(survivor.drop("monday.txt"), (year_s, year_s))
        (job,) = survivor.until_jobs(1)
        survivor.make(job.id)
        survivor.until_settled("done")
    assert (survivor.root / "done/monday.txt").stat().st_mtime == year_s


def test_what_programs_leave_behind_is_not_touched(survivor: Stand) -> None:
    left = [
        ".DS_Store",
        "Thumbs.db",
        "~$monday.docx",
        "monday.txt~",
        "@eaDir/monday.mp4/thumb.jpg",
        ".hidden",
    ]
    for name in left:
        survivor.drop(name)
    with survivor.running():
        survivor.drop_pair("monday", SCRIPT + b" Again.")
        survivor.until_jobs(1)
        survivor.until(lambda: survivor.tree() == sorted(left))
    assert not (survivor.root / "failed").exists()
    shutil.rmtree(survivor.root / "@eaDir")
    survivor.is_taken_away(SCRIPT)
