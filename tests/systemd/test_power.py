"""The machine goes down in mid-job, in good order and not; its service comes back with it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests.systemd.product import DATA, LONG, Vigentd
from tests.systemd.times import Times

pytestmark = pytest.mark.slow


def at_work(vigentd: Vigentd) -> str:
    job_id = vigentd.submit(LONG)
    vigentd.until_stage(job_id, "lipsync", 0.3)
    return job_id


def comes_back(vigentd: Vigentd, times: Times, fault: str, job_id: str, began: float) -> None:
    vigentd.until_back(0)
    ready_s = time.monotonic() - began
    vigentd.until_stage(job_id, "lipsync")
    at_work_s = time.monotonic() - began
    done = vigentd.until_done(job_id)
    times.add(fault, ready=ready_s, job_at_work=at_work_s, job_done=time.monotonic() - began)
    assert "speech" in done["reused"], done


def test_a_reboot_in_mid_job(vigentd: Vigentd, times: Times) -> None:
    job_id = at_work(vigentd)
    began = time.monotonic()
    vigentd.machine.reboot()
    comes_back(vigentd, times, "reboot", job_id, began)


def test_a_power_cut_in_mid_job(vigentd: Vigentd, times: Times, tmp_path: Path) -> None:
    """Nobody has time to write a word. The database is whole, and knows of the job."""
    job_id = at_work(vigentd)
    vigentd.machine.cut()
    for file in vigentd.machine.at(DATA).glob("vigentd.db*"):
        shutil.copy(file, tmp_path)
    database = sqlite3.connect(tmp_path / "vigentd.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM job WHERE id = ?", (job_id,)).fetchone() == (1,)
    finally:
        database.close()
    began = time.monotonic()
    vigentd.machine.boot()
    comes_back(vigentd, times, "power cut", job_id, began)
