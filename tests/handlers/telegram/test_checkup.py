"""`vigentd doctor` asks Telegram whether the token is good."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.chats import Standing
from daemon.config import Config, TelegramSettings
from daemon.doctor import telegram
from daemon.queue import Queue
from handlers.telegram.store.ledger import Ledger
from tests.handlers.telegram.botapi import BotApi

OTHER = "999999:abcdefghijklmnopqrst"


def found(api: BotApi, token: str) -> tuple[str, str, str]:
    settings = TelegramSettings(token=SecretStr(token), base_url=api.base_url, allowed_user_ids=(7,))
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


def test_a_bot_that_nobody_may_use_and_a_token_that_others_can_read(tmp_path: Path) -> None:
    with BotApi() as api:
        settings = TelegramSettings(token=SecretStr(api.token), base_url=api.base_url)
        config = Config(data_dir=tmp_path / "data", telegram=settings)
        (finding,) = telegram(config)
        assert (finding.state, "telegram pair" in finding.fix) == ("warn", True)
        queue = Queue(config.database)
        with Ledger(queue).turn() as turn:
            turn.people.set_standing(7, Standing.ADMIN)
        queue.close()
        (finding,) = telegram(config)
        assert finding.state == "ok"
        file = tmp_path / "token"
        file.write_text(api.token)
        file.chmod(0o644)
        kept = settings.model_copy(update={"token": None, "token_file": file})
        (finding,) = telegram(config.model_copy(update={"telegram": kept}))
        assert (finding.state, finding.fix) == ("warn", f"chmod 600 {file}")
