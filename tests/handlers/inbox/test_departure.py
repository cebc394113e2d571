"""What the person finds when an intake is over: the right note, and where a video still is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.inbox.ledger import Ledger
from tests.handlers.inbox.inbox_kit import Stand

pytestmark = pytest.mark.usefixtures("swift")

BATCH = b"name,script,clip\none,Good morning.,anna.mp4\ntwo,Good morning.,anna.mp4\n"


def words(stand: Stand, note: str) -> str:
    """But for the ends of lines, which are anywhere."""
    return " ".join(stand.text(note).split())


# ---------------------------------------------------------------- notes of earlier failures


def fails(stand: Stand, times: int) -> None:
    """Its only job, or the last one."""

    def failed() -> bool:
        last = stand.jobs()[-1:]
        if last and last[0].state == "queued":  # again, when another row alike has begun it once more
            stand.fail(last[0].id)
        return bool(stand.inbox.status()["counts"]["failed"] >= times)

    stand.until(failed)


def test_it_fails_again_in_a_folder(survivor: Stand) -> None:
    """The files of the earlier failure are gone, and the note that is there now is not its own."""
    with survivor.running():
        survivor.drop_pair("monday")
        fails(survivor, 1)
        (survivor.root / "failed/monday.error.txt").unlink()
        (survivor.folder / "beside/own/monday").mkdir()
        for name in ("monday.txt", "monday.mp4"):
            (survivor.root / "failed" / name).rename(survivor.folder / "beside/own/monday" / name)
        (survivor.folder / "beside/own/monday").rename(survivor.root / "monday")
        fails(survivor, 2)
    assert survivor.text("failed/monday.error.txt").startswith("No video could be made of monday.\n")


def test_it_fails_again_under_another_suffix(survivor: Stand) -> None:
    with survivor.running():
        for times, name in enumerate(("monday.txt", "monday.md"), start=1):
            survivor.drop(name, f"Version {times}.".encode())
            survivor.drop("monday.mp4", survivor.another_clip(name))
            fails(survivor, times)
            if times == 1:
                for gone in ("monday.txt", "monday.mp4"):
                    content = (survivor.root / "failed" / gone).read_bytes()
                    (survivor.root / "failed" / gone).unlink()
                    survivor.is_taken_away(content)
    assert "monday.md" in survivor.text("failed/monday.error.txt"), (
        "the old one went, and the new one is there"
    )


def test_what_a_person_wrote_in_place_of_a_note_stays(survivor: Stand) -> None:
    with survivor.running():
        survivor.drop_pair("monday")
        fails(survivor, 1)
        (survivor.root / "failed/monday.error.txt").write_text("Seen. Anna")
        for name in ("monday.txt", "monday.mp4"):
            (survivor.root / "failed" / name).rename(survivor.root / name)
        survivor.until(lambda: survivor.jobs()[-1].state == "queued")
        survivor.make(survivor.jobs()[-1].id)
        survivor.until_settled("done")
    assert survivor.text("failed/monday.error.txt") == "Seen. Anna"


# ---------------------------------------------------------------- where an earlier video is


def is_fetched(stand: Stand, job_id: str) -> None:
    (stand.root / "outbox/monday.mp4").rename(stand.folder / "beside/own/fetched.mp4")


def another_came(stand: Stand, job_id: str) -> None:
    is_fetched(stand, job_id)
    (stand.root / "outbox/monday.mp4").write_bytes(b"another")
    (stand.root / "outbox/monday.json").write_text('{"id": "another"}')


@pytest.mark.parametrize("happened", [is_fetched, another_came])
@pytest.mark.parametrize("kept", [True, False])
def test_a_duplicate_names_only_what_is_there(
    happened: Callable[[Stand, str], None], kept: bool, stand: Stand
) -> None:
    (stand.folder / "beside/own").mkdir(parents=True)
    with stand.running():
        stand.drop_pair("monday")
        (job,) = stand.until_jobs(1)
        stand.make(job.id)
        stand.until_settled("done")
        happened(stand, job.id)
        if not kept:
            shutil.rmtree(stand.config.results)
        stand.drop_pair("tuesday")
        stand.until_settled("duplicate")
    note = stand.text("duplicates/tuesday.duplicate.txt")
    assert str(stand.root / "outbox") not in note
    assert ("It is not kept any more." in note) != kept
    assert (f"    {stand.config.results / job.id}.mp4\n" in note) == kept


# ---------------------------------------------------------------- rows that had been made before


@pytest.mark.parametrize("way", ["alike", "some", "all"])
def test_a_batch_tells_of_rows_that_had_been_made(way: str, stand: Stand, swift: None) -> None:
    with stand.running():
        stand.drop_clip("anna.mp4")
        stand.drop("week.csv", BATCH)
        (job,) = stand.until_jobs(1)
        stand.make(job.id)
        stand.until_settled("done")
        assert "1 of the 2 videos of week.csv and anna.mp4 had been made before." in words(
            stand, "done/week.duplicate.txt"
        )
        assert "- two: the same as one." in stand.text("done/week.duplicate.txt")
        if way == "alike":
            return
        stand.drop_clip("anna.mp4")
        more = b"three,Good evening.,anna.mp4\n" if way == "some" else b""
        stand.drop("next.csv", BATCH + more)
        if more:
            stand.make(stand.until_jobs(2)[-1].id)
        stand.until_settled("done" if more else "duplicate", 2 if more else 1)
    note = stand.text("done/next-2/next.duplicate.txt" if more else "duplicates/next.duplicate.txt")
    video = stand.root / "outbox/one.mp4"
    assert f"- one:\n    {video}\n- two:\n    {video}\n" in note
    assert note.startswith("2 of the 3 videos of" if more else "All 2 videos of")


def test_rows_alike_that_fail_are_counted_once(stand: Stand, swift: None) -> None:
    with stand.running():
        stand.drop_clip("anna.mp4")
        stand.drop("week.csv", BATCH)
        fails(stand, 1)
    note = words(stand, "failed/week.error.txt")
    assert note.startswith(
        "All 2 videos of week.csv and anna.mp4 could not be made. None was made. These failed"
    )


# ---------------------------------------------------------------- results that are removed before they go out


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is tried again sooner than a real inbox does it."""
    monkeypatch.setattr("handlers.inbox.course.SOON_S", 0.1)


@pytest.mark.parametrize("when", ["before it is decided", "while the outbox is away"])
def test_a_result_that_is_not_kept_until_it_is_delivered(
    when: str, stand_with: Any, tmp_path: Path, soon: None
) -> None:
    away = tmp_path / "away"
    with stand_with(folders={"outbox": str(away)}) as stand:
        if when == "before it is decided":
            away.mkdir()
        with stand.running() as inbox:
            stand.drop_pair("monday")
            (job,) = stand.until_jobs(1)
            if when == "before it is decided":
                stand.queue.finish(stand.queue.claim("test", job.id), stand.config.results / f"{job.id}.mp4")
                inbox.job_left()
            else:
                stand.make(job.id)
                stand.until(lambda: "Results wait" in inbox.why)
                shutil.rmtree(stand.config.results)
                away.mkdir()
            stand.until_settled("failed")
        assert stand.tree() == ["failed/monday.error.txt", "failed/monday.mp4", "failed/monday.txt"]
        note = words(stand, "failed/monday.error.txt")
        assert "it was removed" in note and "change something" in note
        assert not any(away.iterdir())


def test_the_others_of_a_batch_are_delivered(stand_with: Any, tmp_path: Path, soon: None) -> None:
    away = tmp_path / "away"
    with stand_with(folders={"outbox": str(away)}) as stand, stand.running() as inbox:
        stand.drop_clip("anna.mp4")
        stand.drop("week.csv", BATCH.replace(b"two,Good morning.", b"two,Good evening."))
        first, second = stand.until_jobs(2)
        for job in (first, second):
            stand.make(job.id)
        stand.until(lambda: "Results wait" in inbox.why)
        (stand.config.results / f"{first.id}.mp4").unlink()
        away.mkdir()
        stand.until_settled("failed")
        assert (away / "two.mp4").exists() and not (away / "one.mp4").exists()
        assert "1 of the 2 videos" in words(stand, "failed/week.error.txt")
        items = Ledger(stand.queue).keeper(second.id)
        assert items is not None and items[1].result == str(away / "two.mp4")
