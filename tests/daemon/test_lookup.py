"""What happened to jobs, what waits, what was: as it is asked for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from daemon.config import Config
from daemon.jobs import Milestone, StageTime
from daemon.queue import TIMES_KEPT, Queue, Superseded
from models.errors import BadInput, StageFailed, Unavailable
from pipeline.spec import JobSpec
from tests.daemon.claims import AT, claimed

# ---------------------------------------------------------------- milestones


def told(queue: Queue, job_id: str) -> list[tuple[str, dict[str, object]]]:
    return [(milestone.name, milestone.facts) for milestone in queue.milestones(job_id)]


def test_what_happened_to_a_job_is_kept_in_order(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    queue.recover()
    queue.release(claimed(queue))
    queue.progress(claimed(queue), AT)
    queue.recover()
    claim = claimed(queue)
    queue.record(claim, reused="probe")
    queue.milestone(claim, "host_replaced", name="lipsync", because="it stalled")
    queue.record(claim, timings={"lipsync": 2.5})
    queue.cancel(job)
    queue.cancel(job)
    queue.fail(claim, StageFailed("It broke", code="broken"))
    queue.retry(job)
    queue.finish(claimed(queue), Path("/x.mp4"))
    queue.expire(job, "The video was removed")
    assert told(queue, job) == [
        ("submitted", {}),
        ("claimed", {"attempt": 1, "owner": "tests"}),
        ("requeued", {}),
        ("claimed", {"attempt": 1, "owner": "tests"}),
        ("recovered", {"attempt": 1, "stage": "lipsync"}),
        ("claimed", {"attempt": 2, "owner": "tests"}),
        ("stage", {"name": "probe", "seconds": 0.0, "reused": True}),
        ("host_replaced", {"name": "lipsync", "because": "it stalled"}),
        ("stage", {"name": "lipsync", "seconds": 2.5, "reused": False}),
        ("cancel_asked", {}),
        ("failed", {"code": "broken"}),
        ("retried", {}),
        ("claimed", {"attempt": 1, "owner": "tests"}),
        ("done", {}),
        ("expired", {}),
    ]
    times = [milestone.at for milestone in queue.milestones(job)]
    assert times == sorted(times)


def test_a_refused_word_leaves_no_milestone(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    old = claimed(queue)
    queue.recover()
    before = told(queue, job)
    with pytest.raises(Superseded):
        queue.milestone(old, "host_replaced")
    with pytest.raises(Superseded):
        queue.record(old, timings={"lipsync": 1.0}, amount_s=3.0)
    assert told(queue, job) == before
    assert queue.stage_times() == []
    with pytest.raises(BadInput, match="no job nope"):
        queue.milestones("nope")


def test_milestones_belong_to_a_job(queue: Queue) -> None:
    with pytest.raises(IntegrityError), queue._db.writing() as s:
        s.add(Milestone(job_id="nobody", at="2026", name="claimed"))


# ---------------------------------------------------------------- times


def test_times_are_kept_for_jobs_of_a_known_length(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = claimed(queue)
    queue.record(claim, timings={"lipsync": 1.0})
    queue.record(claim, timings={"lipsync": 2.0}, amount_s=30.0, engine="mouthwarp")
    queue.record(claim, timings={"verify": 0.5}, amount_s=30.0)
    kept = [(time.stage, time.engine, time.seconds, time.amount_s) for time in queue.stage_times()]
    assert kept == [("lipsync", "mouthwarp", 2.0, 30.0), ("verify", "", 0.5, 30.0)]


def test_only_the_last_times_are_kept_and_fewer_are_told(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = claimed(queue)
    with queue._db.writing() as s:
        s.add_all(
            StageTime(at="2026", stage="speech", engine=engine, seconds=n, amount_s=1.0)
            for n in range(TIMES_KEPT)
            for engine in ("espeak", "qwen3")
        )
    for n in (1000, 1001):
        queue.record(claim, timings={"speech": n}, amount_s=1.0, engine="qwen3")
    everything = queue.stage_times(limit=10_000)
    of = {e: [t.seconds for t in everything if t.engine == e] for e in ("espeak", "qwen3")}
    assert of["espeak"] == list(range(TIMES_KEPT))
    assert of["qwen3"] == [*range(2, TIMES_KEPT), 1000, 1001]
    assert [t.seconds for t in queue.stage_times(limit=2)] == [TIMES_KEPT - 2, TIMES_KEPT - 1, 1000, 1001]


# ---------------------------------------------------------------- what the daemon asks


def test_the_daemon_sees_what_waits(queue: Queue, spec: JobSpec) -> None:
    assert (queue.next(), queue.oldest_waiting()) == (None, None)
    assert queue.counts() == dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 0)
    first, second, urgent = queue.submit(spec), queue.submit(spec), queue.submit(spec, priority=1)
    head = queue.next()
    assert head is not None and (head.id, head.state, head.spec) == (urgent.id, "queued", urgent.spec)
    assert queue.oldest_waiting() == first.created_at
    assert claimed(queue).job_id == urgent.id
    queue.cancel(first.id)
    assert queue.oldest_waiting() == second.created_at
    assert queue.counts() == {"queued": 1, "running": 1, "done": 0, "failed": 0, "cancelled": 1}


def test_positions_one_by_one_are_those_of_all(queue: Queue, spec: JobSpec) -> None:
    rows = [queue.submit(spec, priority=priority) for priority in (0, 1, 0, 2, 1, 0, -1)]
    with queue._db.writing() as s:
        s.connection().exec_driver_sql("UPDATE job SET place = 3 WHERE place < 4")
    queue.cancel(rows[2].id)
    claimed(queue)
    everything = queue.positions()
    assert len(everything) == 5
    assert {row.id: queue.position(row.id) for row in rows} == {
        row.id: everything.get(row.id) for row in rows
    }


def test_finished_jobs_are_listed_by_their_end(config: Config, spec: JobSpec) -> None:
    times = iter(dt.datetime(2026, 8, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=n) for n in range(99))
    queue = Queue(config.database, now=lambda: next(times))
    late, done, failed, _ = (queue.submit(spec.model_copy(update={"title": t})).id for t in "abcd")
    queue.finish(claimed(queue, done), Path("/x.mp4"))
    queue.fail(claimed(queue, failed), StageFailed("x"))
    queue.cancel(late)
    found = queue.finished()
    assert [(f.id, f.state, f.output, f.label) for f in found] == [
        (done, "done", "/x.mp4", "b"),
        (failed, "failed", None, "c"),
        (late, "cancelled", None, "a"),
    ]
    assert [f.finished_at for f in found] == sorted(f.finished_at for f in found)
    queue.close()


def test_a_removed_result_is_told_once(queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    with pytest.raises(BadInput, match="is queued") as caught:
        queue.expire(job, "Removed")
    assert caught.value.code == "job_active"
    claim = claimed(queue)
    queue.record(claim, notes=["A draft"])
    queue.finish(claim, Path("/x.mp4"))
    for _ in range(2):
        queue.expire(job, "Removed after 30 days")
    row = queue.get(job)
    assert (row.state, row.output, row.notes) == ("done", None, ["A draft", "Removed after 30 days"])
    assert [name for name, _ in told(queue, job)].count("expired") == 1
    with pytest.raises(BadInput) as caught:
        queue.retry(job)
    assert "None" not in caught.value.hint


def test_submitting_says_whether_the_job_is_new(queue: Queue, spec: JobSpec) -> None:
    row, new = queue.submit_once(spec, key="k")
    again, renewed = queue.submit_once(spec, key="k")
    assert (new, renewed, again.id) == (True, False, row.id)
    assert told(queue, row.id) == [("submitted", {})]


def test_a_damaged_database_is_found_by_looking(config: Config, queue: Queue, spec: JobSpec) -> None:
    for _ in range(50):
        queue.submit(spec)
    queue.quick_check()
    queue.close()
    with config.database.open("r+b") as f:
        f.seek(4096 * 3 + 8)
        f.write(b"\xff" * 4096)
    damaged = Queue(config.database)
    with pytest.raises(Unavailable) as caught:
        damaged.quick_check()
    assert caught.value.code == "database_damaged"
    damaged.close()
