"""[telegram] in the configuration: who may talk to the bot, and that its token is never shown."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.bot_token import bot_token, with_secrets
from daemon.config import Config, TelegramSettings
from daemon.config_file import load
from models.errors import BadInput
from models.launch import SECRETS, Plan, launch
from tests.daemon.conftest import Cli

TOKEN = "123456:abcdefghijklmnop"


def test_without_a_token_there_is_no_bot() -> None:
    assert bot_token(TelegramSettings()) is None


def test_people_are_named_in_the_file_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "vigentd.toml"
    file.write_text(f'[telegram]\ntoken = "{TOKEN}"\nadmin_user_ids = [7]\nallowed_user_ids = [8, 9]\n')
    told = load(file).config.telegram
    assert (told.admin_user_ids, told.allowed_user_ids) == ((7,), (8, 9))
    for said in ("10, 11", "[10, 11]", "10,11"):
        monkeypatch.setenv("VIGENTD_TELEGRAM__ALLOWED_USER_IDS", said)
        assert load(file).config.telegram.allowed_user_ids == (10, 11)


@pytest.mark.parametrize(
    "line",
    [
        'token = "123456 abcdefghijklmnop"',
        "token = 123456",
        'allowed_user_ids = ["Anna"]',
        "allowed_user_ids = [-1001234]",
        'base_url = "https://localhost:8081"',
        f'token = "{TOKEN}"\ntoken_file = "token.txt"',
    ],
)
def test_mistakes_are_told_and_the_token_is_not(tmp_path: Path, line: str) -> None:
    file = tmp_path / "vigentd.toml"
    file.write_text(f"[telegram]\n{line}\n")
    with pytest.raises(BadInput) as caught:
        load(file)
    told = caught.value.message + caught.value.hint
    assert caught.value.code == "config_invalid" and "telegram" in told
    assert "abcdefghijklmnop" not in told and "123456 " not in told


def test_a_token_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    settings = TelegramSettings(token_file=file)
    token = bot_token(settings)
    assert token is not None and token.get_secret_value() == TOKEN
    for text, code in (("hello", "token_invalid"), ("", "token_invalid")):
        file.write_text(text)
        with pytest.raises(BadInput) as caught:
            bot_token(settings)
        assert caught.value.code == code and "hello" not in caught.value.message
    file.unlink()
    with pytest.raises(BadInput) as caught:
        bot_token(settings)
    assert caught.value.code == "token_unreadable"


def test_config_show_masks_the_token(tmp_path: Path, cli: Cli) -> None:
    told = cli("config", "show", VIGENTD_TELEGRAM__TOKEN=TOKEN)
    assert told.code == 0 and "telegram" in told.out
    assert "abcdefghijklmnop" not in told.out + told.err


def test_a_handed_on_configuration_has_no_token_and_is_still_one() -> None:
    config = Config(telegram=TelegramSettings(token=SecretStr(TOKEN)))
    handed_on = config.model_dump(mode="json")
    assert "abcdefghijklmnop" not in str(handed_on)
    Config(**handed_on)


@pytest.mark.parametrize("name", SECRETS)
def test_hosts_do_not_get_a_secret(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, TOKEN)
    process = launch(Plan("media"), tmp_path / "log", tmp_path / "scratch")
    file = Path(f"/proc/{process.pid}/environ")
    while not (environment := file.read_bytes()):
        time.sleep(0.01)  # empty for a moment, while the kernel puts the new program in place
    process.signal(signal.SIGKILL, group=True)
    process.attend(lambda _: None)
    assert TOKEN.encode() not in environment and b"TMPDIR" in environment
    assert os.environ[name] == TOKEN


@pytest.mark.parametrize("name", SECRETS)
def test_what_a_command_starts_does_not_inherit_a_secret(name: str) -> None:
    environment = {name: TOKEN, name.lower(): TOKEN, "HOME": "/home"}
    kept: dict[str, str] = {}
    for _ in range(2):  # a configuration that is read again has it again
        with with_secrets(kept, environment):
            assert environment[name] == environment[name.lower()] == TOKEN
        assert environment == {"HOME": "/home"}


@pytest.mark.parametrize("key", ["token_file", "base_url", "allowed_user_ids"])
def test_a_token_in_the_wrong_place_is_not_told(tmp_path: Path, key: str) -> None:
    real = "123456789:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx"[:35]
    file = tmp_path / "vigentd.toml"
    file.write_text(f'[telegram]\n{key} = "{real}"\n')
    with pytest.raises(BadInput) as caught:
        load(file)
    assert real not in caught.value.message + caught.value.hint and key in caught.value.message
