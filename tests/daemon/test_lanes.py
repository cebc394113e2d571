"""The real daemon with two lanes (`queue.lanes = 2`): two jobs side by side, and what becomes of them when it
ends. Its worker alone: test_worker_lanes.py."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from daemon.jobs import State
from tests.daemon.daemon_kit import Daemon, Desk, gone
from tests.face_kit import portrait

SETTINGS = {"VIGENTD_QUEUE__LANES": "2", "VIGENTD_QUEUE__STOP_GRACE": "0"}
LIPS, MEDIA = ("lipsync", "lipsync.2"), ("media", "media.2")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    clip = portrait(album, (180, 320), 1)
    with Desk(tmp_path_factory.mktemp("desk"), clip, dict(SETTINGS)).daemon() as daemon:
        yield daemon


@contextmanager
def standing(daemon: Daemon, names: tuple[str, ...]) -> Iterator[dict[str, int]]:
    """These hosts stand still, so that no job gets past them. Of each, the pid."""
    daemon.until(lambda _: all(daemon.host(name)["why"] == "" for name in names))
    pids = {name: daemon.host(name)["pid"] for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids.values():
            go_on(pid)


def go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def doing(daemon: Daemon, *parts: str) -> list[list[str]]:
    """By its health: of each of these, at which job it is, and in which stage."""
    facts = [
        part["facts"] for part in daemon.desk.client.get("/health")["components"] if part["name"] in parts
    ]
    return sorted([str(fact.get(what)) for what in ("job", "stage")] for fact in facts)


def progress_until(daemon: Daemon, done: str, host: int) -> dict[str, list[tuple[str, float]]]:
    """What is told of each job from the moment when this host goes on until this job is done."""
    told: dict[str, list[tuple[str, float]]] = defaultdict(list)
    with daemon.desk.client.events() as events:
        for event in events:
            if event["event"] == "hello":
                go_on(host)
            elif event["event"] == "progress":
                told[event["job"]].append((event["stage"], event["progress"]))
            elif event["event"] == "job" and (event["id"], event["state"]) == (done, "done"):
                return told
    raise AssertionError(f"the events ended: {daemon.desk.said()}")


def test_two_jobs_are_made_side_by_side_and_whoever_is_done_makes_room_for_the_next(daemon: Daemon) -> None:
    desk = daemon.desk
    with standing(daemon, LIPS) as lips:
        first, second, third, fourth = (desk.submit() for _ in range(4))
        for job in (first, second):
            daemon.until_stage(job, "lipsync")
        told, both = daemon.status(), [[first, "lipsync"], [second, "lipsync"]]
        assert sorted([job["id"], job["stage"]] for job in told["jobs"]) == sorted(both)
        assert (told["job"], told["state"], told["lanes"]) == (told["jobs"][0], "working", 2)
        assert told["counts"]["queued"] == 2
        assert gone(lambda: doing(daemon, "worker.1", "worker.2") != sorted(both)), (
            "health is a moment behind"
        )
        card, health = desk.vigentd("status"), desk.vigentd("health")
        assert sorted(line.split()[1:3] for line in card.stdout.splitlines() if "job:" in line) == sorted(
            both
        )
        assert sorted(
            line.split()[-2:] for line in health.stdout.splitlines() if "worker." in line
        ) == sorted(both)
        assert health.returncode == 0

        hosts = {doing(daemon, f"host:{name}")[0][0]: pid for name, pid in lips.items()}
        desk.client.post(f"/jobs/{first}/cancel", {})
        go_on(hosts[first])
        assert daemon.until_finished(first).state == State.CANCELLED
        daemon.until(lambda _: desk.row(third).state != State.QUEUED)
        progress = progress_until(daemon, second, hosts[second])
        assert len(set(progress[second])) > 3 and progress[second][-1][0] == "verify"
        for told_of_one in progress.values():
            fractions = [fraction for _, fraction in told_of_one]
            assert fractions == sorted(fractions), "each has its own"
    rows = [daemon.until_finished(job) for job in (first, second, third, fourth)]
    assert [row.attempts for row in rows] == [1, 1, 1, 1]
    assert [row.state for row in rows[1:]] == [State.DONE] * 3, "only one was cancelled"
    begun, over = ([str(getattr(row, name)) for row in rows] for name in ("started_at", "finished_at"))
    assert begun == sorted(begun)
    assert over[0] <= begun[2] < over[1], "side by side with the second, in the first one's lane"
    assert min(over[1], over[2]) <= begun[3]


@pytest.mark.slow  # of one lane, the usual suite has it: test_service.py
def test_two_jobs_outlive_their_daemons(daemon: Daemon) -> None:
    """The first is told to stop, the second is killed. This is the last test: it ends the daemon."""
    desk, before = daemon.desk, len(daemon.desk.said())
    with standing(daemon, LIPS):
        jobs = [desk.submit(), desk.submit()]
        for job in jobs:
            daemon.until_stage(job, "lipsync")
        daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(60) == 0
    with desk.queue() as queue:
        assert queue.positions() == {jobs[0]: 1, jobs[1]: 2}, "each in its place"
    assert [desk.row(job).attempts for job in jobs] == [0, 0]

    with desk.daemon() as second, standing(second, MEDIA):
        second.until(lambda _: all(desk.row(job).state == State.RUNNING for job in jobs))
        second.kill()
    with desk.queue() as queue:
        assert {row.id for row in queue.all_running()} == set(jobs)
    assert gone(desk.left)

    with desk.daemon() as third:
        rows = [third.until_finished(job) for job in jobs]
    for row in rows:
        assert (row.state, row.attempts, row.reused[:3]) == (State.DONE, 2, ["probe", "speech", "captions"])
        happened = desk.milestones(row.id)
        assert [happened.count(what) for what in ("claimed", "requeued", "recovered", "done")] == [3, 1, 1, 1]
        assert row.output is not None and Path(row.output).stat().st_size > 10_000
    assert "worker_fault" not in desk.said()[before:]
