"""The daemon is struck while a job runs: systemd starts it anew, and the job goes on where it was."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.systemd.product import BLOCK, BLOCK_AND_FEED, LONG, UNIT, Vigentd
from tests.systemd.times import Times
from tests.systemd.tree import HOOKS

pytestmark = pytest.mark.slow

WATCHDOG_S = 45.0  # as the unit says
CHECK_S = 30.0  # as the timer says


@pytest.fixture(scope="module", autouse=True)
def hooks(installed: Vigentd) -> None:
    """So that a signal makes the event loop hang, as a bug would."""
    installed.drop_in("hooks", f"Environment=PYTHONPATH={HOOKS}")
    installed.restart()


def struck(vigentd: Vigentd, times: Times, fault: str, strike: Callable[[], Any], within_s: float) -> None:
    """In the middle of the lips: `strike()`, and then all is as it should be again within so many seconds."""
    job_id = vigentd.submit(LONG)
    vigentd.until_stage(job_id, "lipsync", 0.3)
    before, began = vigentd.main_pid(), time.monotonic()
    strike()
    ready_s = vigentd.until_back(before, within_s)
    vigentd.until_stage(job_id, "lipsync")
    at_work_s = time.monotonic() - began
    done = vigentd.until_done(job_id)
    times.add(fault, ready=ready_s, job_at_work=at_work_s, job_done=time.monotonic() - began)
    assert "speech" in done["reused"], done  # it went on, and did not begin anew


def test_a_killed_daemon_comes_back(vigentd: Vigentd, times: Times) -> None:
    restarts = vigentd.restarts()
    struck(vigentd, times, "daemon killed (SIGKILL)", lambda: vigentd.signal(signal.SIGKILL), 60)
    assert vigentd.restarts() == restarts + 1


def test_a_daemon_whose_event_loop_stands_still_is_ended_by_the_watchdog(
    vigentd: Vigentd, times: Times
) -> None:
    """And says in the journal where it stood."""
    struck(vigentd, times, "event loop blocked", lambda: vigentd.signal(BLOCK), 2 * WATCHDOG_S)
    said = vigentd.machine.journal(UNIT)
    assert "Watchdog timeout" in said and "code=killed, status=6/ABRT" in said
    assert "_block" in said.partition("Fatal Python error: Aborted")[2], said[-3000:]


def test_a_stopped_daemon_is_ended_by_the_watchdog(vigentd: Vigentd, times: Times) -> None:
    """It cannot even take SIGABRT."""
    struck(vigentd, times, "daemon stopped (SIGSTOP)", lambda: vigentd.signal(signal.SIGSTOP), 120)


def test_the_health_check_restarts_what_the_watchdog_takes_for_well(vigentd: Vigentd, times: Times) -> None:
    """The loop hangs, and a bug feeds the watchdog all the same: the third check acts."""
    timeouts = vigentd.machine.journal(UNIT).count("Watchdog timeout")
    struck(vigentd, times, "hangs, watchdog fed", lambda: vigentd.signal(BLOCK_AND_FEED), 6 * CHECK_S)
    assert vigentd.machine.journal(UNIT).count("Watchdog timeout") == timeouts


def test_what_an_administrator_stopped_stays_stopped(vigentd: Vigentd) -> None:
    """Four checks in a row, and at the timer's own one as well."""
    vigentd.systemctl("stop", UNIT)
    for _ in range(4):
        vigentd.machine.run("systemctl", "start", "vigentd-health.service")
    assert vigentd.shown("ActiveState")["ActiveState"] == "inactive"
    assert vigentd.main_pid() == 0


def test_a_stop_in_mid_job_keeps_the_job(vigentd: Vigentd, times: Times) -> None:
    """It goes back in line within the grace, and no attempt of its is lost."""
    job_id = vigentd.submit(LONG * 4)
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
