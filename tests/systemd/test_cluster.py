"""The service, hardened as it is, in a cluster whose Ray is a service too: as CLUSTER.md says it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.models.latentsync.tiny import lay_models
from tests.systemd.container import Container, until
from tests.systemd.product import DATA, Vigentd
from tests.systemd.tree import PROJECT, VENV

pytest.importorskip("ray", reason="Ray is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("systemd-nspawn"), reason="systemd-nspawn is not installed"),
]

PORT = 26379
RAY = Path("/etc/systemd/system/ray.service")
TOKEN = Path("/etc/vigentd/ray-token")


def of_the_page(heading: str, number: int = 0) -> str:
    """A block of CLUSTER.md, as somebody would copy it."""
    section = (PROJECT / "CLUSTER.md").read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    blocks: list[str] = re.findall(r"^```\n(.*?)^```$", section, re.M | re.S)
    return blocks[number]


def written(machine: Container, path: Path, text: str) -> None:
    machine.at(path).parent.mkdir(parents=True, exist_ok=True)
    machine.at(path).write_text(text)


def configure(vigentd: Vigentd, address: str) -> None:
    vigentd.configure(
        *("[queue]", "stop_grace = 1"),
        *("[cluster]", f'address = "{address}"', "gpus = 0"),
        *("[lipsync]", 'engine = "latentsync"', "steps = 2", "compile = false", "max_faceless = 1"),
    )


def until_idle(vigentd: Vigentd) -> dict[str, Any]:
    """What is told of the cluster when its one replica is there."""
    told: dict[str, Any] = {}

    def idle() -> bool:
        told.update(vigentd.client.get("/cluster"))
        return [replica["state"] for replica in told["replicas"]] == ["idle"]

    until(idle, lambda: f"a replica: {told} {vigentd.machine.journal()[-6000:]}", 120)
    return told


@pytest.fixture(scope="module")
def clustered(installed: Vigentd) -> Vigentd:
    """With tiny weights, and Ray on this machine alone."""
    machine = installed.machine
    lay_models(machine.at(DATA / "models"))
    machine.run("chown", "-R", "vigentd:", DATA / "models")
    written(machine, TOKEN, "0123456789abcdef" * 4)
    machine.run("chown", "vigentd:", TOKEN)
    machine.run("chmod", "400", TOKEN)
    unit = of_the_page("As a service").replace("/opt/vigentd/.venv/bin/ray", f"{VENV}/bin/ray")
    unit = (
        unit.replace("10.7.0.1", "127.0.0.1")
        .replace("6379", str(PORT))
        .replace("--num-gpus 0", "--num-gpus 0 --num-cpus 2")
    )
    written(machine, RAY, unit)
    script = f"#!{VENV}/bin/python\nfrom ray.scripts.scripts import main\nmain()\n"
    written(machine, VENV / "bin/ray", script)
    machine.run("chmod", "755", VENV / "bin/ray")
    installed.drop_in("ray", *of_the_page("As a service", 1).splitlines()[1:])
    configure(installed, f"127.0.0.1:{PORT}")
    machine.run("systemctl", "enable", "--now", "ray", timeout_s=90)
    installed.restart()
    return installed


def test_its_replicas_are_found_and_make_a_job(clustered: Vigentd) -> None:
    assert until_idle(clustered)["files"] == "shared"
    clustered.until_done(clustered.submit())


def test_a_ray_of_its_own_starts_within_it(clustered: Vigentd) -> None:
    """This is the last test: it configures the service anew."""
    configure(clustered, "local")
    clustered.restart()
    assert until_idle(clustered)["address"] == "local"
