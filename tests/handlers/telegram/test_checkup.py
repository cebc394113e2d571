"""`vigentd doctor` asks Telegram whether the token is good."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.config import Config, TelegramSettings
from daemon.doctor import telegram
from tests.handlers.telegram.botapi import BotApi

OTHER = "999999:abcdefghijklmnopqrst"


def found(api: BotApi, token: str) -> tuple[str, str, str]:
    settings = TelegramSettings(token=SecretStr(token), base_url=api.base_url)
    (finding,) = telegram(Config(telegram=settings))
    return finding.state, finding.found, finding.fix


def test_a_good_token_and_a_bad_one() -> None:
    with BotApi() as api:
        assert found(api, api.token) == ("ok", "the bot is @vigent_test_bot", "")
        state, what, fix = found(api, OTHER)
        assert (state, "refuses" in what, "@BotFather" in fix) == ("fail", True, True)
        api.down()
        state, what, fix = found(api, OTHER)
        assert (state, "No Bot API" in what, bool(fix)) == ("fail", True, True)
    assert OTHER not in what + fix


def test_no_bot_is_no_finding_and_an_unreadable_token_is_one(tmp_path: Path) -> None:
    assert list(telegram(Config())) == []
    (finding,) = telegram(Config(telegram=TelegramSettings(token_file=tmp_path / "none")))
    assert finding.state == "fail" and "cannot be read" in finding.found


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/bot"])
def test_nobody_there(url: str) -> None:
    settings = TelegramSettings(token=SecretStr(OTHER), base_url=url)
    (finding,) = telegram(Config(telegram=settings))
    assert finding.state == "fail" and url in finding.found
