"""Messages that nobody needs any more: forgotten, and until then no burden."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import ChatMessage, MessageState
from daemon.jobs import State
from handlers.telegram.content import Content
from handlers.telegram.store import messages
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA

DAYS = dt.timedelta(days=30)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    made = Bot(tmp_path)
    yield made
    made.close()


def was_said(bot: Bot, *keys: str, state: MessageState = MessageState.SHOWN) -> None:
    """These messages, each as it is when the courier has nothing to do with it."""
    with bot.ledger.turn() as turn:
        for key in keys:
            row = turn.messages.post(ANNA.id, key, Content("words"))
            row.state, row.shown = state, row.version
            turn.messages.put(row)


def forgets(bot: Bot) -> set[str]:
    """What is gone afterwards."""
    before = keys(bot)
    with bot.ledger.turn() as turn:
        count = turn.messages.forget(bot.now - DAYS)
    gone = before - keys(bot)
    assert count == len(gone)
    return gone


def keys(bot: Bot) -> set[str]:
    return {row.key for row in bot.messages()}


def a_month_passes(bot: Bot) -> None:
    bot.passes((DAYS + dt.timedelta(days=1)).total_seconds())


def test_what_is_old_and_over_is_forgotten(bot: Bot) -> None:
    was_said(bot, "answer:1:1", "alone")
    was_said(bot, "answer:2:1", state=MessageState.GONE)
    was_said(bot, "answer:3:1", state=MessageState.REFUSED)
    a_month_passes(bot)
    assert keys(bot) == {"answer:1:1", "answer:2:1", "answer:3:1", "alone"}
    was_said(bot, "answer:4:1")
    assert forgets(bot) == {"answer:1:1", "answer:2:1", "answer:3:1", "alone"}
    assert forgets(bot) == set()


@pytest.mark.parametrize("state", [MessageState.DUE, MessageState.SENDING, MessageState.UNSURE])
def test_what_is_not_over_stays(bot: Bot, state: MessageState) -> None:
    was_said(bot, "answer:1:1", state=state)
    was_said(bot, "answer:2:1")
    with bot.ledger.turn() as turn:
        turn.messages.post(ANNA.id, "answer:2:1", Content("other words"))  # still to be edited
    a_month_passes(bot)
    was_said(bot, "answer:3:1")
    assert forgets(bot) == set()


def test_results_questions_and_what_is_under_way_stay(bot: Bot) -> None:
    under_way, done = bot.makes("A"), bot.makes("B", state=State.DONE)
    bot.says("A script")  # a draft, and its card
    with bot.ledger.look() as turn:
        draft = turn.drafts.latest(ANNA.id)
    assert draft is not None
    over = {f"progress:{done}:0", f"card:{_draft_of(bot, done)}"}
    was_said(bot, f"result:{done}:0", "ask:7", f"progress:{under_way}:0", *over)
    a_month_passes(bot)
    was_said(bot, "answer:9:1")
    assert forgets(bot) == over
    assert any(key.startswith(f"card:{draft.id}") for key in keys(bot))


def test_the_number_of_a_message_is_not_given_twice(bot: Bot) -> None:
    """The buttons of a question have it in them."""
    was_said(bot, "answer:1:1", "answer:2:1")
    a_month_passes(bot)
    assert forgets(bot) == {"answer:1:1"}
    was_said(bot, "answer:3:1")
    with bot.ledger.look() as turn:
        row = turn.messages.of_key("answer:3:1")
    assert row is not None and row.number == 3


def test_it_forgets_a_little_at_a_time(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait to write meanwhile."""
    monkeypatch.setattr(messages, "FORGOTTEN_AT_ONCE", 2)
    was_said(bot, *(f"answer:{n}:1" for n in range(6)))
    a_month_passes(bot)
    assert [len(forgets(bot)) for _ in range(4)] == [2, 2, 1, 0]


def test_old_messages_are_not_looked_at_for_what_is_to_do(bot: Bot) -> None:
    """The courier asks at every nudge, and there may be a hundred thousand of them."""
    was_said(bot, *(f"answer:{n}:1" for n in range(50)))
    was_said(bot, "answer:50:1", state=MessageState.DUE)
    was_said(bot, "answer:51:1", state=MessageState.SENDING)
    with bot.ledger.turn() as turn:
        turn.messages.post(ANNA.id, "answer:0:1", Content("other words"))
    with bot.ledger.look() as turn:
        assert [row.key for row in turn.messages.to_do()] == ["answer:0:1", "answer:50:1"]
        assert [row.key for row in turn.messages.interrupted()] == ["answer:51:1"]
        ask = f"EXPLAIN QUERY PLAN SELECT * FROM {ChatMessage.__tablename__} WHERE number IN "
        plan = turn._s.connection().exec_driver_sql(f"{ask} ({messages.ON_THE_WAY.text})")
        told = [row[-1] for row in plan]
    assert any("messages_to_send" in line for line in told)
    assert not any(line.startswith("SCAN telegram_message") and "INDEX" not in line for line in told)


def _draft_of(bot: Bot, job: str) -> str:
    with bot.ledger.look() as turn:
        draft = turn.drafts.of_job(job)
    assert draft is not None
    return draft.id
