"""A configuration with a mistake in it must not keep the admins from being told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import Config, TelegramSettings
from daemon.units.last_good import FILE_NAME, keep_good, last_good
from daemon.units.render import SERVICE
from tests.daemon.conftest import Cli
from tests.daemon.units.fake import FakeSystemd

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"


def good(folder: Path) -> Config:
    said = {"token": TOKEN, "base_url": "http://localhost:1/bot", "admin_user_ids": [7]}
    return Config(data_dir=folder, telegram=TelegramSettings.model_validate(said))


def test_what_was_good_is_known_without_the_configuration(tmp_path: Path) -> None:
    keep_good(good(tmp_path))
    known = last_good({"VIGENTD_DATA_DIR": str(tmp_path)})
    assert known is not None and known.data_dir == tmp_path and known.telegram.admin_user_ids == (7,)
    assert known.telegram.base_url == "http://localhost:1/bot"
    file = tmp_path / FILE_NAME
    assert file.stat().st_mode & 0o077 == 0 and "ABC-DEF" not in file.read_text()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"admin_user_ids": "x"}'])
def test_a_damaged_one_counts_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE_NAME).write_text(damage)
    assert last_good({"VIGENTD_DATA_DIR": str(tmp_path)}) is None
    assert last_good({}) is None


def test_a_mistake_in_the_configuration_keeps_nobody_from_being_told(
    config: Config, tmp_path: Path, cli: Cli, systemd: FakeSystemd
) -> None:
    wrong = tmp_path / "vigentd.toml"
    wrong.write_text("[queue")
    systemd.shows(SERVICE, Result="exit-code")
    assert cli("service", "failed", SERVICE, VIGENTD_CONFIG=str(wrong)).code == 2
    config.data_dir.mkdir(exist_ok=True)
    keep_good(config)
    said = cli("service", "failed", SERVICE, VIGENTD_CONFIG=str(wrong))
    assert (said.code, said.err) == (0, "vigentd.service has failed; 0 admins were told\n")
