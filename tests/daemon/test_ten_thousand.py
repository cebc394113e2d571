"""The queue is as quick with ten thousand jobs in line as with ten."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from sqlalchemy import event

from daemon.config import Config
from daemon.jobs import IDS_A_SECOND, JobRow, State, new_id
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.claims import AT, claimed

T = TypeVar("T")


COPIES = """
    INSERT INTO job (id, source, label, spec, created_at, priority, place, state, progress, attempts, token,
                     cancel_asked, engines, notes, timings, reused, out_key)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    SELECT printf('0%07d', i), source, label, spec, created_at, i % 3, place + i, ?, progress, attempts,
           token, cancel_asked, engines, notes, timings, reused, '/videos/' || i
    FROM job, n WHERE job.id = ?
"""


def _fill(queue: Queue, spec: JobSpec, count: int, state: State = State.QUEUED) -> None:
    """All at once, which `submit` does not do."""
    job = queue.submit(spec).id
    with queue._db.writing() as s:
        s.connection().exec_driver_sql(COPIES, (count, str(state), job))
    assert queue.counts()[state] >= count


def test_ten_thousand_jobs_in_line_slow_nobody_down(queue: Queue, spec: JobSpec, tmp_path: Path) -> None:
    """Against a queue with nobody in line, turn by turn: others use this machine, too."""
    _fill(queue, spec, 10_000)
    took: dict[tuple[str, bool], list[float]] = defaultdict(list)

    def timed(what: str, busy: bool, action: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = action()
        took[what, busy].append(time.perf_counter() - began)
        return result

    with closing(Queue(tmp_path / "idle.db")) as idle:
        for n in range(80):
            busy = n % 2 == 0
            line = queue if busy else idle
            asked = spec.model_copy(update={"out": Path(f"/new/{n}.mp4")})
            row = timed("submit", busy, partial(line.submit, asked, key=f"key {n}"))
            timed("position", busy, partial(line.position, row.id))
            claim = timed("claim", busy, partial(line.claim, "tests"))
            assert claim is not None
            line.finish(claim, Path("/x.mp4"))
    for what in ("submit", "position", "claim"):
        # `vigentd bench queue` tells the rest.
        assert median(took[what, True]) < 3 * median(took[what, False]) + 0.002, what


def test_no_statement_of_the_queue_reads_all_jobs(queue: Queue, spec: JobSpec) -> None:
    """What the clock does not show on a fast disk: a scan of the table."""
    _fill(queue, spec, 100, State.DONE)
    waiting = [queue.submit(spec, key=f"k{n}").id for n in range(3)]
    seen: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(queue._db._writer, "before_cursor_execute")
    def look(
        _c: object, _k: object, statement: str, parameters: tuple[object, ...], _x: object, _m: bool
    ) -> None:
        seen.append((statement, parameters))

    queue.submit(spec.model_copy(update={"out": Path("/new.mp4")}), key="new")
    queue.position(waiting[-1])
    queue.next()
    queue.running()
    claim = claimed(queue)
    queue.progress(claim, AT)
    queue.record(claim, timings={"speech": 1.0}, amount_s=3.0)
    queue.milestones(claim.job_id)
    queue.finish(claim, Path("/x.mp4"))
    queue.recover()
    event.remove(queue._db._writer, "before_cursor_execute", look)
    with queue._db.reading() as s:
        plans = {
            statement: str(s.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", p).all())
            for statement, p in seen
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
        }
    assert len(plans) > 12
    assert {statement: plan for statement, plan in plans.items() if "SCAN job" in plan} == {}
    for index in ("next_in_line", "end_of_line", "who_writes_there"):  # a MAX without one is called a search
        assert any(index in plan for plan in plans.values()), index


def test_a_second_in_which_all_ids_are_taken_lends_from_the_next(config: Config, spec: JobSpec) -> None:
    now = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
    queue = Queue(config.database, now=lambda: now)
    asked = spec.model_dump(mode="json")
    with queue._db.writing() as s:
        s.add_all(
            JobRow(id=new_id(now, n), source="cli", label="x", spec=asked, created_at="2026", place=n)
            for n in range(IDS_A_SECOND)
            if n != 700
        )
    assert queue.submit(spec).id == new_id(now, 700)
    late = queue.submit(spec).id
    assert late > new_id(now, -1)
    assert late[:6] == new_id(now + dt.timedelta(seconds=1), 0)[:6]
    assert len({queue.submit(spec).id for _ in range(20)}) == 20
    queue.close()
