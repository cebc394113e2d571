"""The admins are told when there is no daemon: over real HTTP, without a word of the token."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon import alarm_by_post
from daemon.alarm_by_post import admins_of, post
from daemon.chats import Standing
from daemon.config import Config, TelegramSettings
from daemon.queue import Queue
from handlers.telegram.store.ledger import Ledger
from models.errors import BadInput
from tests.database_kit import lay_database
from tests.handlers.telegram.botapi import BotApi, Fault, Person

TEXT = "vigentd.service has failed & does not come back <soon>"


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


def configured(api: BotApi, folder: Path, *admins: int) -> Config:
    settings = TelegramSettings(token=SecretStr(api.token), base_url=api.base_url, admin_user_ids=admins)
    return Config(data_dir=folder, telegram=settings)


def pair(config: Config, user_id: int) -> None:
    lay_database(config.database)
    queue = Queue(config.database)
    with Ledger(queue).turn() as turn:
        turn.people.set_standing(user_id, Standing.ADMIN)
    queue.close()


def here(api: BotApi, user_id: int, name: str) -> Person:
    """Somebody who has written to the bot."""
    person = api.person(user_id, name)
    person.command("/start")
    return person


def told(person: Person) -> list[str]:
    return [message.text for message in person.chat.messages if message.text == TEXT]


def test_all_admins_are_reached_that_have_written_to_the_bot(api: BotApi, tmp_path: Path) -> None:
    anna, bo, guest = here(api, 7, "Anna"), here(api, 8, "Bo"), here(api, 9, "Guest")
    config = configured(api, tmp_path, 7, 4711)
    pair(config, 8)
    assert admins_of(config) == [7, 8, 4711]
    assert post(config, TEXT) == 2
    assert [len(told(person)) for person in (anna, bo, guest)] == [1, 1, 0]


def test_a_database_that_is_locked_or_gone_does_not_matter(api: BotApi, tmp_path: Path) -> None:
    anna = here(api, 7, "Anna")
    config = configured(api, tmp_path, 7)
    assert post(config, TEXT) == 1
    pair(config, 8)
    holder = sqlite3.connect(config.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert post(config, TEXT) >= 1
    holder.close()
    config.database.write_bytes(b"rubbish" * 1000)
    assert post(config, TEXT) == 1
    assert len(told(anna)) == 3


def test_without_a_bot_nobody_is_reached(api: BotApi, tmp_path: Path) -> None:
    assert post(Config(data_dir=tmp_path), TEXT) == 0
    assert post(configured(api, tmp_path), TEXT) == 0
    with pytest.raises(BadInput, match="cannot be read"):
        post(Config(data_dir=tmp_path, telegram=TelegramSettings(token_file=tmp_path / "none")), TEXT)


def test_a_network_that_is_away_or_slow_costs_seconds_and_no_secret(
    api: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alarm_by_post, "ALL_S", 0.5)
    here(api, 7, "Anna")
    config = configured(api, tmp_path, 7)
    api.faults.add(Fault("sendMessage", "late", seconds=30.0))
    began = time.monotonic()
    assert post(config, TEXT) == 0
    assert time.monotonic() - began < 20
    api.down()
    assert post(config, TEXT) == 0
    said = "".join(capfd.readouterr())
    assert api.token not in said and api.token.partition(":")[2] not in said
