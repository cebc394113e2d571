"""The daemon is struck while a job runs: systemd starts it anew, and the job goes on where it was."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from daemon.health.heal import APART_S, IN_A_ROW
from tests.systemd.product import BLOCK, BLOCK_AND_FEED, LONG, UNIT, Vigentd
from tests.systemd.times import Times
from tests.systemd.tree import HOOKS

pytestmark = pytest.mark.slow

WATCHDOG_S = 45.0  # as the unit says
CHECK_S = 30.0  # as the timer says
LINE = 40  # jobs that are more than a fast machine makes in the meantime


@pytest.fixture(scope="module", autouse=True)
def hooks(installed: Vigentd) -> None:
    """So that a signal makes the event loop hang, as a bug would."""
    installed.drop_in("hooks", f"Environment=PYTHONPATH={HOOKS}")
    installed.restart()


def struck(
    vigentd: Vigentd, times: Times, fault: str, strike: Callable[[], Any], within_s: float, line: int = 1
) -> None:
    """In the middle of the lips: `strike()`, and then all is as it should be again within so many seconds.

    line: jobs that wait, for a worker that goes on while the daemon is not what it should be.
    """
    jobs = [vigentd.submit(LONG) for _ in range(line)]
    vigentd.until_at_lips()
    before, began = vigentd.main_pid(), time.monotonic()
    strike()
    ready_s = vigentd.until_back(before, within_s)
    struck = vigentd.until_second_attempt(jobs)
    at_work_s = time.monotonic() - began
    vigentd.cancel_waiting(jobs)
    done = vigentd.until_done(struck)
    times.add(fault, ready=ready_s, job_at_work=at_work_s, job_done=time.monotonic() - began)
    assert done["reused"] and done["attempts"] == 2, done  # it went on, and did not begin anew


def test_a_killed_daemon_comes_back(vigentd: Vigentd, times: Times) -> None:
    restarts = vigentd.restarts()
    struck(vigentd, times, "daemon killed (SIGKILL)", lambda: vigentd.signal(signal.SIGKILL), 60)
    assert vigentd.restarts() == restarts + 1


def test_a_daemon_whose_event_loop_stands_still_is_ended_by_the_watchdog(
    vigentd: Vigentd, times: Times
) -> None:
    """And says in the journal where it stood."""
    struck(vigentd, times, "event loop blocked", lambda: vigentd.signal(BLOCK), 2 * WATCHDOG_S, LINE)
    said = vigentd.machine.journal(UNIT)
    assert "Watchdog timeout" in said and "code=killed, status=6/ABRT" in said
    assert "_block" in said.partition("Fatal Python error: Aborted")[2], said[-3000:]


def test_a_stopped_daemon_is_ended_by_the_watchdog(vigentd: Vigentd, times: Times) -> None:
    """It cannot even take SIGABRT."""
    struck(vigentd, times, "daemon stopped (SIGSTOP)", lambda: vigentd.signal(signal.SIGSTOP), 120)


def test_the_health_check_restarts_what_the_watchdog_takes_for_well(vigentd: Vigentd, times: Times) -> None:
    """The loop hangs, and a bug feeds the watchdog all the same: the third check acts."""
    timeouts = vigentd.machine.journal(UNIT).count("Watchdog timeout")
    struck(vigentd, times, "hangs, watchdog fed", lambda: vigentd.signal(BLOCK_AND_FEED), 8 * CHECK_S, LINE)
    assert vigentd.machine.journal(UNIT).count("Watchdog timeout") == timeouts
    told = vigentd.machine.journal("vigentd-failed@vigentd.service.service")
    assert "has failed; " not in told, told  # it has not: it was healed


def test_what_an_administrator_stopped_stays_stopped(vigentd: Vigentd) -> None:
    """Three checks find that it is down, and the timer's own ones besides."""
    vigentd.systemctl("stop", UNIT)
    for _ in range(IN_A_ROW):
        vigentd.machine.run("systemctl", "start", "vigentd-health.service")
        shown = vigentd.shown("ExecMainStatus", unit="vigentd-health.service")
        assert shown["ExecMainStatus"] == "2"
        time.sleep(APART_S + 0.5)  # nearer ones would be one
    assert vigentd.shown("ActiveState")["ActiveState"] == "inactive"
    assert vigentd.main_pid() == 0


def test_a_stop_in_mid_job_keeps_the_job(vigentd: Vigentd, times: Times) -> None:
    """It goes back in line when the grace is not enough for it, and goes on afterwards."""
    job_id = vigentd.submit(LONG)
    vigentd.until_stage(job_id, "lipsync", 0.1)
    began = time.monotonic()
    vigentd.systemctl("stop", UNIT)
    stopped_s = time.monotonic() - began
    state = vigentd.shown("ActiveState", "Result", "TimeoutStopUSec")
    assert (state["ActiveState"], state["Result"]) == ("inactive", "success")
    assert stopped_s < 30
    assert vigentd.machine.says("pgrep", "-u", "vigentd") == ""
    began = time.monotonic()
    vigentd.systemctl("start", UNIT)
    ready_s = time.monotonic() - began
    vigentd.until_stage(job_id, "lipsync")
    times.add(
        "stopped in mid-job, started", stopped=stopped_s, ready=ready_s, job_at_work=time.monotonic() - began
    )
    done = vigentd.until_done(job_id)
    assert "speech" in done["reused"] and done["attempts"] <= 2, done
