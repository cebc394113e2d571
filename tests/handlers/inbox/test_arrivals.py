"""All the ways in which files come into a folder: slowly, in pieces, under other names, many at once."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.inbox.inbox_kit import SCRIPT, SETTLE_S, Stand
from tests.handlers.inbox.yardstick import check, surviving

LONGER_S = 3 * SETTLE_S


def clip_of(stand: Stand, job: Any) -> bytes:
    return Path(job.spec["clip"]).read_bytes()


# ---------------------------------------------------------------- slow writers


def test_a_slow_writer_that_pauses_longer_than_settle(survivor: Stand) -> None:
    clip = survivor.clip()
    with survivor.running():
        survivor.drop("monday.txt")
        with (survivor.root / "monday.mp4").open("wb") as writer:
            for begin in range(0, len(clip), len(clip) // 3):
                writer.write(clip[begin : begin + len(clip) // 3])
                writer.flush()
                survivor.until_held("monday.txt", "is still being written")
                assert survivor.queue.count() == 0
        survivor.is_dropped(clip)
        (job,) = survivor.until_jobs(1)
        assert clip_of(survivor, job) == clip


def test_a_slow_writer_in_a_folder(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday/say.txt")
        with (survivor.root / "monday/anna.mp4").open("wb") as writer:
            writer.write(survivor.clip())
            writer.flush()
            survivor.until_held("monday", "is still being written")
        survivor.is_dropped(survivor.clip())
        (job,) = survivor.until_jobs(1)
        assert clip_of(survivor, job) == survivor.clip()


def test_a_writer_that_closes_between_the_pieces_and_pauses_too_long(survivor: Stand) -> None:
    """Nobody can tell that more is to come, so the beginning is taken. The rest has the name for itself
    then: nothing of it is lost, and it is said what it waits for."""
    survivor.drop_clip("monday.mp4")
    survivor.is_dropped(b"Good morning.")
    survivor.is_dropped(b" This is the rest.")
    with survivor.running():
        append(survivor.root / "monday.txt", b"Good morning.")
        (job,) = survivor.until_jobs(1)
        assert job.spec["script"] == "Good morning."
        append(survivor.root / "monday.txt", b" This is the rest.")
        survivor.until_held("monday.txt", "waits for its clip")
        survivor.make(job.id)
        survivor.until_settled("done")
        assert survivor.text("done/monday.txt") + survivor.text("monday.txt") == (
            "Good morning. This is the rest."
        )
        assert survivor.queue.count() == 1


def test_a_clip_of_which_only_the_beginning_was_there(survivor: Stand) -> None:
    clip = survivor.clip()
    first, rest = clip[:20_000], clip[20_000:]
    survivor.drop("monday.txt")
    survivor.is_dropped(first)
    survivor.is_dropped(rest)
    with survivor.running():
        append(survivor.root / "monday.mp4", first)
        survivor.until_settled("failed")
        append(survivor.root / "monday.mp4", rest)
        survivor.until_held("monday.mp4", "waits for its script")
    assert "monday.mp4" in survivor.text("failed/monday.error.txt")


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as writer:
        writer.write(content)


def test_zero_bytes_first(survivor: Stand) -> None:
    """Some programs make the file, and fill it later."""
    with survivor.running():
        survivor.drop_clip("monday.mp4")
        (survivor.root / "monday.txt").touch()
        survivor.until_held("monday.txt", "is empty")
        survivor.drop("monday.txt")
        (job,) = survivor.until_jobs(1)
    assert job.spec["script"] == SCRIPT.decode()


def test_files_that_were_there_before_the_start_one_still_growing(scratch: Path) -> None:
    """It opens and closes the file for each piece, so only what it does between the looks tells."""
    with surviving(Stand(scratch, {"settle": 1.5})) as stand:
        clip = stand.another_clip("growing")
        stand.drop_pair("old")
        stand.drop("new.txt", b"Good evening.")
        append(stand.root / "new.mp4", clip[:1000])
        size = len(clip) // 50  # so that it grows for much longer than it has to be quiet
        pieces = [clip[begin : begin + size] for begin in range(1000, len(clip), size)]

        def grow() -> None:
            for piece in pieces:
                time.sleep(0.05)  # far less than that, also on a machine that has other things to do
                append(stand.root / "new.mp4", piece)

        writer = threading.Thread(target=grow)
        writer.start()
        with stand.running():
            old, new = stand.until_jobs(2)
        writer.join()
        stand.is_dropped(clip)
        assert (old.spec["script"], new.spec["script"]) == (SCRIPT.decode(), "Good evening.")
        assert clip_of(stand, new) == clip


# ---------------------------------------------------------------- other names, other places


def test_a_temporary_name_and_a_rename(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday.txt")
        part = survivor.drop_clip("monday.mp4.part")
        survivor.until_held("monday.txt", "monday.mp4.part")
        part.rename(survivor.root / "monday.mp4")
        (job,) = survivor.until_jobs(1)
    assert clip_of(survivor, job) == survivor.clip()


def test_a_name_that_becomes_another_before_it_is_taken(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("draft.txt").rename(survivor.root / "monday.txt")
        survivor.until_held("monday.txt", "waits for its clip")
        (survivor.root / "monday.txt").rename(survivor.root / "tuesday.txt")
        survivor.drop_clip("tuesday.mp4")
        survivor.until_jobs(1)
        survivor.until(lambda: not survivor.inbox.status()["held"])
    assert survivor.tree() == []


@pytest.mark.parametrize("move", [os.rename, shutil.move])
def test_moved_in_from_outside(move: Callable[[Path, Path], object], survivor: Stand, tmp_path: Path) -> None:
    """Within a file system this is one step; between two it is a copy."""
    outside = tmp_path if move is shutil.move else survivor.folder / "beside/own"
    with survivor.running():
        outside.mkdir(exist_ok=True)
        for name, content in (("monday.mp4", survivor.clip()), ("monday.txt", SCRIPT)):
            (outside / name).write_bytes(content)
            survivor.is_dropped(content)
            move(outside / name, survivor.root / name)
        survivor.until_jobs(1)
        assert list(outside.iterdir()) == []


@pytest.mark.parametrize("move", [os.rename, shutil.move])
def test_a_folder_moved_in(move: Callable[[Path, Path], object], survivor: Stand, tmp_path: Path) -> None:
    outside = tmp_path if move is shutil.move else survivor.folder / "beside/own"
    with survivor.running():
        (outside / "monday").mkdir(parents=True)
        for name, content in (("anna.mp4", survivor.clip()), ("say.txt", SCRIPT), ("job.toml", b"seed = 7")):
            (outside / "monday" / name).write_bytes(content)
            survivor.is_dropped(content)
        move(outside / "monday", survivor.root / "monday")
        (job,) = survivor.until_jobs(1)
        assert job.spec["seed"] == 7
        survivor.make(job.id)
        survivor.until_settled("done")
    assert {"done/monday/anna.mp4", "done/monday/say.txt", "outbox/monday.mp4"} <= set(survivor.tree())


# ---------------------------------------------------------------- events


def test_an_observer_that_is_deaf(survivor: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when its queue has run over: it lives, and says nothing."""
    monkeypatch.setattr("handlers.inbox.look.watcher._Wake.on_any_event", lambda *_: None)
    with survivor.running():
        survivor.until(lambda: survivor.inbox.status()["state"] == "watching")
        survivor.drop_pair("monday")
        survivor.until_jobs(1)


def test_an_observer_that_is_dead(survivor: Stand) -> None:
    with survivor.running() as inbox:
        survivor.drop_pair("monday")
        survivor.until_jobs(1)
        first = inbox._watcher._observer
        assert first is not None
        first.stop()
        survivor.drop_pair("tuesday", b"Good evening.")
        survivor.until_jobs(2)
        survivor.until(lambda: inbox._watcher._observer not in (None, first))


# ---------------------------------------------------------------- while it is taken up, and after


def test_deleted_before_it_is_claimed(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop("monday.txt")
        survivor.drop_clip("monday.mp4").unlink()
        survivor.is_taken_away(survivor.clip())
        survivor.until_held("monday.txt", "waits for its clip")
        (survivor.root / "monday.txt").unlink()
        survivor.is_taken_away(SCRIPT)
        survivor.until(lambda: not survivor.held("monday.txt"))
        assert survivor.queue.count() == 0
    assert survivor.tree() == []


def test_touched_in_mid_job(survivor: Stand) -> None:
    """What comes under the old names is new; the job keeps what it was given."""
    with survivor.running():
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        os.utime(job.spec["clip"])
        (survivor.root / "monday.mp4").touch()
        survivor.until_held("monday.mp4", "is empty")
        survivor.drop("monday.txt", b"Something else.")
        survivor.make(job.id)
        survivor.until_settled("done")
        assert clip_of_done(survivor, "monday") == survivor.clip()
        assert survivor.queue.count() == 1


def clip_of_done(stand: Stand, name: str) -> bytes:
    return (stand.root / f"done/{name}.mp4").read_bytes()


def test_a_hard_link_that_is_still_written_elsewhere(survivor: Stand) -> None:
    """Not taken while somebody writes; and afterwards, what is written to the other name is not the job's."""
    own = survivor.folder / "beside/own/recording.mp4"
    own.write_bytes(survivor.clip())
    with survivor.running():
        survivor.drop("monday.txt")
        with own.open("r+b") as writer:
            (survivor.root / "monday.mp4").hardlink_to(own)
            survivor.until_held("monday.txt", "is still being written")
        survivor.is_dropped(survivor.clip())
        (job,) = survivor.until_jobs(1)
        with own.open("r+b") as writer:
            writer.write(b"Something else, from the first byte on")
        assert clip_of(survivor, job) == survivor.clip()
        assert own.stat().st_nlink == 1, "and it is still there"


# ---------------------------------------------------------------- many


@pytest.mark.parametrize("pairs", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_many_at_once_become_as_many_jobs_in_the_order_in_which_they_were_complete(
    pairs: int, scratch: Path
) -> None:
    with surviving(Stand(scratch, {"settle": 1.0})) as stand:
        names = [f"{number:03}" for number in range(pairs)]
        scripts_first = set(random.Random(7).sample(names, pairs // 2))
        with stand.running():
            for name in names:
                drop_half(stand, name, script=name in scripts_first)
            order = random.Random(8).sample(names, pairs)
            for name in order:
                drop_half(stand, name, script=name not in scripts_first)
            jobs = stand.until_jobs(pairs)
            stand.until(lambda: stand.tree() == [])
        assert [job.spec["script"] for job in jobs] == [f"This is number {name}." for name in order]
        check(stand)


def drop_half(stand: Stand, name: str, *, script: bool) -> None:
    if script:
        stand.drop(f"{name}.txt", f"This is number {name}.".encode())
    else:
        stand.drop_clip(f"{name}.mp4")
