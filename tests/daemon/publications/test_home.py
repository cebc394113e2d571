"""Which clock is on the wall: $TZ, /etc/localtime, or nothing that can be told."""

from __future__ import annotations

import datetime as dt
import shutil
import zoneinfo
from importlib.util import find_spec
from pathlib import Path

import pytest

from daemon.config_file import load
from daemon.publications.home import home_zone

SUMMER = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
BERLIN_SUMMER = dt.timedelta(hours=2)


def zone_file(name: str) -> Path:
    """A file of that zone, wherever this machine keeps its zones."""
    package = find_spec("tzdata")
    own = [str(Path(package.origin).parent / "zoneinfo")] if package and package.origin else []
    for folder in (*zoneinfo.TZPATH, *own):
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    pytest.skip(f"no file of {name} here")


def test_the_environment_comes_first(tmp_path: Path) -> None:
    nowhere = tmp_path / "localtime"
    for said in ("Europe/Berlin", ":Europe/Berlin"):
        assert str(home_zone({"TZ": said}, nowhere)) == "Europe/Berlin"
    zone = home_zone({"TZ": str(zone_file("Europe/Berlin"))}, nowhere)
    assert SUMMER.astimezone(zone).utcoffset() == BERLIN_SUMMER


def test_the_machine_has_a_name_or_only_a_file(tmp_path: Path) -> None:
    there, link, copy = zone_file("Europe/Berlin"), tmp_path / "localtime", tmp_path / "copy"
    link.symlink_to(there)
    shutil.copy(there, copy)
    assert str(home_zone({}, link)) == "Europe/Berlin"
    assert SUMMER.astimezone(home_zone({}, copy)).utcoffset() == BERLIN_SUMMER


@pytest.mark.parametrize("said", ["", "CET-1CEST", "Europe/Nowhere", "../../etc/passwd", "/nowhere", None])
def test_what_tells_no_zone_is_utc(tmp_path: Path, said: str | None) -> None:
    broken = tmp_path / "localtime"
    broken.write_text("no zone")
    zone = home_zone({} if said is None else {"TZ": said}, broken)
    assert SUMMER.astimezone(zone).utcoffset() == dt.timedelta(0)


def test_a_target_that_says_no_zone_has_the_one_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not UTC: people mean the clock on their wall."""
    file = tmp_path / "vigentd.toml"
    target = '[[publish.target]]\nname = "site"\nkind = "folder"\npath = "/x"\n'
    slot = '[[publish.slot]]\ntarget = "site"\ncron = "0 18 * * *"\n'
    file.write_text(target + slot + slot + 'timezone = "Asia/Tokyo"\n')
    monkeypatch.setenv("TZ", "Europe/Berlin")
    (rules,) = load(file).config.publish.rules()
    assert [str(zone) for zone in (rules.zone, *(slot.zone for slot in rules.slots))] == [
        "Europe/Berlin", "Europe/Berlin", "Asia/Tokyo",
    ]  # fmt: skip
