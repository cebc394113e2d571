"""Putting the units in place and taking them away, with a systemctl that only writes down."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from daemon.config_file import load
from daemon.units.deployment import deployment
from daemon.units.install import Place, install, uninstall
from daemon.units.render import FAILED, HEALTH, SERVICE, TIMER
from daemon.units.systemctl import Systemctl
from models.errors import BadInput, StageFailed, Unavailable
from tests.daemon.conftest import Cli
from tests.daemon.units.fake import FakeSystemd


@pytest.fixture
def units(tmp_path: Path) -> Path:
    return tmp_path / "home/.config/systemd/user"


def test_a_users_service_is_put_in_place_and_started(cli: Cli, systemd: FakeSystemd, units: Path) -> None:
    said = cli("service", "install", "--user")
    assert said.code == 0, said.err
    assert {path.name for path in units.iterdir()} == {SERVICE, HEALTH, TIMER, FAILED}
    assert systemd.asked() == [
        "--user daemon-reload",
        f"--user enable {SERVICE} {TIMER}",
        f"--user start {SERVICE}",
        f"--user restart {TIMER}",
    ]
    assert "enable-linger" in said.err and str(units / SERVICE) in said.err


def test_done_again_it_changes_nothing(cli: Cli, systemd: FakeSystemd, units: Path) -> None:
    cli("service", "install", "--user")
    before = {path: path.stat().st_ino for path in units.iterdir()}
    systemd.shows(SERVICE, ActiveState="active")
    systemd.asked()
    cli("service", "install", "--user")
    assert {path: path.stat().st_ino for path in units.iterdir()} == before
    assert not [line for line in systemd.asked() if "restart" in line]


def test_a_running_service_whose_unit_is_another_now_is_restarted(
    cli: Cli, systemd: FakeSystemd, units: Path
) -> None:
    cli("service", "install", "--user")
    systemd.shows(SERVICE, ActiveState="active")
    (units / SERVICE).write_text((units / SERVICE).read_text() + "# of an earlier version\n")
    systemd.asked()
    cli("service", "install", "--user")
    assert f"--user restart {SERVICE}" in systemd.asked()


def test_one_that_failed_too_often_is_started_all_the_same(cli: Cli, systemd: FakeSystemd) -> None:
    systemd.shows(SERVICE, ActiveState="failed")
    cli("service", "install", "--user")
    asked = systemd.asked()
    assert asked.index(f"--user reset-failed {SERVICE}") < asked.index(f"--user start {SERVICE}")


def test_a_unit_of_somebody_else_is_left_as_it_is(cli: Cli, systemd: FakeSystemd, units: Path) -> None:
    units.mkdir(parents=True)
    (units / SERVICE).write_text("[Service]\nExecStart=/opt/mine\n")
    said = cli("service", "install", "--user")
    assert said.code == 2 and "not made by" in said.err and "--force" in said.err
    assert [path.name for path in units.iterdir()] == [SERVICE] and systemd.asked() == []
    assert cli("service", "uninstall", "--user").err.startswith(f"left {units / SERVICE}")
    assert (units / SERVICE).is_file()
    assert cli("service", "install", "--user", "--force").code == 0
    assert "/opt/mine" not in (units / SERVICE).read_text()


def test_without_systemd_nothing_is_written(
    cli: Cli, units: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = cli("service", "install", "--user")
    assert said.code == 2 and "systemd cannot be asked" in said.err and not units.exists()


def test_a_start_that_fails_is_told_with_its_reason(cli: Cli, systemd: FakeSystemd) -> None:
    systemd.refuses("start", "Job for vigentd.service failed because a timeout was exceeded.\n")
    said = cli("service", "install", "--user")
    assert "`systemctl --user start vigentd.service` failed: Job for vigentd.service" in said.err
    assert "`systemctl --user status vigentd.service` says more" in said.err and said.code == 2


def test_only_root_changes_the_systems_services(
    cli: Cli, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for command in ("install", "uninstall"):
        said = cli("service", command)
        assert said.code == 2 and f"sudo {Path(sys.executable).parent}" in said.err
    assert systemd.asked() == []


def test_the_systems_service_gets_its_user_its_folders_and_a_configuration(
    systemd: FakeSystemd, tmp_path: Path
) -> None:
    place = Place(False, tmp_path / "root")
    said: list[str] = []
    install(deployment(load(), False), place, Systemctl(), said.append)
    asked = systemd.asked()
    assert asked[:2] == [
        f"{tmp_path}/root/etc/sysusers.d/vigentd.conf",
        f"--create {tmp_path}/root/etc/tmpfiles.d/vigentd.conf",
    ]
    file = tmp_path / "root/etc/vigentd/vigentd.toml"
    assert load(file).config.data_dir == Path("/var/lib/vigentd")
    file.write_text("# mine\n")
    install(deployment(load(), False), place, Systemctl(), said.append)
    assert file.read_text() == "# mine\n"


def test_uninstall_takes_the_units_and_leaves_the_rest(systemd: FakeSystemd, tmp_path: Path) -> None:
    place = Place(False, tmp_path / "root")
    said: list[str] = []
    install(deployment(load(), False), place, Systemctl(), said.append)
    drop_in = place.units / f"{SERVICE}.d/mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\n")
    telling = FAILED.replace("@", f"@{SERVICE}")
    for failed in (HEALTH, telling):
        systemd.shows(failed, ActiveState="failed")
    systemd.asked()
    uninstall(place, Systemctl(), said.append)
    assert systemd.asked() == [
        f"disable --now {TIMER}",
        f"stop {HEALTH}",  # a check that has begun would start the service again
        f"disable --now {SERVICE}",
        "daemon-reload",
        f"reset-failed {HEALTH}",  # or `systemctl --failed` would name it until the next boot
        f"reset-failed {telling}",
    ]
    left = {
        str(path.relative_to(tmp_path / "root"))
        for path in (tmp_path / "root").rglob("*.*")
        if path.is_file()
    }
    assert left == {f"etc/systemd/system/{SERVICE}.d/mine.conf", "etc/vigentd/vigentd.toml"}
    uninstall(place, Systemctl(), said.append)
    assert said[-1].startswith("nothing to remove")


def test_status_is_a_few_plain_lines(cli: Cli, systemd: FakeSystemd) -> None:
    systemd.shows(
        SERVICE, LoadState="loaded", ActiveState="active", SubState="running", Result="watchdog", MainPID=77,
        NRestarts=2, StatusText="idle", UnitFileState="enabled", WatchdogUSec="45s",
    )  # fmt: skip
    systemd.shows(TIMER, ActiveState="active", LastTriggerUSec="Mon 2026-11-23 00:10:00 UTC")
    systemd.shows(HEALTH, ExecMainStatus=1)
    said = cli("service", "status")
    assert said.code == 0 and len(said.out.splitlines()) == 5
    for word in (
        "process 77, starts at boot",
        "idle",
        "after 45s",
        "degraded",
        "2 since",
        "feed its watchdog",
    ):
        assert word in said.out
    assert cli("service", "status", "--json").json["restarts"] == 2


def test_status_says_when_it_does_not_run(cli: Cli, systemd: FakeSystemd) -> None:
    systemd.shows(
        SERVICE, LoadState="loaded", ActiveState="failed", SubState="failed", Result="start-limit-hit"
    )
    systemd.shows(TIMER, ActiveState="inactive")
    systemd.shows(HEALTH, LoadState="not-found")
    said = cli("service", "status")
    assert (
        said.code == 1 and "too often" in said.out and "nobody looks" in said.out and "journalctl" in said.out
    )
    systemd.shows(SERVICE, LoadState="not-found", ActiveState="inactive")
    assert "not installed" in cli("service", "status").out


def test_status_without_systemd_is_one_plain_sentence(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = cli("service", "status")
    assert said.code == 2 and said.err.startswith("error: systemd cannot be asked")


def test_troubles_are_of_their_kinds(systemd: FakeSystemd, tmp_path: Path) -> None:
    plan = deployment(load(), False)
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        install(plan, Place(False, tmp_path / "file"), Systemctl(), lambda _: None)
    systemd.refuses("daemon-reload", "no\n")
    with pytest.raises(StageFailed):
        install(plan, Place(False, tmp_path / "root"), Systemctl(), lambda _: None)
    (tmp_path / "root/etc/systemd/system" / SERVICE).write_text("mine")
    with pytest.raises(BadInput):
        install(plan, Place(False, tmp_path / "root"), Systemctl(), lambda _: None)


def test_who_has_not_logged_in_is_told_so(cli: Cli, systemd: FakeSystemd, units: Path) -> None:
    (systemd.path / "systemctl").write_text(
        "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n"
    )
    said = cli("service", "install", "--user")
    assert said.code == 2 and "Failed to connect to bus" in said.err and "enable-linger" in said.err
    assert not units.exists()
