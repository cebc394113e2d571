"""The bot in its thread: begins, ends at once, and begins anew for another configuration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from daemon.bot_token import bot_token
from daemon.config import Config, TelegramSettings
from daemon.control.events import Events
from daemon.health.component import Component
from daemon.health.heart import Heart
from handlers.telegram.bot import STOP_S, Bot
from handlers.telegram.house import House
from handlers.telegram.life import BUDGET_S, PASSING_S, Life
from handlers.telegram.poll import Poll
from models.errors import Unavailable
from tests.daemon.health.kit import Clock, pass_by
from tests.handlers.telegram.botapi import BotApi, Fault
from tests.handlers.telegram.talking import Conversation
from tests.handlers.telegram.whole import from_bot


class Closed:
    """A door behind which nobody is."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: Any) -> Any:
            raise Unavailable("Nobody is at the door")

        return refuse


class Stand:
    """folder: for the data of all bots that are made here, one after the other."""

    def __init__(self, folder: Path, api: BotApi) -> None:
        self.folder, self.api = folder, api
        self.chat = Conversation(folder)
        self.events = Events()

    def config(self, token: str | None = None, **said: Any) -> Config:
        settings = TelegramSettings(
            token=SecretStr(token or self.api.token),
            base_url=self.api.base_url,
            base_file_url=self.api.base_file_url,
            allowed_user_ids=(7,),
            **said,
        )
        return Config(data_dir=self.folder, telegram=settings)

    @contextmanager
    def bot(self, config: Config) -> Iterator[Bot]:
        bot = Bot(config, self._lend, _token, self.events, lambda: "")
        bot.start()
        try:
            yield bot
        finally:
            bot.stop()

    def _lend(self, config: Config) -> House:
        return replace(self.chat.house, config=config, lobby=Closed(), clock=time.monotonic)


def _token(config: Config) -> str | None:
    token = bot_token(config.telegram)
    return token.get_secret_value() if token else None


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with BotApi() as api:
        made = Stand(tmp_path, api)
        yield made
        made.chat.close()


def until(bot: Bot, state: str, within_s: float = 60.0) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while (status := bot.status()) is None or status["state"] != state:
        assert time.monotonic() < deadline, status
        time.sleep(0.02)  # it is not told
    return status


def test_without_a_token_there_is_none(stand: Stand) -> None:
    with stand.bot(Config(data_dir=stand.folder)) as bot:
        assert bot.status() is None
        bot.nudge()
    assert not list(stand.api.calls)


def test_a_token_that_cannot_be_read_is_told(stand: Stand) -> None:
    config = Config(data_dir=stand.folder, telegram=TelegramSettings(token_file=stand.folder / "none"))
    with stand.bot(config) as bot:
        status = bot.status()
        assert status is not None and status["state"] == "off" and "cannot be read" in status["why"]


def test_it_answers_and_ends_at_once(stand: Stand) -> None:
    anna = stand.api.person(7, "Anna")
    with stand.bot(stand.config()) as bot:
        assert until(bot, "connected")["name"] == "vigent_test_bot"
        anna.command("/help")
        anna.chat.wait_for(from_bot)
        stand.api.wait_for(lambda: stand.api.calls.of("setMyCommands"))
        stand.api.wait_until_polled()
        began = time.monotonic()
    assert time.monotonic() - began < STOP_S - 1


def test_a_wrong_token_is_told_without_it(stand: Stand) -> None:
    with stand.bot(stand.config("999999:abcdefghijklmnopqrst")) as bot:
        why = until(bot, "away")["why"]
    assert "token" in why and "abcdefghijklmnopqrst" not in why + str(stand.chat.log.lines)


def test_without_a_network_it_waits_and_then_works(stand: Stand) -> None:
    anna = stand.api.person(7, "Anna")
    stand.api.down()
    with stand.bot(stand.config()) as bot:
        assert "cannot be reached" in until(bot, "away")["why"]
        stand.api.up()
        anna.command("/help")
        anna.chat.wait_for(from_bot)
        until(bot, "connected")


def test_another_configuration_is_another_life(stand: Stand) -> None:
    anna = stand.api.person(8, "Anna")
    with stand.bot(stand.config()) as bot:
        until(bot, "connected")
        bot.reload(stand.config())  # the same: nothing happens
        bot.reload(stand.config(admin_user_ids=(8,)))
        anna.command("/help")
        anna.chat.wait_for(lambda m: any("/jobs" in x.text for x in m))
        bot.reload(Config(data_dir=stand.folder))
        assert bot.status() is None
    assert not any(call.outcome == "409" for call in stand.api.calls)  # never two at a time


def test_a_token_file_that_was_put_right_is_taken_up(stand: Stand) -> None:
    """The path is the same, and so is the configuration."""
    file = stand.folder / "token"
    settings = stand.config().telegram.model_copy(update={"token": None, "token_file": file})
    config = Config(data_dir=stand.folder, telegram=settings)
    with stand.bot(config) as bot:
        until(bot, "off")
        file.write_text(stand.api.token)
        bot.reload(config)
        until(bot, "connected")
        file.write_text("999999:abcdefghijklmnopqrst")
        bot.reload(config)
        assert "token" in until(bot, "away")["why"]


def test_a_part_that_breaks_begins_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telegram.life.AGAIN_S", 0.01)
    broken = iter([True])

    def look(_: Any) -> bool:
        if next(broken, False):
            raise RuntimeError("a fault of ours")
        return False

    monkeypatch.setattr("handlers.telegram.report.reporter.Reporter.look", look)
    anna = stand.api.person(7, "Anna")
    with stand.bot(stand.config()) as bot:
        until(bot, "connected")
        anna.command("/help")
        anna.chat.wait_for(from_bot)
    faults = [facts for name, facts in stand.chat.log.lines if name == "telegram_fault"]
    assert [fault["part"] for fault in faults] == ["reporter"]


def test_an_answer_on_its_way_at_the_end_is_no_question_later(stand: Stand) -> None:
    """An orderly stop gives what is on its way a moment."""
    anna = stand.api.person(7, "Anna")
    with stand.bot(stand.config()) as bot:
        until(bot, "connected")
        stand.api.faults.add(Fault("sendMessage", "late", seconds=1.0))
        anna.command("/help")
        stand.api.wait_for(lambda: stand.api.faults.struck)
    with stand.chat.ledger.look() as turn:
        assert turn.messages.counts()["unsure"] == turn.messages.counts()["sending"] == 0


def until_health(bot: Bot, seen: Callable[[Component], bool]) -> Component:
    deadline = time.monotonic() + 20
    while not seen(found := next(iter(bot.health()))):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)  # it is not told
    return found


def test_its_health_says_whose_fault_it_is(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telegram.life.PASSING_S", 0.0)
    with stand.bot(Config(data_dir=stand.folder)) as bot:
        assert list(bot.health()) == []
    with stand.bot(stand.config("999999:abcdefghijklmnopqrst")) as bot:
        token = until_health(bot, lambda found: bool(found.trouble))
        assert "does not know the bot's token" in token.trouble and "@BotFather" in token.hint
    with stand.bot(stand.config()) as bot:
        well = until_health(bot, lambda found: found.state == "idle")
        assert well.well and not well.vital and well.facts == {"name": "vigent_test_bot"}
        stand.api.down()
        network = until_health(bot, lambda found: bool(found.trouble))
        assert "cannot be reached" in network.trouble and "internet" in network.hint
        assert network.state == "idle"  # it tries again
        stand.api.up()
        until_health(bot, lambda found: found.well)


def test_a_token_that_cannot_be_read_is_no_bot(stand: Stand) -> None:
    config = Config(data_dir=stand.folder, telegram=TelegramSettings(token_file=stand.folder / "none"))
    with stand.bot(config) as bot:
        (found,) = bot.health()
        assert found.state == "dead" and "cannot be read" in found.trouble


def test_a_short_trouble_is_none_and_a_silence_that_nobody_explains_is_a_stall(stand: Stand) -> None:
    clock = Clock()
    life = Life(replace(stand.chat.house, clock=clock), stand.api.token, stand.events, lambda: "", None)
    poll = life._poll = cast(Poll, SimpleNamespace(why="", hint="", me=None, name="", heart=Heart(clock)))

    def health() -> list[Component]:
        return [life.health()]

    poll.why = "Telegram cannot be reached"
    assert pass_by(PASSING_S - 1, clock, health).well
    assert pass_by(1, clock, health).trouble == poll.why
    poll.why = ""
    poll.heart.beat()
    assert pass_by(BUDGET_S, clock, health).well
    late = pass_by(1, clock, health)
    assert late.state == "stalled" and "Nothing has been heard from Telegram for 121 s" in late.trouble
