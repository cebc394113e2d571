"""Turns: an update is handled once, whatever its number and whatever the clock says; groups that move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import MessageState
from handlers.telegram.content import Content
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA, GROUP, Conversation


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Conversation]:
    made = Conversation(tmp_path)
    yield made
    made.close()


def handled(chat: Conversation, update_id: int) -> bool:
    with chat.ledger.turn_for(update_id) as turn:
        return turn is not None


def test_an_update_is_handled_once(chat: Conversation) -> None:
    assert chat.ledger.next_update() == 0
    assert [handled(chat, n) for n in (5, 6, 5, 6)] == [True, True, False, False]
    assert chat.ledger.next_update() == 7


def test_a_turn_that_breaks_off_did_not_handle_it(chat: Conversation) -> None:
    with pytest.raises(RuntimeError), chat.ledger.turn_for(5):
        raise RuntimeError
    assert chat.ledger.next_update() == 0 and handled(chat, 5)


def test_the_last_counts_also_when_numbers_begin_anew_or_the_clock_goes_back(chat: Conversation) -> None:
    handled(chat, 1000)
    chat.now -= dt.timedelta(hours=8)
    handled(chat, 1001)
    assert chat.ledger.next_update() == 1002
    handled(chat, 17)
    assert chat.ledger.next_update() == 18


def test_old_updates_are_forgotten(chat: Conversation) -> None:
    handled(chat, 5)
    chat.passes(8 * 86400)
    handled(chat, 6)
    assert handled(chat, 5)


def test_in_a_group_that_moved_what_is_open_is_sent_again_and_nothing_has_an_old_id(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    job = bot.makes("Good morning.", by=ANNA, where=GROUP)
    with bot.ledger.turn() as turn:
        turn.messages.post(GROUP.chat_id, f"progress:{job}:0", Content("10 %"))
        turn.messages.post(GROUP.chat_id, "answer:1:1", Content("Hello"))
    bot.deliver()
    with bot.ledger.turn() as turn:
        turn.moved(GROUP.chat_id, -100500)
    with bot.ledger.look() as turn:
        progress, answer = turn.messages.of_key(f"progress:{job}:0"), turn.messages.of_key("answer:1:1")
        link = turn.jobs.get(job)
    assert progress is not None and answer is not None and link is not None
    assert (progress.state, progress.message_id, answer.message_id) == (MessageState.DUE, None, None)
    assert answer.state == MessageState.SHOWN and answer.shown == answer.version
    assert {progress.chat_id, answer.chat_id, link.chat_id} == {-100500}
    bot.close()


def test_an_errand_that_was_just_put_off_is_not_begun_by_who_still_knew_it_as_due(chat: Conversation) -> None:
    with chat.ledger.turn() as turn:
        turn.errands.add("fetch:a", "fetch", file="a")
        (known,) = turn.errands.to_do()
        number = known.number
        assert number is not None and turn.errands.begun(number) is not None
        turn.errands.later(number, turn.now + dt.timedelta(seconds=2))
        assert turn.errands.begun(number) is None
    chat.passes(2)
    with chat.ledger.turn() as turn:
        again = turn.errands.begun(number)
    assert again is not None and again.attempts == 2
