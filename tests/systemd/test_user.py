"""A service of somebody's own, without root."""

from __future__ import annotations

import time

import pytest

from daemon.control.client import Client, DaemonAway
from tests.systemd.container import Container, until
from tests.systemd.product import CLIP

pytestmark = pytest.mark.slow

ANNA = "anna"


def test_a_user_has_a_daemon_that_runs_without_a_login(bare: Container) -> None:
    machine = bare
    machine.run("useradd", "--create-home", ANNA)
    machine.run("loginctl", "enable-linger", ANNA)
    uid = machine.run("id", "-u", ANNA).stdout.strip()
    until(lambda: machine.at(f"/home/{ANNA}").is_dir(), "a home", 5)
    variables = {"XDG_RUNTIME_DIR": f"/run/user/{uid}"}

    def anna(*command: str, check: bool = True) -> str:
        return machine.run(*command, user=ANNA, check=check, variables=variables).stdout.strip()

    until(lambda: anna("systemctl", "--user", "is-system-running", check=False) == "running", "linger", 30)
    anna("vigentd", "service", "install", "--user")
    assert anna("systemctl", "--user", "is-active", "vigentd.service") == "active"
    client = Client(machine.at(f"/home/{ANNA}/.local/share/vigentd/control.sock"), read_timeout_s=60)
    job = client.post("/jobs", {"clip": str(CLIP), "script": "Good morning."})

    def state() -> str:
        try:
            return str(client.get(f"/jobs/{job['id']}")["state"])
        except DaemonAway:
            return ""

    until(lambda: state() == "done", lambda: f"Anna's job: {state()}", 120)
    machine.reboot()
    began = time.monotonic()
    until(lambda: state() == "done", "Anna's daemon after a reboot", 60)
    assert time.monotonic() - began < 60
    anna("vigentd", "service", "uninstall", "--user")
    assert anna("systemctl", "--user", "is-active", "vigentd.service", check=False) == "inactive"
