"""The queue: order, fencing, one running job, attempts, and what is left when a worker is killed."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from daemon.app import App
from daemon.config import Config
from daemon.jobs import State, job_json, new_id
from daemon.queue import Queue, Superseded
from models.errors import BadInput, Cancelled, StageFailed, Unavailable
from pipeline.spec import JobSpec
from tests.daemon.claims import AT, claimed
from tests.daemon.conftest import ROOT

# ---------------------------------------------------------------- the way of a job


def test_a_job_from_submit_to_done(queue: Queue, spec: JobSpec) -> None:
    row = queue.submit(spec, source="cli")
    assert (row.state, row.attempts, queue.position(row.id)) == (State.QUEUED, 0, 1)
    claim = claimed(queue)
    assert claim.spec == spec
    queue.progress(claim, AT)
    running = queue.get(row.id)
    assert (running.state, running.stage, running.progress, running.attempts) == (
        "running",
        "lipsync",
        0.4,
        1,
    )
    queue.record(claim, engines={"speech": "espeak"}, timings={"speech": 1.5}, notes=["a draft"])
    queue.record(claim, timings={"lipsync": 2.5}, notes=["a draft", "two faces"])
    queue.finish(claim, Path("/out.mp4"))
    done = queue.get(row.id)
    assert (done.state, done.progress, done.output, done.error) == ("done", 1.0, "/out.mp4", None)
    assert done.timings == {"speech": 1.5, "lipsync": 2.5}
    assert done.notes == ["a draft", "two faces"]
    assert done.finished_at is not None


def test_a_job_in_json_keeps_its_contract(queue: Queue, spec: JobSpec) -> None:
    row = queue.submit(spec)
    promised = (
        "id state stage progress eta_s attempts error created_at started_at finished_at output source "
        "engines queue_position"
    )
    assert set(promised.split()) <= job_json(row, 1).keys()
    queue.fail(claimed(queue), StageFailed("It broke", code="broken", hint="Mend it"))
    assert job_json(queue.get(row.id), None)["error"] == {
        "code": "broken",
        "message": "It broke",
        "hint": "Mend it",
    }


def test_first_in_first_out_within_a_priority(queue: Queue, spec: JobSpec) -> None:
    a, b, urgent = queue.submit(spec).id, queue.submit(spec).id, queue.submit(spec, priority=5).id
    assert queue.positions() == {urgent: 1, a: 2, b: 3}
    order = []
    while (claim := queue.claim("tests")) is not None:
        order.append(claim.job_id)
        queue.finish(claim, Path("/x.mp4"))
    assert order == [urgent, a, b]


def test_one_idempotency_key_is_one_job(queue: Queue, spec: JobSpec) -> None:
    assert queue.submit(spec, key="k").id == queue.submit(spec, key="k").id
    assert queue.count() == 1


def test_an_unknown_id_is_named(queue: Queue) -> None:
    with pytest.raises(BadInput, match="no job nope") as caught:
        queue.get("nope")
    assert caught.value.code == "job_unknown"


def test_ids_sort_by_time_and_have_no_letters_to_misread() -> None:
    start = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    ids = [new_id(start + dt.timedelta(hours=h), 1023 - h) for h in range(50)]
    assert ids == sorted(ids)
    assert all(len(i) == 8 and not set(i) & set("ilou") for i in ids)


# ---------------------------------------------------------------- cancel and retry


def test_a_queued_job_is_cancelled_at_once_and_can_be_retried(queue: Queue, spec: JobSpec) -> None:
    first, second = queue.submit(spec).id, queue.submit(spec).id
    assert queue.cancel(first).state == State.CANCELLED
    assert queue.retry(first).state == State.QUEUED
    assert queue.positions() == {second: 1, first: 2}, "a retried job goes to the end"


def test_a_running_job_is_asked_to_stop(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = claimed(queue)
    assert queue.progress(claim, AT) is False
    assert queue.cancel(claim.job_id).state == State.RUNNING
    assert queue.progress(claim, AT) is True
    queue.fail(claim, Cancelled())
    assert queue.get(claim.job_id).state == State.CANCELLED
    queue.retry(claim.job_id)
    assert queue.progress(claimed(queue), AT) is False, "the old wish to cancel must not follow the job"


def test_what_cannot_be_cancelled_or_retried_says_so(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    with pytest.raises(BadInput, match="is queued"):
        queue.retry(job)
    queue.finish(claimed(queue), Path("/x.mp4"))
    with pytest.raises(BadInput, match="done already"):
        queue.cancel(job)
    with pytest.raises(BadInput, match="nothing to retry"):
        queue.retry(job)


def test_retry_counts_attempts_anew(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    queue.fail(claimed(queue), StageFailed("x"))
    row = queue.retry(job)
    assert (row.attempts, row.error, row.finished_at) == (0, None, None)


# ---------------------------------------------------------------- fencing, one running job


def test_a_late_writer_is_refused(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    old = claimed(queue)
    queue.recover()
    new = claimed(queue)
    assert new.token > old.token
    for word in (
        lambda: queue.progress(old, AT),
        lambda: queue.record(old, notes=["late"]),
        lambda: queue.finish(old, Path("/late.mp4")),
        lambda: queue.fail(old, StageFailed("late")),
        lambda: queue.release(old),
    ):
        with pytest.raises(Superseded):
            word()
    row = queue.get(new.job_id)
    assert (row.state, row.output, row.notes, row.token) == ("running", None, [], new.token)


def test_nobody_writes_about_a_finished_job(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = claimed(queue)
    queue.finish(claim, Path("/x.mp4"))
    with pytest.raises(Superseded):
        queue.fail(claim, StageFailed("late"))


def test_a_second_job_is_not_claimed_while_one_runs(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    second = queue.submit(spec).id
    claimed(queue)
    assert queue.claim("tests") is None
    assert queue.claim("tests", second) is None


def test_each_lane_has_one_job_and_they_are_handed_out_in_order(queue: Queue, spec: JobSpec) -> None:
    jobs = [queue.submit(spec).id for _ in range(3)]
    second, first = queue.claim("tests", lane=1), queue.claim("tests")
    assert second is not None and first is not None and [second.job_id, first.job_id] == jobs[:2]
    assert queue.claim("tests") is None and queue.claim("tests", lane=1) is None
    assert [row.id for row in queue.all_running()] == [first.job_id, second.job_id]
    queue.finish(second, Path("/x.mp4"))
    third = queue.claim("tests", lane=1)
    assert third is not None and third.job_id == jobs[2]


def test_what_somebody_works_on_is_not_taken_back_and_all_else_is_from_any_lane(
    queue: Queue, spec: JobSpec
) -> None:
    for _ in range(3):
        queue.submit(spec)
    mine, ghost, gone = (queue.claim("tests", lane=lane) for lane in (0, 1, 9))
    assert mine is not None and ghost is not None and gone is not None
    assert {row.id for row in queue.recover([mine.job_id])} == {ghost.job_id, gone.job_id}
    assert not queue.asked_to_stop(mine)
    for claim in (ghost, gone):
        with pytest.raises(Superseded):
            queue.asked_to_stop(claim)


def test_the_database_itself_refuses_a_second_running_job(
    queue: Queue, spec: JobSpec, config: Config
) -> None:
    queue.submit(spec)
    queue.submit(spec)
    with sqlite3.connect(config.database) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("UPDATE job SET state = 'running'")
    raw.close()


def test_a_job_of_an_unknown_shape_does_not_block_the_line(
    queue: Queue, spec: JobSpec, config: Config
) -> None:
    odd, good = queue.submit(spec).id, queue.submit(spec).id
    with sqlite3.connect(config.database) as raw:
        raw.execute('UPDATE job SET spec = \'{"from": "the future"}\' WHERE id = ?', (odd,))
    raw.close()
    assert claimed(queue).job_id == good
    row = queue.get(odd)
    assert (row.state, row.error_code) == ("failed", "job_outdated")


# ---------------------------------------------------------------- dead workers


def test_a_released_job_keeps_its_place_and_its_attempts(queue: Queue, spec: JobSpec) -> None:
    first, second = queue.submit(spec).id, queue.submit(spec).id
    queue.release(claimed(queue))
    assert queue.positions() == {first: 1, second: 2}
    assert queue.get(first).attempts == 0


def test_a_released_job_that_was_to_be_cancelled_is_cancelled(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = claimed(queue)
    queue.cancel(claim.job_id)
    queue.release(claim)
    assert queue.get(claim.job_id).state == State.CANCELLED


def test_a_job_that_kills_its_workers_fails_after_max_attempts(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    for attempt in (1, 2, 3):
        claim = claimed(queue)
        assert claim.attempt == attempt
        queue.progress(claim, AT)
        queue.recover()
    row = queue.get(job)
    assert (row.state, row.attempts, row.error_code) == ("failed", 3, "worker_died")
    assert "3 times" in str(row.error_message) and "lipsync" in str(row.error_message)
    assert queue.claim("tests") is None


def test_a_job_that_was_being_cancelled_when_its_worker_died_is_cancelled(
    queue: Queue, spec: JobSpec
) -> None:
    job = queue.submit(spec).id
    claimed(queue)
    queue.cancel(job)
    queue.recover()
    assert queue.get(job).state == State.CANCELLED


WORKER = """
import sys
from pathlib import Path
from daemon.store.lock import WorkerLock
from daemon.queue import Queue
data = Path(sys.argv[1])
queue, lock = Queue(data / "vigentd.db"), WorkerLock(data)
assert lock.take() and queue.claim("victim") is not None
print("working", flush=True)
sys.stdin.read()
"""


def test_a_job_whose_worker_was_killed_goes_back_into_line(
    queue: Queue, spec: JobSpec, config: Config
) -> None:
    job = queue.submit(spec).id
    app = App(config)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(config.data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with worker:
        assert worker.stdout is not None and worker.stdout.readline() == b"working\n"
        app.look_after_orphans()
        assert queue.get(job).state == State.RUNNING, "its worker lives"
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    app.look_after_orphans()
    row = queue.get(job)
    assert (row.state, row.attempts, row.owner) == ("queued", 1, None)
    app.close()


# ---------------------------------------------------------------- many processes at once


def _submit_and_work(path: str, number: int, results: multiprocessing.Queue[list[str]]) -> None:
    queue = Queue(Path(path))
    spec = JobSpec(script=f"From {number}", clip=Path("/c.mp4"))
    for _ in range(6):
        queue.submit(spec)
    done = []
    while queue.positions():
        claim = queue.claim(str(number))
        if claim is None:
            continue
        queue.progress(claim, AT)
        queue.finish(claim, Path("/x.mp4"))
        done.append(claim.job_id)
    queue.close()
    results.put(done)


def test_processes_that_start_together_share_the_work_and_never_collide(config: Config) -> None:
    """Catches a deferred transaction ("database is locked"), a claim given twice, a racing first start."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[str]] = context.Queue()
    path = str(config.database)
    workers = [context.Process(target=_submit_and_work, args=(path, n, results)) for n in range(3)]
    for worker in workers:
        worker.start()
    done = [job for _ in workers for job in results.get(timeout=60)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
        worker.close()
    results.close()
    results.join_thread()
    assert len(done) == len(set(done)) == 18
    queue = Queue(config.database)
    rows = queue.list()
    assert {row.state for row in rows} == {"done"} and len(rows) == 18
    assert {row.attempts for row in rows} == {1}
    queue.close()


# ---------------------------------------------------------------- the file


def test_the_database_is_for_its_owner_only_and_survives_a_power_cut(config: Config) -> None:
    queue = Queue(config.database)
    assert stat.S_IMODE(config.data_dir.stat().st_mode) == 0o700
    for file in config.data_dir.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    with queue._db.reading() as s:
        assert s.connection().exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert s.connection().exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
    queue.close()


def test_a_failed_write_leaves_nothing_behind(queue: Queue, spec: JobSpec) -> None:
    row = queue.submit(spec)
    with pytest.raises(IntegrityError), queue._db.writing() as s:
        s.connection().exec_driver_sql("UPDATE job SET priority = 9")
        s.connection().exec_driver_sql("UPDATE job SET id = NULL")
    assert queue.get(row.id).priority == 0


def test_a_file_that_is_no_database_is_named(config: Config) -> None:
    config.data_dir.mkdir()
    config.database.write_bytes(b"this is not a database, but a text of some length" * 100)
    with pytest.raises(Unavailable) as caught:
        Queue(config.database)
    assert caught.value.code == "database_damaged"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as caught:
        Queue(tmp_path / "file" / "vigentd.db")
    assert caught.value.code == "data_dir_unwritable"


def test_a_locked_database_is_waited_for_and_then_named(config: Config, queue: Queue, spec: JobSpec) -> None:
    impatient = Queue(config.database, busy_s=0.1)
    with queue._db.writing() as s:
        s.connection()  # only now does the transaction begin
        with pytest.raises(Unavailable) as caught:
            impatient.submit(spec)
    assert caught.value.code == "database_busy"
    impatient.close()


@pytest.mark.parametrize("name", ["data?mode=ro", "data#1 %20", "日报"])
def test_the_database_lies_where_it_was_asked_for(tmp_path: Path, spec: JobSpec, name: str) -> None:
    """Not where a URL with that path in it would lead."""
    config = Config(data_dir=tmp_path / name)
    queue = Queue(config.database)
    queue.submit(spec)
    queue.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert config.database.stat().st_size > 0


def test_jobs_of_a_source_that_is_away_keep_their_place(queue: Queue, spec: JobSpec) -> None:
    away = queue.submit(spec, source="inbox:nas").id
    other = queue.submit(spec).id
    claim = queue.claim("tests", without=["inbox:nas"])
    assert claim is not None and claim.job_id == other
    queue.finish(claim, Path("/videos/a.mp4"))
    assert queue.claim("tests", without=["inbox:nas"]) is None
    assert claimed(queue).job_id == away
