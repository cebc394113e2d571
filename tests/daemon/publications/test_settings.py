"""[[publish.target]] and [[publish.slot]]: what is read, what is refused, and that no secret is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.config_file import load
from models.errors import BadInput
from tests.daemon.conftest import Cli

GOOD = """
[[publish.target]]
name = "site"
kind = "s3"
per_day = 2
quiet = "22:00-07:00"
timezone = "Europe/Berlin"
late = "ask"
bucket = "videos"
secret_key = "hunter2"
endpoint = "https://me:hunter2@example.org/x"
[publish.target.more]
password = "hunter2"
[[publish.slot]]
target = "site"
cron = "0 18 * * mon-fri"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "vigentd.toml"
    file.write_text(text, "utf-8")
    return file


def test_targets_and_slots_become_rules(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD)).config
    (rules,) = config.publish.rules()
    assert (rules.name, rules.per_day, rules.late, rules.approve) == ("site", 2, "ask", False)
    assert rules.slots[0].zone == rules.zone == ZoneInfo("Europe/Berlin")
    assert config.publish.target[0].own["secret_key"] == "hunter2"
    assert "approve" not in config.publish.target[0].own


def test_no_secret_is_shown(tmp_path: Path, cli: Cli) -> None:
    file = written(tmp_path, GOOD)
    config = load(file).config
    assert "hunter2" not in f"{config!r} {config} {config.model_dump_json()} {config.publish.target!s}"
    said = cli("--config", str(file), "config", "show")
    assert said.code == 0 and "hunter2" not in said.out and "videos" in said.out
    shown = tomllib.loads(said.out)["publish"]
    assert shown["target"][0]["bucket"] == "videos" and shown["slot"][0]["cron"] == "0 18 * * mon-fri"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("0 18 * * mon-fri", "0 25 * * *", "publish.slot[0].cron should be"),
        ('name = "site"', 'name = "My Site"', "publish.target[0].name should be a short name"),
        ("Europe/Berlin", "Europe/Nowhere", "publish.target[0].timezone should be a time zone"),
        ("22:00-07:00", "22-7", "publish.target[0].quiet should be two times"),
        ('target = "site"', 'target = "other"', "publish has a slot for other"),
        ("per_day = 2", "per_day = -1", "publish.target[0].per_day should be"),
        ("cron =", "corn =", "publish.slot[0].cron is missing"),
        ("cron =", "zone = 1\ncron =", "publish.slot[0].zone is not a configuration key"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(written(tmp_path, GOOD.replace(right, wrong)))
    assert caught.value.message.startswith(told) and "hunter2" not in caught.value.message
