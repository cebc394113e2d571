"""From the files of vigentd to a service that works, as DEPLOY.md says it."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

from tests.systemd.container import until
from tests.systemd.product import HEALTH, LONG, TIMER, UNIT, Vigentd
from tests.systemd.times import Times

pytestmark = pytest.mark.slow

EXPOSURE = 2.0  # of 10: how much systemd thinks that a service could do to its machine


def test_one_command_makes_a_service_of_it(installed: Vigentd) -> None:
    """READY, enabled for the next boot, looked after; and the second time nothing is touched."""
    until(installed.answers, "the daemon to answer", 30)
    state = installed.shown("ActiveState", "SubState", "UnitFileState", "Type", "NRestarts", "User")
    assert state == {
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "Type": "notify",
        "NRestarts": "0",
        "User": "vigentd",
    }
    assert installed.shown("ActiveState", "UnitFileState", unit=TIMER) == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    before = installed.main_pid()
    installed.install()
    assert installed.main_pid() == before


def test_a_job_runs_and_systemctl_shows_how_far_it_is(vigentd: Vigentd, times: Times) -> None:
    began = time.monotonic()
    job_id = vigentd.submit(LONG)
    shown: list[str] = []

    def named() -> bool:
        shown.append(vigentd.shown("StatusText")["StatusText"])
        return job_id in shown[-1] and re.search(r"\d+ ?%", shown[-1]) is not None

    until(named, lambda: f"STATUS= to tell of the job: {shown[-3:]}", 60)
    assert shown[-1] in vigentd.machine.says("systemctl", "status", UNIT)
    vigentd.until_done(job_id)
    times.add("no fault: a job of 15 s of video", done=time.monotonic() - began)
    until(lambda: job_id not in vigentd.shown("StatusText")["StatusText"], "STATUS= to let go of it", 20)


def test_the_status_command_says_how_systemd_sees_it(vigentd: Vigentd) -> None:
    said = vigentd.machine.run("vigentd", "service", "status", "--json")
    found = json.loads(said.stdout)
    assert (found["installed"], found["state"], found["at_boot"]) == (True, "active", True)
    assert found["pid"] == vigentd.main_pid() and found["timer"] == "active" and found["restarts"] == 0
    vigentd.systemctl("stop", UNIT)
    stopped = vigentd.machine.run("vigentd", "service", "status", check=False)
    assert stopped.returncode == 1 and "inactive" in stopped.stdout


def test_systemd_has_nothing_to_say_against_the_units(installed: Vigentd) -> None:
    units = sorted(installed.machine.at("/etc/systemd/system").glob("vigentd*"))
    files = [f"/etc/systemd/system/{file.name}" for file in units if file.is_file()]
    assert len(files) == 4
    verified = installed.machine.run("systemd-analyze", "verify", "--man=no", *files)
    assert (verified.stdout + verified.stderr).strip() == ""


def test_the_services_can_do_little_to_their_machine(installed: Vigentd) -> None:
    for unit in (UNIT, "vigentd-health.service", "vigentd-failed@.service"):
        file = f"/etc/systemd/system/{unit}"
        said = installed.machine.run("systemd-analyze", "security", "--offline=true", file).stdout
        found = re.search(r"exposure level for \S+: ([\d.]+)", said)
        assert found is not None, said
        assert float(found[1]) <= EXPOSURE, said


def test_it_is_taken_away_and_the_work_stays(vigentd: Vigentd) -> None:
    machine = vigentd.machine
    job_id = vigentd.submit()
    output = vigentd.until_done(job_id)["output"]
    slow = machine.at(f"/etc/systemd/system/{HEALTH}.d/slow.conf")
    slow.parent.mkdir()
    slow.write_text("[Service]\nExecStart=\nExecStart=sleep 60\n")
    vigentd.systemctl("daemon-reload")
    vigentd.systemctl("start", "--no-block", HEALTH)  # a look that is under way ends with the rest
    until(lambda: vigentd.shown("ActiveState", unit=HEALTH)["ActiveState"] == "activating", "the look", 20)
    machine.run("vigentd", "service", "uninstall")
    shutil.rmtree(slow.parent)
    assert vigentd.shown("LoadState")["LoadState"] == "not-found"
    assert machine.says("systemctl", "list-units", "--all", "--plain", "--no-legend", "vigentd*") == ""
    assert machine.at(output).is_file()
    vigentd.install()
    until(vigentd.answers, "the daemon to answer", 60)
    assert vigentd.job(job_id)["state"] == "done"
