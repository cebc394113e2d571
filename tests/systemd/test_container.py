"""The machine itself: what the other tests rest on."""

from __future__ import annotations

import pytest

from tests.systemd.container import Container

pytestmark = pytest.mark.slow


def _boot_id(machine: Container) -> str:
    return machine.run("journalctl", "--list-boots", "--quiet").stdout.strip().splitlines()[-1].split()[1]


def test_a_machine_is_booted_stopped_and_booted_again(bare: Container) -> None:
    """Whatever way it went down, it is up again with its files, and nothing runs that ran before."""
    boots = {_boot_id(bare)}
    for end in (bare.reboot, bare.power_off, bare.cut):
        bare.run("systemd-run", "--unit=sleeper", "sleep", "1000")
        assert bare.says("systemctl", "is-active", "sleeper") == "active"
        bare.run("touch", f"/srv/{end.__name__}")
        end()
        if end != bare.reboot:
            bare.boot()
        assert bare.says("systemctl", "is-active", "sleeper") != "active"
        assert bare.at(f"/srv/{end.__name__}").exists()
        boots.add(_boot_id(bare))
    assert len(boots) == 4
