"""`vigentd service failed`: the admins hear of a unit that does not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.bot_token import bot_token
from daemon.config import Config, TelegramSettings
from daemon.health.kept import Moment
from daemon.units.failed import FILE_NAME, GAVE_UP, tell_admins
from daemon.units.render import SERVICE
from models.errors import BadInput
from tests.daemon.conftest import Cli
from tests.daemon.units.fake import FakeSystemd

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"


class Post:
    """Telegram, with one admin."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, config: Config, text: str) -> int:
        self.texts.append(text)
        return 1


def told(
    config: Config, *units: str, at_s: float = 100.0, boot: str = "b", last: tuple[str, ...] = ()
) -> list[str]:
    post = Post()
    for unit in units:
        tell_admins(config, unit, "watchdog", list(last), Moment(boot, at_s), post)
    return post.texts


def test_what_failed_and_why_and_the_last_lines_are_told(config: Config) -> None:
    (text,) = told(config, SERVICE, last=("one", f"https://api.telegram.org/bot{TOKEN}/getMe", "x" * 900))
    assert (
        SERVICE in text and "has failed" in text and "did not feed its watchdog" in text and "one\n" in text
    )
    assert TOKEN not in text and "**********/getMe" in text and "x" * 301 not in text


def test_a_named_token_is_masked_whatever_it_looks_like(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, telegram=TelegramSettings.model_validate({"token": "1:short_secret"}))
    (text,) = told(config, SERVICE, last=("with 1:short_secret in it",))
    assert "short_secret" not in text


def test_it_is_told_once_an_hour_for_each_unit(config: Config) -> None:
    assert len(told(config, SERVICE, SERVICE, "other.service", SERVICE)) == 2
    assert told(config, SERVICE, at_s=3600) == []
    assert len(told(config, SERVICE, at_s=3701)) == 1


def test_who_could_not_be_reached_is_told_the_next_time(config: Config) -> None:
    """The network is away with all else: the health check asks again, and then somebody has to hear of it."""
    for _ in range(2):
        said = tell_admins(config, GAVE_UP, "", [], Moment("b", 100.0), lambda *_: 0)
        assert "0 admins were told" in said
    assert len(told(config, GAVE_UP, GAVE_UP)) == 1


def test_after_a_reboot_or_with_a_damaged_file_it_is_told(config: Config) -> None:
    told(config, SERVICE)
    assert len(told(config, SERVICE, boot="another")) == 1
    (config.data_dir / FILE_NAME).write_text("{")
    assert len(told(config, SERVICE, boot="another")) == 1


def test_a_folder_that_cannot_be_written_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert len(told(Config(data_dir=tmp_path / "file"), SERVICE)) == 1


def test_the_health_check_that_gives_up_says_so(config: Config) -> None:
    (text,) = told(config, GAVE_UP)
    assert "restarted several times" in text


def test_the_command_works_without_a_bot(cli: Cli, systemd: FakeSystemd) -> None:
    systemd.shows(SERVICE, Result="start-limit-hit")
    said = cli("service", "failed", SERVICE)
    assert (said.code, said.err) == (0, "vigentd.service has failed; 0 admins were told\n")


def test_what_is_on_its_way_back_is_not_told(cli: Cli, systemd: FakeSystemd) -> None:
    """The health check ends a hanging daemon by SIGABRT and starts it anew: that is healing, not failure."""
    systemd.shows(SERVICE, Result="signal", ActiveState="activating")
    systemd.shows(GAVE_UP, Result="success", ActiveState="activating")
    assert "nobody has to be told" in cli("service", "failed", SERVICE).err
    assert "0 admins were told" in cli("service", "failed", GAVE_UP).err


# ---------------------------------------------------------------- the token as a credential


@pytest.fixture
def credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder / "telegram-token"


def test_the_token_may_be_a_credential(credential: Path) -> None:
    credential.write_text(f"{TOKEN}\n")
    token = bot_token(TelegramSettings())
    assert token is not None and token.get_secret_value() == TOKEN


@pytest.mark.parametrize("said", ["none", "", "\n", None])
def test_without_a_token_there_is_no_bot_and_no_error(credential: Path, said: str | None) -> None:
    """The daemon starts all the same."""
    if said is not None:
        credential.write_text(said)
    assert bot_token(TelegramSettings()) is None


def test_a_file_that_only_root_may_read_comes_as_the_credential(credential: Path, tmp_path: Path) -> None:
    credential.write_text(TOKEN)
    away = TelegramSettings(token_file=tmp_path / "roots")
    token = bot_token(away)
    assert token is not None and token.get_secret_value() == TOKEN
    credential.write_text("none")
    with pytest.raises(BadInput) as e:
        bot_token(away)
    assert e.value.code == "token_unreadable"


def test_what_is_no_token_is_refused_without_being_shown(credential: Path) -> None:
    credential.write_text("my secret")
    with pytest.raises(BadInput) as e:
        bot_token(TelegramSettings())
    assert e.value.code == "token_invalid" and "my secret" not in e.value.message
