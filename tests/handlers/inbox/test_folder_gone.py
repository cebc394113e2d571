"""The watched folder is deleted, replaced, unmounted, full or read-only: what was taken up goes on later."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.disk.housekeeping import room_needed
from daemon.queue import Queue
from tests.handlers.inbox.inbox_kit import SCRIPT, Stand
from tests.handlers.inbox.yardstick import surviving


def until_why(stand: Stand, words: str) -> None:
    stand.until(lambda: words in stand.inbox.status()["why"])


def until_watching(stand: Stand) -> None:
    stand.until(lambda: stand.inbox.status()["state"] == "watching")


# ---------------------------------------------------------------- deleted, replaced


def test_deleted_and_made_again(survivor: Stand) -> None:
    """It is not made by us: it may lie on a disk that comes back."""
    with survivor.running():
        until_watching(survivor)
        survivor.drop_pair("monday")
        survivor.until_jobs(1)
        shutil.rmtree(survivor.root)
        survivor.dropped.clear()
        until_why(survivor, "is gone")
        assert not survivor.root.exists()
        survivor.root.mkdir()
        survivor.drop_pair("tuesday", b"Good evening.")
        survivor.until_jobs(2)
        until_watching(survivor)


def test_a_job_whose_files_were_deleted_with_the_folder(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        shutil.rmtree(survivor.root)
        survivor.dropped.clear()
        until_why(survivor, "is gone")
        survivor.fail(job.id)
        survivor.root.mkdir()
        survivor.until_settled("failed")
    assert survivor.tree() == ["failed/monday.error.txt"]
    told = [facts["message"] for name, facts in survivor.log.lines if name == "inbox_note"]
    assert any("monday.mp4 was gone" in message for message in told)


def test_what_was_taken_up_is_deleted(survivor: Stand) -> None:
    """By somebody who tidies up, and knows nothing of .work."""
    with survivor.running():
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        shutil.rmtree(survivor.root / ".work")
        survivor.dropped.clear()
        survivor.fail(job.id)
        survivor.until_settled("failed")
        survivor.drop_pair("tuesday", b"Good evening.")
        survivor.until_jobs(2)


def test_replaced_by_another_folder_and_back(survivor: Stand) -> None:
    """Nothing tells that: the watch is on the old folder, and stays there in peace."""
    new, old = survivor.folder / "beside/own/new", survivor.folder / "beside/own/old"
    with survivor.running():
        survivor.drop_pair("monday")
        (monday,) = survivor.until_jobs(1)
        new.mkdir()
        survivor.root.rename(old)
        new.rename(survivor.root)
        survivor.drop_pair("tuesday", b"Good evening.")
        _, tuesday = survivor.until_jobs(2)
        survivor.make(monday.id)
        survivor.make(tuesday.id)
        survivor.until_settled("done", 2)
        assert "done/tuesday.mp4" in survivor.tree()
        results = (survivor.root / "outbox", survivor.root / "done")
        for place in results:
            shutil.copytree(place, old / place.name)
        shutil.rmtree(survivor.root)
        old.rename(survivor.root)
        survivor.until(lambda: "done/monday.mp4" in survivor.tree())
        survivor.until(lambda: "done/monday.txt" in survivor.tree())


# ---------------------------------------------------------------- unmounted


@pytest.fixture
def disk_of(tmp_path: Path, swift: None) -> Iterator[Callable[[str, str], Path]]:
    """A disk of this size, which is the folder of this name of the stand. It can be unmounted there, and
    mounted again with all that is on it."""
    disk, stand = tmp_path / "disk", tmp_path / "stand"

    def make(size: str, name: str) -> Path:
        disk.mkdir()
        (stand / name).mkdir(parents=True)
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk))
        mount("--bind", str(disk), str(stand / name))
        return disk

    yield make
    for point in (*stand.glob("*"), *stand.glob("beside/own/*"), disk):
        while point.is_mount():
            unmount(point)


def mount(*options: str) -> None:
    if (done := subprocess.run(["mount", *options], capture_output=True, text=True)).returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def unmount(point: Path) -> None:
    subprocess.run(["umount", "--lazy", str(point)], check=True)


@pytest.fixture
def on_disk(disk_of: Callable[[str, str], Path]) -> Iterator[Stand]:
    """Its inbox is a disk of its own."""
    disk = disk_of("8m", "inbox")
    with surviving(Stand(disk.parent / "stand")) as stand:
        yield stand


def test_unmounted_and_back(on_disk: Stand) -> None:
    disk = on_disk.folder.parent / "disk"
    with on_disk.running():
        on_disk.drop_pair("monday")
        (job,) = on_disk.until_jobs(1)
        unmount(on_disk.root)
        until_why(on_disk, "is not mounted now")
        (on_disk.root / "lost.txt").write_bytes(SCRIPT)  # somebody does not know
    with on_disk.running():
        until_why(on_disk, "is not mounted now")
        on_disk.make(job.id)
        assert [path.name for path in on_disk.root.iterdir()] == ["lost.txt"], "nothing is put there"
        mount("--bind", str(disk), str(on_disk.root))
        on_disk.until_settled("done")
        on_disk.drop_pair("tuesday", b"Good evening.")
        on_disk.until_jobs(2)
    assert "done/monday.mp4" in on_disk.tree()


# ---------------------------------------------------------------- full


def fill(disk: Path, but: int = 0) -> Path:
    """Until so many bytes are left."""
    ballast = disk / ".ballast"
    with ballast.open("wb") as f:
        room = os.statvfs(disk)
        os.posix_fallocate(f.fileno(), 0, room.f_bavail * room.f_frsize - but)
    return ballast


def test_a_disk_that_is_full_while_files_are_taken_up(on_disk: Stand) -> None:
    with on_disk.running():
        until_watching(on_disk)
        on_disk.drop_pair("monday")
        ballast = fill(on_disk.root)
        until_why(on_disk, "There is no room")
        assert on_disk.queue.count() == 0
        assert {"monday.mp4", "monday.txt"} <= set(on_disk.tree())
        ballast.unlink()
        (job,) = on_disk.until_jobs(1)
        until_watching(on_disk)
        ballast = fill(on_disk.root)
        on_disk.make(job.id)
        until_why(on_disk, "No space left")
        assert not list((on_disk.root / "outbox").glob("*.mp4"))
        ballast.unlink()
        on_disk.inbox.job_left()
        on_disk.until_settled("done")


def test_an_outbox_elsewhere_that_is_full(disk_of: Callable[[str, str], Path]) -> None:
    """Its video waits, and nobody else."""
    disk = disk_of("8m", "beside/own/outbox")
    stand_folder = disk.parent / "stand"
    folders = {"outbox": str(stand_folder / "beside/own/outbox")}
    with surviving(Stand(stand_folder, {"folders": folders})) as stand, stand.running():
        ballast = fill(disk)
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
        stand.make(job.id)
        until_why(stand, "Results wait to be put into their place")
        stand.drop_pair("tuesday", b"Good evening.")
        stand.until_jobs(2)
        assert "done/monday.txt" not in stand.tree()
        ballast.unlink()
        stand.inbox.job_left()
        stand.until_settled("done")
        until_watching(stand)
        assert (disk / "monday.mp4").exists()


def test_a_copy_for_which_there_is_no_room(on_disk: Stand) -> None:
    """A hard link has to be copied, and all else goes its way meanwhile."""
    with on_disk.running():
        until_watching(on_disk)
        large = on_disk.clip() + bytes(3_000_000)
        (on_disk.root / ".other").write_bytes(large)
        on_disk.is_dropped(large)
        (on_disk.root / "large.mp4").hardlink_to(on_disk.root / ".other")
        on_disk.dropped.update(on_disk.dropped)
        ballast = fill(on_disk.root, but=2_000_000)
        on_disk.drop("large.txt")
        on_disk.until_held("large.txt", "No space left")
        on_disk.drop_pair("small", b"Good evening.")
        on_disk.until_jobs(1)
        until_why(on_disk, "large.txt cannot be taken up: No space left")
        ballast.unlink()
        on_disk.until_jobs(2)
        until_watching(on_disk)


def test_a_data_folder_that_is_full(disk_of: Callable[[str, str], Path]) -> None:
    disk = disk_of(f"{room_needed() // 2**20 + 60}m", "data")
    with surviving(Stand(disk.parent / "stand")) as stand, stand.running():
        ballast = fill(disk, but=room_needed() - 50 * 2**20)
        stand.drop_pair("monday")
        until_why(stand, "a job is begun with")
        assert stand.queue.count() == 0
        assert stand.tree() == ["monday.mp4", "monday.txt"]
        ballast.unlink()
        stand.until_jobs(1)


def test_a_database_that_does_not_take_it(survivor: Stand) -> None:
    """What has been moved, and could not be written down, goes back; not only at the next start."""
    survivor.queue.close()
    survivor.queue = Queue(survivor.config.database, busy_s=0.1)
    with closing(sqlite3.connect(survivor.config.database, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        with survivor.running():
            survivor.drop_pair("monday")
            until_why(survivor, "database")
            survivor.until(lambda: survivor.tree() == ["monday.mp4", "monday.txt"])
            somebody.execute("COMMIT")
            survivor.until_jobs(1)


# ---------------------------------------------------------------- read-only


def test_a_disk_that_becomes_read_only(on_disk: Stand) -> None:
    with on_disk.running():
        on_disk.drop_pair("monday")
        (job,) = on_disk.until_jobs(1)
        on_disk.drop("tuesday.txt", b"Good evening.")
        mount("-o", "remount,bind,ro", str(on_disk.root))
        until_why(on_disk, "cannot be written")
        on_disk.make(job.id)
        mount("-o", "remount,bind,rw", str(on_disk.root))
        on_disk.drop_clip("tuesday.mp4")
        on_disk.until_jobs(2)
        on_disk.until_settled("done")


def test_a_folder_in_which_nothing_may_be_written(scratch: Path) -> None:
    with surviving(Stand(scratch, humble=True)) as stand:
        stand.drop_pair("monday")
        stand.root.chmod(0o555)
        with stand.running():
            until_why(stand, "cannot be written")
            assert stand.tree() == ["monday.mp4", "monday.txt"]
            stand.root.chmod(0o755)
            stand.until_jobs(1)


def test_notes_that_cannot_be_written_keep_nobody_waiting(scratch: Path) -> None:
    with surviving(Stand(scratch, humble=True)) as stand:
        (stand.root / "failed").mkdir(mode=0o555)
        with stand.running():
            stand.drop("monday.docx")
            until_why(stand, "Notes wait to be written")
            stand.drop_pair("tuesday", b"Good evening.")
            (job,) = stand.until_jobs(1)
            stand.make(job.id)
            stand.until_settled("done")
            (stand.root / "failed").chmod(0o755)
            stand.until((stand.root / "failed/monday.docx.waiting.txt").exists)
            until_watching(stand)
