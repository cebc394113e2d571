"""The real daemon, with a host that stands still under a job: it is replaced, and the job goes on. A job
under which that happens twice is set aside, and the next one is made."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from daemon.jobs import State
from tests.daemon.daemon_kit import LONG, Daemon, Desk
from tests.face_kit import portrait

PATIENCE = 0.03  # 9 s from step to step of the lips


def stand_still(daemon: Daemon, job_id: str, after: int) -> None:
    """The host of the lips is stopped in the middle of the work on this job."""

    def works(_: object) -> bool:
        host = daemon.host("lipsync")
        return bool(host["job"] == job_id and host["starts"] > after and host["heartbeats"] > 0)

    daemon.until(works)
    os.kill(daemon.host("lipsync")["pid"], signal.SIGSTOP)


@pytest.mark.slow
def test_a_host_that_stands_still_is_replaced_and_a_job_that_does_it_twice_is_set_aside(
    tmp_path: Path, album: Path
) -> None:
    desk = Desk(tmp_path, portrait(album, (180, 320), 1), {"VIGENTD_HEALTH__PATIENCE": str(PATIENCE)})
    with desk.daemon() as daemon:
        once = desk.submit(LONG)
        stand_still(daemon, once, 0)
        row = daemon.until_finished(once)
        assert (row.state, row.attempts) == (State.DONE, 1), row.error
        assert "stalled" in desk.milestones(once) and "process_gone" not in desk.milestones(once)

        twice, next_one = desk.submit(LONG), desk.submit()
        for after in (1, 2):
            stand_still(daemon, twice, after)
        row = daemon.until_finished(twice)
        assert row.state == State.FAILED and row.error is not None and row.error["code"] == "job_stalled"
        assert f"vigentd retry {twice}" in row.error["hint"]
        assert daemon.until_finished(next_one).state == State.DONE
    said = desk.said()
    for rung in ("found", "dump", "cancel", "term", "kill"):
        assert said.count(f"rung={rung}") == 3, rung
