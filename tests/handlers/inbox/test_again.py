"""What comes more than once: the same, nearly the same, what has failed, and what somebody asks for again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.jobs import JobRow
from handlers.inbox.ledger import content_key
from pipeline.spec import JobSpec
from tests.handlers.inbox.inbox_kit import SCRIPT, Stand
from tests.handlers.inbox.yardstick import surviving


def made(stand: Stand, name: str, script: bytes = SCRIPT) -> JobRow:
    """The pair, and what became of it."""
    stand.drop_pair(name, script)
    job = stand.until_jobs(stand.queue.count() + 1)[-1]
    stand.make(job.id)
    stand.until(lambda: stand.inbox.status()["at_work"] == [])
    return job


def failed(stand: Stand, name: str) -> JobRow:
    stand.drop_pair(name)
    (job,) = stand.until_jobs(1)
    stand.fail(job.id)
    stand.until_settled("failed")
    return job


def move_back(stand: Stand, place: str) -> None:
    """As a person does: all that is there."""
    for path in sorted((stand.root / place).iterdir()):
        path.rename(stand.root / path.name)


# ---------------------------------------------------------------- the same


def test_the_same_under_another_name_is_set_aside(survivor: Stand) -> None:
    with survivor.running():
        job = made(survivor, "monday")
        survivor.drop_pair("tuesday")
        survivor.until_settled("duplicate")
        assert survivor.queue.count() == 1
    note = survivor.text("duplicates/tuesday.duplicate.txt")
    assert str(survivor.root / "outbox/monday.mp4") in note and job.id in note
    assert {"duplicates/tuesday.mp4", "duplicates/tuesday.txt"} <= set(survivor.tree())


def test_the_same_while_the_first_is_at_work(survivor: Stand) -> None:
    """It waits for what becomes of the first: only then there is a result to name."""
    with survivor.running():
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        survivor.drop_pair("tuesday")
        survivor.until(lambda: len(survivor.inbox.status()["at_work"]) == 2)
        survivor.make(job.id)
        survivor.until_settled("duplicate")
        survivor.until_settled("done")
        note = survivor.text("duplicates/tuesday.duplicate.txt")
        assert job.id in note and str(survivor.root / "outbox/monday.mp4") in note
    assert "outbox/monday.mp4" in survivor.tree() and "outbox/tuesday.mp4" not in survivor.tree()


def test_the_same_in_a_folder_is_the_same(survivor: Stand) -> None:
    with survivor.running():
        made(survivor, "monday")
        survivor.drop("again/say.txt")
        survivor.drop_clip("again/anna.mp4")
        survivor.until_settled("duplicate")
    assert "duplicates/again/anna.mp4" in survivor.tree()
    assert "again" in survivor.text("duplicates/again.duplicate.txt")


def test_whoever_wants_it_gets_it_made_again(scratch: Path) -> None:
    with surviving(Stand(scratch, {"duplicates": "make"})) as stand, stand.running():
        first, second = made(stand, "monday"), made(stand, "monday")
        assert first.id != second.id
        assert {"outbox/monday.mp4", "outbox/monday-2.mp4", "done/monday-2.txt"} <= set(stand.tree())


# ---------------------------------------------------------------- nearly the same


def test_the_same_clip_with_another_script_is_a_new_job(survivor: Stand) -> None:
    with survivor.running():
        assert made(survivor, "monday").id != made(survivor, "tuesday", b"Good evening.").id
        assert survivor.inbox.status()["counts"] == {"done": 2, "failed": 0, "duplicate": 0}


def test_the_same_with_other_options_is_a_new_job(survivor: Stand) -> None:
    with survivor.running():
        made(survivor, "monday")
        survivor.drop("tuesday.toml", b"seed = 7")
        made(survivor, "tuesday")


def test_something_new_under_an_old_name_is_a_new_job_and_overwrites_nothing(survivor: Stand) -> None:
    with survivor.running():
        first = made(survivor, "monday")
        survivor.drop("monday.txt")
        survivor.drop("monday.mp4", survivor.another_clip("new"))
        second = survivor.until_jobs(2)[-1]
        survivor.make(second.id)
        survivor.until_settled("done", 2)
    about = [json.loads(survivor.text(f"outbox/{name}.json"))["id"] for name in ("monday", "monday-2")]
    assert about == [first.id, second.id]
    assert (survivor.root / "done/monday-2.mp4").read_bytes() == survivor.another_clip("new")


# ---------------------------------------------------------------- what has failed


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_moved_back_the_same_job_is_tried_again(end: str, survivor: Stand) -> None:
    """So what it had made already is still good."""
    with survivor.running():
        survivor.drop_pair("monday")
        (job,) = survivor.until_jobs(1)
        if end == "fail":
            survivor.fail(job.id)
        else:
            survivor.queue.cancel(job.id)
            survivor.inbox.job_left()
        survivor.until_settled("failed")
        assert ("no face" if end == "fail" else "was cancelled") in survivor.text("failed/monday.error.txt")
        artifact = survivor.config.job_dir(job.id) / "work/speech.wav"
        artifact.parent.mkdir(parents=True)
        artifact.touch()
        move_back(survivor, "failed")
        survivor.until(lambda: survivor.queue.get(job.id).state == "queued")
        assert survivor.queue.count() == 1 and artifact.exists()
        survivor.make(job.id)
        survivor.until_settled("done")
    assert survivor.tree() == [
        "done/monday.mp4",
        "done/monday.txt",
        *(f"outbox/monday{suffix}" for suffix in (".jpg", ".json", ".mp4", ".srt")),
    ]


def test_moved_back_without_the_note(survivor: Stand) -> None:
    """It goes when what it says is no longer so."""
    with survivor.running():
        job = failed(survivor, "monday")
        for name in ("monday.txt", "monday.mp4"):
            (survivor.root / "failed" / name).rename(survivor.root / name)
        survivor.until(lambda: survivor.queue.get(job.id).state == "queued")
        survivor.make(job.id)
        survivor.until_settled("done")
        survivor.until(lambda: not list((survivor.root / "failed").iterdir()))


def test_put_right_and_moved_back_it_is_a_job_of_its_own(survivor: Stand) -> None:
    with survivor.running():
        job = failed(survivor, "monday")
        (survivor.root / "failed/monday.txt").write_bytes(b"Put right.")
        survivor.is_taken_away(SCRIPT)
        survivor.is_dropped(b"Put right.")
        move_back(survivor, "failed")
        _, better = survivor.until_jobs(2)
        survivor.make(better.id)
        survivor.until_settled("done")
        assert survivor.queue.get(job.id).state == "failed"
    assert not list((survivor.root / "failed").iterdir())


def test_it_fails_again(survivor: Stand) -> None:
    with survivor.running():
        job = failed(survivor, "monday")
        move_back(survivor, "failed")
        survivor.until(lambda: survivor.queue.get(job.id).state == "queued")
        survivor.fail(job.id)
        survivor.until_settled("failed", 2)
    assert survivor.tree() == ["failed/monday.error.txt", "failed/monday.mp4", "failed/monday.txt"]


def test_a_retry_by_command_brings_the_files_back(survivor: Stand) -> None:
    with survivor.running() as inbox:
        job = failed(survivor, "monday")
        again(survivor, job)
        inbox.bring_back(job.id)
        assert survivor.tree() == []
        assert Path(survivor.queue.get(job.id).spec["clip"]).read_bytes() == survivor.clip()
        survivor.make(job.id)
        survivor.until_settled("done")
    assert {"done/monday.mp4", "outbox/monday.mp4"} <= set(survivor.tree())
    assert not list((survivor.root / "failed").iterdir())


def again(stand: Stand, job: JobRow) -> None:
    """As `vigentd retry`; the daemon's worker brings the files back when the job's turn comes."""
    stand.queue.retry(job.id)


def test_a_retry_of_what_the_person_has_thrown_away(survivor: Stand) -> None:
    with survivor.running() as inbox:
        job = failed(survivor, "monday")
        for path in (survivor.root / "failed").glob("monday.mp4"):
            path.unlink()
        survivor.is_taken_away(survivor.clip())
        again(survivor, job)
        inbox.bring_back(job.id)
        survivor.fail(job.id)
        survivor.until(lambda: survivor.tree() == ["failed/monday.error.txt", "failed/monday.txt"])
    assert [facts["file"] for name, facts in survivor.log.lines if name == "inbox_source_gone"] == [
        "monday.mp4"
    ]


# ---------------------------------------------------------------- what is in the way


@pytest.mark.parametrize("put", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_somebody_has_the_name_of_the_result(put: Callable[[Path], None], survivor: Stand) -> None:
    with survivor.running():
        (survivor.root / "outbox").mkdir()
        put(survivor.root / "outbox/monday.srt")
        before = (survivor.root / "outbox/monday.srt").lstat()
        made(survivor, "monday")
        assert (survivor.root / "outbox/monday.srt").lstat() == before
    assert {"outbox/monday-2.mp4", "outbox/monday-2.srt"} <= set(survivor.tree())


def test_what_was_made_before_there_were_tags_is_known_again() -> None:
    spec = JobSpec(script="Good morning.", clip=Path("/a.mp4"), title="News")
    before = "inbox:main:984f977a60042b58513d7c3738c02b42f0da0b36b2b553f893d4539f5f735937"
    assert content_key("main", spec, "c", None) == before
    assert content_key("main", spec.model_copy(update={"tags": ("a",)}), "c", None) != before
