"""`vigentd health --heal`: what is done from outside, and what is left alone."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config
from daemon.health.asking import PATIENT_S
from daemon.health.component import Component, State
from daemon.health.heal import (
    FILE_NAME,
    IN_A_ROW,
    Action,
    Memory,
    Unit,
    decide,
    heal,
    is_hung,
    look,
    remembered,
    state_folder,
)
from daemon.health.kept import Moment, keep, now
from daemon.health.report import Report, Verdict
from daemon.units.last_good import keep_good
from daemon.units.systemctl import Systemctl
from tests.daemon.conftest import Cli
from tests.daemon.units.fake import FakeSystemd

RUNS = Unit("active", 3600.0, "first")


def down_by(name: str, state: State = "stalled", pid: int | None = 7) -> dict[str, Any]:
    well, ill = Component("worker", "idle", vital=True), Component(name, state, vital=True)
    return Report((well, ill), pid).as_dict()


def down(times: int, unit: Unit = RUNS) -> list[tuple[Verdict, Unit]]:
    return [("down", unit)] * times


def looks(*seen: tuple[Verdict, Unit], every_s: float = 30.0, memory: Memory | None = None) -> list[Action]:
    """What is done at each look."""
    memory = memory or Memory()
    done: list[Action] = []
    for number, (verdict, unit) in enumerate(seen, 1):
        memory, action = decide(memory, unit, verdict, 1000.0 + number * every_s)
        done.append(action)
    return done


def test_the_third_look_in_a_row_that_finds_it_down_restarts_it() -> None:
    assert looks(*down(5)) == ["nothing", "nothing", "restart", "nothing", "nothing"]


@pytest.mark.parametrize("between", ["healthy", "degraded"])
def test_one_good_look_between_begins_the_count_anew(between: Verdict) -> None:
    seen: list[Verdict] = ["down", "down", between, "down", "down"]
    assert set(looks(*((verdict, RUNS) for verdict in seen))) == {"nothing"}


def test_degraded_never_restarts() -> None:
    assert set(looks(*(("degraded", RUNS) for _ in range(20)))) == {"nothing"}


@pytest.mark.parametrize("state", ["inactive", "activating", "deactivating", "reloading", "maintenance", ""])
def test_what_was_stopped_or_is_on_its_way_is_left_alone(state: str) -> None:
    assert set(looks(*down(10, dataclasses.replace(RUNS, state=state)))) == {"nothing"}


def test_what_has_just_been_started_is_left_alone() -> None:
    """The old system restarted its server while it loaded, again and again."""
    assert set(looks(*down(10, Unit("active", 5.0, "first")))) == {"nothing"}


def test_another_start_of_it_is_another_count() -> None:
    again = dataclasses.replace(RUNS, run="second")
    assert looks(*down(2), *down(1, again)) == ["nothing"] * 3


def test_looks_at_the_same_moment_are_one() -> None:
    """Somebody who calls it by hand, thrice, must not restart what stutters for a second."""
    assert set(looks(*down(8), every_s=1.0)) == {"nothing"}


def test_looks_with_a_sleep_of_the_machine_between_are_not_in_a_row() -> None:
    assert set(looks(*down(8), every_s=4000.0)) == {"nothing"}


def test_three_restarts_within_an_hour_are_enough() -> None:
    done = looks(*down(24))
    assert done.count("restart") == 3
    assert done[9:11] == ["nothing", "nothing"] and set(done[11:]) == {"tell"}


def test_an_hour_later_it_is_tried_again() -> None:
    memory = Memory(restarts=(10.0, 20.0, 30.0))
    at = 30.0 + 3601
    for _ in range(IN_A_ROW):
        at += 30
        memory, action = decide(memory, RUNS, "down", at)
    assert action == "restart" and len(memory.restarts) == 1


def test_what_systemd_gave_up_is_tried_again_after_a_while() -> None:
    assert set(looks(*down(10, Unit("failed", 100.0, gave_up=True)))) == {"nothing"}
    assert looks(*down(3, Unit("failed", 1000.0, gave_up=True)))[-1] == "restart"
    restarted = Memory(restarts=(500.0,))  # by us, and so it was not started "again" by systemd
    assert looks(*down(3, Unit("failed", 1000.0)), memory=restarted)[-1] == "restart"


def test_what_an_administrator_stopped_stays_so_though_it_had_to_be_killed() -> None:
    """`systemctl stop` of one that hangs: it took too long, and so the unit has failed."""
    assert set(looks(*down(10, Unit("failed", 90_000.0)))) == {"nothing"}


@pytest.mark.parametrize(
    ("shown", "gave_up"),
    [
        ({"NRestarts": 0, "Result": "timeout"}, False),
        ({"NRestarts": 5, "Result": "exit-code"}, True),
        ({"NRestarts": 0, "Result": "start-limit-hit"}, True),
        ({}, False),
    ],
)
def test_whether_systemd_gave_up(systemd: FakeSystemd, shown: dict[str, object], gave_up: bool) -> None:
    systemd.shows("vigentd.service", ActiveState="failed", MainPID=0, **shown)
    assert look(Systemctl()).gave_up == gave_up


# ---------------------------------------------------------------- with a systemctl, and a file


def at(moment: Moment, s: float) -> Moment:
    return Moment(moment.boot, moment.at_s + s)


def test_it_remembers_between_calls_and_restarts(systemd: FakeSystemd, tmp_path: Path) -> None:
    systemd.shows(
        "vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, InvocationID="a", MainPID=7
    )
    said: list[str] = []
    begin = now()
    for number in range(3):
        heal(down_by("database"), Systemctl(), tmp_path / "run", at(begin, 30.0 * number), said.append)
    assert systemd.asked() == ["restart --no-block vigentd.service"]
    assert ["1 of 3" in said[0], "2 of 3" in said[1], "started anew" in said[2]] == [True] * 3
    assert (tmp_path / "run" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_one_that_hangs_is_made_to_say_where(systemd: FakeSystemd, tmp_path: Path) -> None:
    """SIGTERM would wait for the whole time that stopping may take."""
    systemd.shows(
        "vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, InvocationID="a", MainPID=7
    )
    begin = now()
    for number in range(3):
        heal(down_by("loop"), Systemctl(True), tmp_path, at(begin, 30.0 * number), lambda _: None)
    assert systemd.asked() == [
        "--user kill --kill-who=main --signal=SIGABRT vigentd.service",
        "--user restart --no-block vigentd.service",
    ]


def test_the_admins_are_told_when_restarts_do_not_help(systemd: FakeSystemd, tmp_path: Path) -> None:
    systemd.shows(
        "vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, InvocationID="a", MainPID=7
    )
    begin = now()
    keep(
        tmp_path / FILE_NAME,
        begin.boot,
        {"downs": 2, "looked_at": begin.at_s, "run": "a", "restarts": [begin.at_s - 9] * 3},
    )
    heal(down_by("database"), Systemctl(), tmp_path, at(begin, 30), lambda _: None)
    assert systemd.asked() == ["start --no-block vigentd-failed@vigentd-health.service"]


def test_a_unit_in_its_first_seconds_is_left_alone(systemd: FakeSystemd, tmp_path: Path) -> None:
    micros = int(time.monotonic() * 1e6)
    systemd.shows("vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=micros, MainPID=7)
    begin = now()
    for number in range(4):
        heal(down_by("database"), Systemctl(), tmp_path, at(begin, 30.0 * number), lambda _: None)
    assert systemd.asked() == []


@pytest.mark.parametrize(
    "kept", ["", "{", "[]", '{"boot": 1}', '{"downs": 2}', "[" * 99_000, '{"boot": "B", "downs": "x"}', "\0"]
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, kept: str) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(kept)
    assert remembered(file, "B") == Memory()


def test_what_was_before_the_last_boot_counts_for_nothing(tmp_path: Path) -> None:
    memory = Memory(2, 50.0, "a", (10.0,))
    keep(tmp_path / FILE_NAME, "before", dataclasses.asdict(memory))
    assert remembered(tmp_path / FILE_NAME, "before") == memory
    assert remembered(tmp_path / FILE_NAME, "now") == Memory()


def test_without_a_file_nothing_is_restarted(systemd: FakeSystemd, tmp_path: Path) -> None:
    """Else it would be restarted at every look, for ever."""
    systemd.shows(
        "vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, InvocationID="a", MainPID=7
    )
    folder = tmp_path / "a file"
    folder.touch()
    said: list[str] = []
    for _ in range(4):
        assert heal(down_by("database"), Systemctl(), folder, now(), said.append) == "nothing"
    assert systemd.asked() == [] and "cannot be written" in said[-1]


def test_without_systemd_it_only_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert heal(down_by("database"), Systemctl(), tmp_path, now(), said.append) == "nothing"
    assert said == ["systemd cannot be asked on this machine: there is no systemctl"]


def test_it_hangs_when_its_loop_does_or_nothing_is_known_of_it() -> None:
    assert is_hung(down_by("loop")) and is_hung(down_by("daemon", "dead"))
    assert not is_hung(down_by("database")) and not is_hung(down_by("loop", "idle"))


def test_another_daemon_than_the_services_is_left_alone(systemd: FakeSystemd, tmp_path: Path) -> None:
    """Somebody looks by hand, at a daemon that was started by hand."""
    systemd.shows("vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, MainPID=7)
    begin = now()
    for number in range(4):
        heal(down_by("loop", pid=8), Systemctl(), tmp_path, at(begin, 30.0 * number), lambda _: None)
    assert systemd.asked() == []


def test_a_daemon_that_works_elsewhere_is_left_alone(systemd: FakeSystemd, tmp_path: Path) -> None:
    """A drop-in gave the service another data folder: here there is nobody, and there a video is made."""
    systemd.shows("vigentd.service", ActiveState="active", StateChangeTimestampMonotonic=0, MainPID=7)
    begin, said = now(), [""]
    for number in range(4):
        told = down_by("daemon", "dead", pid=None)
        heal(told, Systemctl(), tmp_path, at(begin, 30.0 * number), said.append)
    assert systemd.asked() == [] and "not on the data folder" in said[-1]


def test_the_command_heals_and_its_exit_code_stays_that_of_health(
    cli: Cli, systemd: FakeSystemd, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.data_dir.mkdir()
    systemd.shows("vigentd.service", ActiveState="failed", StateChangeTimestampMonotonic=0, NRestarts=5)
    monkeypatch.setattr("daemon.health.heal.FAILED_S", 0.0)
    for number in range(3):
        said = cli("health", "--heal", RUNTIME_DIRECTORY=str(tmp_path / "run"))
        assert said.code == 2 and "No daemon is running" in said.out
        file = tmp_path / "run" / FILE_NAME
        assert f"{number + 1} of 3" in said.err or "started anew" in said.err
        kept = json.loads(file.read_text())
        file.write_text(json.dumps(kept | {"looked_at": kept["looked_at"] - 30}))
    assert systemd.asked()[-1] == "restart --no-block vigentd.service"


def test_the_command_says_nothing_while_all_is_well(
    cli: Cli, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every half minute it would be a line in the journal."""
    well = Report((Component("loop", "idle"),), 7).as_dict() | {"from": "daemon"}
    waited: list[float] = []

    def ask(_: Config, answer_s: float) -> dict[str, Any]:
        waited.append(answer_s)
        return well

    monkeypatch.setattr("daemon.health.asking.ask", ask)
    systemd.shows("vigentd.service", ActiveState="active", MainPID=7)
    said = cli("health", "--heal", "--user", XDG_RUNTIME_DIR=str(tmp_path))
    assert (said.code, said.out, said.err) == (0, "", "")
    assert waited == [PATIENT_S]
    assert (tmp_path / "vigentd-health" / FILE_NAME).is_file()


def test_it_remembers_where_the_unit_says() -> None:
    assert state_folder(False, {"RUNTIME_DIRECTORY": "/run/a:/run/b"}) == Path("/run/a")
    assert state_folder(False, {}) == Path("/run/vigentd-health")
    assert state_folder(True, {"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/vigentd-health")


def test_what_is_only_degraded_is_one_line(
    cli: Cli, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = (Component("loop", "idle"), Component("disk", "idle", trouble="Only 1.2 GB are free"))
    told = Report(parts, 7).as_dict() | {"from": "daemon"}
    monkeypatch.setattr("daemon.health.asking.ask", lambda *_: told)
    systemd.shows("vigentd.service", ActiveState="active", MainPID=7)
    said = cli("health", "--heal", "--user", XDG_RUNTIME_DIR=str(tmp_path))
    assert (said.code, said.out, said.err) == (1, "", "degraded: Only 1.2 GB are free\n")


def test_a_mistake_in_the_configuration_keeps_it_from_nothing(
    config: Config, cli: Cli, systemd: FakeSystemd, tmp_path: Path
) -> None:
    """The daemon goes on with the configuration before, and may hang; nobody else would see it."""
    wrong = tmp_path / "vigentd.toml"
    wrong.write_text("[queue")
    systemd.shows("vigentd.service", ActiveState="active", MainPID=0)
    asked = {"VIGENTD_CONFIG": str(wrong), "RUNTIME_DIRECTORY": str(tmp_path)}
    assert "is down" not in cli("health", "--heal", **asked).err, "nothing is known of where it works"
    config.data_dir.mkdir()
    keep_good(config)
    said = cli("health", "--heal", **asked)
    assert said.code == 2 and "No daemon is running" in said.out
    assert "not valid TOML" in said.err and "vigentd.service is down" in said.err
    assert cli("health", **asked).out == "", "a person is told of the mistake alone"
