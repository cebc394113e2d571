"""The queue probe, on a real queue: jobs that wait with a reason, without one, and while one is made."""

from __future__ import annotations

from daemon.config import Config
from daemon.health.queue_probe import AtWork, queue_probe
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.health.kit import Clock, pass_by
from tests.daemon.health.test_database_probe import locked
from tests.log_kit import Written


def test_an_empty_line_is_well_whatever_the_worker_says(queue: Queue) -> None:
    clock = Clock()
    probe = queue_probe(queue, lambda: AtWork(why="The disk is full"), Written(), clock)
    found = pass_by(100, clock, probe.health, probe.look)
    assert (found.state, found.well, found.facts["oldest_waiting"]) == ("idle", True, None)


def test_a_job_that_waits_for_a_reason_tells_it_at_once(queue: Queue, spec: JobSpec) -> None:
    row = queue.submit(spec)
    probe = queue_probe(queue, lambda: AtWork(why="Only 3 MB are free"), Written())
    probe.look()
    (found,) = probe.health()
    assert (found.state, found.trouble) == ("busy", "Only 3 MB are free")
    assert found.facts["oldest_waiting"] == row.created_at and found.facts["counts"]["queued"] == 1


def test_jobs_that_wait_while_one_is_made_for_hours_are_well(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    clock = Clock()
    probe = queue_probe(queue, lambda: AtWork("j1"), Written(), clock)

    def look() -> None:
        if clock.now % 30 == 0:
            probe.look()

    found = pass_by(7200, clock, probe.health, look)
    assert (found.state, found.well) == ("busy", True)


def test_jobs_that_nobody_takes_are_told_after_the_budget_and_not_before(queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    clock, worker = Clock(), [AtWork()]
    probe = queue_probe(queue, lambda: worker[0], Written(), clock)
    assert pass_by(60, clock, probe.health, probe.look).well
    assert "without a reason" in pass_by(1, clock, probe.health, probe.look).trouble
    worker[0] = AtWork("j1")
    assert pass_by(1, clock, probe.health, probe.look).well
    worker[0] = AtWork()  # between two jobs, and it takes another moment
    assert pass_by(60, clock, probe.health, probe.look).well


def test_a_writer_that_keeps_the_database_does_not_hide_the_line(
    config: Config, queue: Queue, spec: JobSpec
) -> None:
    queue.submit(spec)
    probe = queue_probe(queue, lambda: AtWork("j1"), Written())
    with locked(config.database):
        probe.look()
    assert next(iter(probe.health())).facts["counts"]["queued"] == 1
