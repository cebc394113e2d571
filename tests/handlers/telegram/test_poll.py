"""Updates from a real server: in order, each handled once, whatever comes between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from telegram import Update

from handlers.telegram.arrivals import Me
from handlers.telegram.poll import Poll, Toast
from models.errors import Unavailable
from tests.handlers.telegram.botapi import BotApi, Fault, Person
from tests.handlers.telegram.botapi.content import Content
from tests.handlers.telegram.courier_kit import TICK_S, Office, in_a_thread


class Desk:
    """Handles updates as the dispatcher does, in a turn each. busy: how often the database is."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.heard: list[str] = []
        self.given_up: list[int] = []
        self.busy = 0
        self.news = threading.Condition()

    def __call__(self, update: Update) -> Toast | None:
        if self.busy > 0:
            self.busy -= 1
            raise Unavailable(
                "The database cannot be used: another process keeps it locked", code="database_busy"
            )
        with self.office.ledger.turn_for(update.update_id) as turn:
            if turn is None:
                return None
            query = update.callback_query
            text = query.data if query else (update.effective_message and update.effective_message.text)
            if text == "break":
                raise RuntimeError("a fault of ours")
            self._note(str(text))
        return Toast(query.id, "Done", alarm=True) if query else None

    def broken(self, update_id: int) -> None:
        with self.office.ledger.turn_for(update_id):
            self.given_up.append(update_id)
        self._note("broken")

    def _note(self, word: str) -> None:
        with self.news:
            self.heard.append(word)
            self.news.notify_all()

    def until(self, *words: str) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.heard == list(words), 60), (
                self.heard,
                self.office.log.lines,
            )


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def anna(api: BotApi) -> Person:
    return api.person(7, "Anna")


@pytest.fixture
def office(tmp_path: Path, api: BotApi) -> Iterator[Office]:
    with Office(tmp_path / "data", api) as office:
        yield office


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


@contextmanager
def polling(office: Office, desk: Desk) -> Iterator[Poll]:
    line = office.line()
    poll = Poll(line, office.house, desk, wait_s=5)

    async def run() -> None:
        try:
            await poll.run()
        finally:
            await line.hang_up()

    with in_a_thread(run):
        yield poll


def test_in_order_and_confirmed_once_they_are_handled(
    office: Office, desk: Desk, api: BotApi, anna: Person
) -> None:
    sent = [anna.send_text(f"{n}") for n in range(3)]
    with polling(office, desk) as poll:
        desk.until("0", "1", "2")
        api.wait_until_confirmed(sent[-1].update_id)
        assert (poll.name, poll.why) == ("vigent_test_bot", "")
        assert poll.me == Me(api.state.bot.id, "vigent_test_bot") and poll.last_ok_s is not None


def test_what_was_not_handled_comes_again_after_a_restart(office: Office, desk: Desk, anna: Person) -> None:
    """Telegram is not told before: "1" is fetched together with "0", and its turn never comes to its end."""
    anna.send_text("0")
    with polling(office, desk):
        desk.until("0")
    desk.busy = 10**9
    anna.send_text("1")
    with polling(office, desk) as poll:
        wait_for(lambda: "locked" in poll.why)
    desk.busy = 0
    with polling(office, desk):
        desk.until("0", "1")


def test_a_replayed_update_changes_nothing(office: Office, desk: Desk, api: BotApi, anna: Person) -> None:
    first = anna.send_text("0")
    with polling(office, desk):
        desk.until("0")
        api.replay(first.update_id)
        anna.send_text("1")
        desk.until("0", "1")


def test_a_press_is_answered_at_once(office: Office, desk: Desk, api: BotApi, anna: Person) -> None:
    api.faults.add(Fault("answerCallbackQuery", "late", seconds=0.5))  # nobody waits for that
    message = anna.chat.put(api.state.bot, Content("card"))
    with polling(office, desk):
        query = anna.press(message, "start:D1", wait=False, stale=True)
        anna.send_text("next")
        desk.until("start:D1", "next")
        query.wait()
    assert (query.text, query.show_alert) == ("Done", True)


def test_an_update_that_breaks_us_does_not_stop_the_others(office: Office, desk: Desk, anna: Person) -> None:
    broken = anna.send_text("break")
    anna.send_text("1")
    with polling(office, desk):
        desk.until("broken", "1")
    assert desk.given_up == [broken.update_id]
    assert ("telegram_update_failed", {"update": broken.update_id}) in office.log.lines


def test_an_update_that_nobody_can_read_does_not_hide_the_next_one(
    office: Office, desk: Desk, api: BotApi, anna: Person
) -> None:
    unreadable = api.state.updates.add("message", {"message_id": 1, "chat": {"nothing": "here"}})
    anna.send_text("1")
    with polling(office, desk):
        desk.until("broken", "1")
    assert desk.given_up == [unreadable]


def test_a_busy_database_gets_the_same_update_again(office: Office, desk: Desk, anna: Person) -> None:
    desk.busy = 2
    anna.send_text("0")
    anna.send_text("1")
    with polling(office, desk):
        desk.until("0", "1")


def test_the_network_goes_and_comes(office: Office, desk: Desk, api: BotApi, anna: Person) -> None:
    with polling(office, desk) as poll:
        anna.send_text("0")
        desk.until("0")
        api.down()
        wait_for(lambda: "cannot be reached" in poll.why)
        anna.send_text("1")
        api.up()
        desk.until("0", "1")
        assert poll.why == ""
        assert api.token not in str(office.log.lines)
    assert [name for name, _ in office.log.lines] == ["telegram_waits", "telegram_goes_on"]


def test_too_many_questions(office: Office, desk: Desk, api: BotApi, anna: Person) -> None:
    api.faults.add(
        Fault("getUpdates", "too_many", retry_after=1), Fault("getUpdates", "bad_gateway", after=1)
    )
    with polling(office, desk):
        anna.send_text("0")
        desk.until("0")


def test_somebody_else_fetches_the_messages(office: Office, desk: Desk, api: BotApi, anna: Person) -> None:
    with polling(office, desk) as one:
        wait_for(lambda: one.last_ok_s is not None or api.state.updates._allowed)
        with polling(office, desk) as other:
            wait_for(lambda: "Another program" in one.why or "Another program" in other.why)


def test_a_wrong_token_is_said_without_it(office: Office, desk: Desk, api: BotApi) -> None:
    api._service._token = "1:other"
    with polling(office, desk) as poll:
        wait_for(lambda: "token" in poll.why)
        told = poll.why + str(office.log.lines)
    assert api.token not in told and poll.name == ""


def wait_for(fits: Callable[[], object], timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not fits():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(TICK_S)
