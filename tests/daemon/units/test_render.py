"""The units as they are written for a machine; what systemd itself thinks of them."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.config_file import Key, Loaded, load
from daemon.units.deployment import Deployment, deployment, inbox_folders
from daemon.units.render import FAILED, HEALTH, SERVICE, TEMPLATES, TIMER, TMPFILES, quoted, rendered
from models.errors import BadInput
from tests.daemon.conftest import ROOT, Cli

EXPOSURE = 2.0
ME = getpass.getuser()
needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def plan(per_user: bool = False, **settings: object) -> Deployment:
    places: dict[Key, str] = {(key,): "vigentd.toml:1" for key in settings}
    return deployment(Loaded(Config.model_validate(settings), places=places), per_user)


def laid(texts: dict[str, str], folder: Path) -> list[str]:
    """Written there; the units' paths. An instance stands for the template of all."""
    for name, text in texts.items():
        (folder / name.replace("@.", "@x.")).write_text(text)
    return sorted(str(path) for path in folder.glob("vigentd*") if path.suffix in (".service", ".timer"))


def values(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


@needs_analyze
@pytest.mark.parametrize("per_user", [False, True])
def test_systemd_finds_no_fault_in_them(tmp_path: Path, per_user: bool) -> None:
    awkward = tmp_path / '50 % "of" \\ it\'s $HOME: é'
    awkward.mkdir()
    texts = rendered(plan(per_user, data_dir=awkward, inbox=[{"name": "a", "path": awkward / "in box"}]))
    units = laid(texts, tmp_path)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(["--user"] if per_user else []), *units],
        capture_output=True, text=True, timeout=120, env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)},
    )  # fmt: skip
    assert len(units) == 4
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_analyze
def test_they_can_do_little_to_their_machine(tmp_path: Path) -> None:
    for unit in laid(rendered(plan()), tmp_path):
        if unit.endswith(".service"):
            done = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", unit],
                capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
            assert found is not None, done.stderr
            assert float(found[1]) <= EXPOSURE, done.stdout


def test_it_waits_for_shares_and_does_not_end_with_them() -> None:
    """A share is mounted late at boot: the service would fail six times, and then stand for a while. Bound to
    its mount it would be stopped, as if by an administrator, when that goes away for a moment."""
    text = rendered(plan(data_dir="/mnt/share/vigentd"))[SERVICE]
    assert "remote-fs.target" in values(text, "After")
    assert not values(text, "RequiresMountsFor")


def test_what_cuda_jit_and_telegram_need_is_not_taken_away() -> None:
    text = rendered(plan())[SERVICE]
    for forbidden in ("PrivateDevices", "MemoryDenyWriteExecute", "PrivateNetwork", "IPAddressDeny"):
        assert not values(text, forbidden)
    assert "char-nvidia* rw" in values(text, "DeviceAllow")
    assert {"AF_INET", "AF_INET6", "AF_UNIX"} <= set(values(text, "RestrictAddressFamilies")[0].split())


def test_no_template_has_a_blank_left() -> None:
    for per_user in (False, True):
        for name, text in rendered(plan(per_user)).items():
            assert not re.search(r"@[A-Z_]+@", text), name


def test_all_templates_are_in_the_wheel() -> None:
    """The folder goes into it whole; a template elsewhere would be missed at the first installation."""
    with (ROOT / "pyproject.toml").open("rb") as f:
        built = tomllib.load(f)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert TEMPLATES == ROOT / "systemd" and "systemd" in built


def test_there_is_time_for_the_job_at_the_end() -> None:
    text = rendered(plan(queue={"stop_grace": 300}))[SERVICE]
    assert values(text, "TimeoutStopSec") == ["360"]


def test_without_a_data_dir_the_systems_service_has_the_systems_place() -> None:
    """Root's home, where the command would look, is nobody's."""
    system, own = plan(), plan(per_user=True)
    assert system.data_dir == Path("/var/lib/vigentd")
    assert values(rendered(system)[SERVICE], "StateDirectory") == ["vigentd"]
    assert own.data_dir == Config().data_dir and own.user == ME


def test_all_of_them_find_the_same_configuration_and_data(tmp_path: Path) -> None:
    file = tmp_path / "my vigentd.toml"
    file.write_text('data_dir = "the data"\n')
    for name, text in rendered(deployment(load(file), False)).items():
        if name.endswith(".service"):
            assert f'Environment="VIGENTD_CONFIG={file}"' in text, name
            assert f'Environment="VIGENTD_DATA_DIR={tmp_path}/the data"' in text, name


def test_each_inbox_can_be_written_and_nothing_else(tmp_path: Path) -> None:
    box = {"name": "a", "path": "/srv/a", "folders": {"outbox": "/mnt/out", "done": "../done"}}
    text = rendered(plan(inbox=[box]))[SERVICE]
    assert values(text, "ReadWritePaths") == ["-/mnt/out", "-/srv/a", "-/srv/done"]
    assert values(text, "ProtectSystem") == ["strict"]
    assert inbox_folders(plan(inbox=[box]).config)[0] == Path("/srv/a")


def test_each_folder_that_videos_are_published_to_can_be_written(tmp_path: Path) -> None:
    target = {"name": "share", "kind": "folder", "path": "/mnt/share/videos"}
    hook = {"name": "hook", "kind": "webhook", "path": "/etc"}
    text = rendered(plan(publish={"target": [target, hook]}))[SERVICE]
    assert values(text, "ReadWritePaths") == ["-/mnt/share/videos"]
    file = tmp_path / "vigentd.toml"
    file.write_text('data_dir = "data"\n[[publish.target]]\nname = "a"\nkind = "folder"\npath = "out"\n')
    assert f"-{tmp_path}/out" in values(rendered(deployment(load(file), False))[SERVICE], "ReadWritePaths")


def test_of_the_homes_the_service_sees_what_it_needs() -> None:
    box = {"name": "a", "path": "/home/anna/in: box", "presenter": "/home/anna/clips/me.mp4"}
    text = rendered(plan(inbox=[box], data_dir="/srv/vigentd", assets="/home/anna/assets"))[SERVICE]
    assert values(text, "ProtectHome") == ["tmpfs"]
    assert values(text, "BindPaths") == ['"-/home/anna/in\\: box"']
    seen = values(text, "BindReadOnlyPaths")
    assert {"-/home/anna/assets", "-/home/anna/clips/me.mp4"} <= set(seen)
    assert values(text, "ReadWritePaths") == ["-/srv/vigentd"]


def test_somebodys_account_keeps_its_home() -> None:
    found = deployment(
        Loaded(Config(data_dir=Path("/home/x/data")), places={("data_dir",): "x:1"}), False, ME
    )
    text = rendered(found)[SERVICE]
    assert values(text, "User") == [ME] and values(text, "ProtectHome") == ["read-only"]
    assert "-/home/x/data" in values(text, "ReadWritePaths")
    assert "vigentd.sysusers.conf" not in rendered(found)


def test_nobody_is_not_somebody() -> None:
    with pytest.raises(BadInput) as e:
        deployment(Loaded(Config()), False, "no-such-user")
    assert e.value.code == "user_unknown"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/opt/vigentd", "/opt/vigentd"),
        ("/a b", '"/a b"'),
        ("100%", "100%%"),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("", '""'),
        ("é", "é"),
    ],
)
def test_a_word_stays_what_it_is(word: str, written: str) -> None:
    assert quoted(word) == written


def test_a_path_that_no_line_can_hold_is_refused() -> None:
    """A line end in it would write lines of its own into a unit that root starts."""
    with pytest.raises(BadInput) as e:
        rendered(plan(data_dir="/srv/a\nExecStartPre=/bin/evil"))
    assert e.value.code == "path_unusable"


def test_the_token_is_roots_alone_and_may_be_missing() -> None:
    texts = rendered(plan())
    for name in (SERVICE, FAILED):
        assert values(texts[name], "LoadCredential") == ["telegram-token:/etc/vigentd/telegram-token"]
        assert values(texts[name], "SetCredential") == ["telegram-token:none"]
    assert "z /etc/vigentd/telegram-token 0600 root root -" in texts[TMPFILES].splitlines()
    named = rendered(plan(telegram={"token_file": "/root/my token"}))
    assert values(named[SERVICE], "LoadCredential") == ["telegram-token:/root/my token"]


def test_the_watchdog_and_the_timer_are_there() -> None:
    texts = rendered(plan())
    assert 30 <= int(values(texts[SERVICE], "WatchdogSec")[0]) <= 60
    assert values(texts[SERVICE], "OnFailure") == ["vigentd-failed@%n.service"]
    assert values(texts[TIMER], "OnUnitActiveSec") == ["30s"]
    assert values(texts[HEALTH], "ExecStart")[0].endswith("health --heal")


def test_the_command_shows_them_or_writes_them(cli: Cli, tmp_path: Path) -> None:
    shown = cli("service", "render")
    assert shown.code == 0 and "# ---- vigentd.service\n" in shown.out
    written = cli("service", "render", "--user", "--out", str(tmp_path / "new" / "units"))
    names = {path.name for path in (tmp_path / "new" / "units").iterdir()}
    assert names == {SERVICE, HEALTH, TIMER, FAILED} == {Path(x).name for x in written.out.splitlines()}
