"""Who may say whether a file has arrived, and with which buttons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import MessageState
from daemon.jobs import State
from handlers.telegram.content import Content, Rank
from handlers.telegram.courier import books
from handlers.telegram.incoming import Where
from tests.handlers.telegram.commanding import HOME, OFFICE, Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, PRIVATE, ROOT


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.close()


def unsure(bot: Bot, key: str, where: Where) -> int:
    """A file of which nobody knows whether it is there; returns its number."""
    with bot.meeting(ANNA, where) as turn:
        sent = Content("", kind="document", file=Path("/x.srt"))
        row = turn.messages.post(where.chat_id, key, sent, rank=Rank.RESULT, repeatable=False)
        books.interrupted(turn, row)
        assert row.number is not None
    bot.deliver()
    return row.number


def state(bot: Bot, number: int) -> str:
    with bot.ledger.look() as turn:
        row = turn.messages.numbered(number)
    assert row is not None
    return row.state


def test_nobody_takes_away_another_ones_question(bot: Bot) -> None:
    number = unsure(bot, f"result:{bot.makes(state=State.DONE)}:0", PRIVATE)
    bot.says("/help", by=BO)
    under = bot.messages(HOME)[-1].message_id
    assert under is not None
    for message in (1, under):
        assert bot.presses_data(f"arrived:{number}:yes", under=message, by=BO, where=HOME) == "此事已处理"
    assert "Is it here?" in bot.sees() and "可以发什么" in bot.sees(HOME)
    bot.taps("Yes, it is here")
    assert state(bot, number) == MessageState.SHOWN and bot.sees() == "Good, thank you."


def test_a_question_that_is_settled_goes_when_it_is_pressed(bot: Bot) -> None:
    number = unsure(bot, f"result:{bot.makes(state=State.DONE)}:0", PRIVATE)
    with bot.ledger.turn() as turn:
        row = turn.messages.numbered(number)
        assert row is not None
        turn.messages.arrived(row)
    bot.taps("Yes, it is here")
    assert "Is it here?" not in bot.sees_all()


@pytest.mark.parametrize("key", ["result:{job}:0", "file:{job}:77:srt"])
def test_in_a_group_only_the_one_who_asked_for_it_or_an_admin(bot: Bot, key: str) -> None:
    number = unsure(bot, key.format(job=bot.makes(where=GROUP, state=State.DONE)), GROUP)
    assert bot.taps("Yes, it is here", by=BO, where=GROUP) == "只有发起人可以回答"
    assert state(bot, number) == MessageState.UNSURE
    assert bot.taps("No, send it again", where=GROUP) == "" and state(bot, number) == MessageState.SHOWN


def test_of_what_belongs_to_nobody_admins_decide_in_a_group(bot: Bot) -> None:
    number = unsure(bot, "sound:of:nobody", GROUP)
    bot.taps("Yes, it is here", where=GROUP)
    assert state(bot, number) == MessageState.UNSURE
    bot.taps("Yes, it is here", by=ROOT, where=GROUP)
    assert state(bot, number) == MessageState.SHOWN


def test_an_admin_is_asked_in_their_own_language_and_may_answer(bot: Bot) -> None:
    """About the files of somebody else's job, which they had sent to themselves."""
    number = unsure(bot, f"file:{bot.makes(by=BO, state=State.DONE)}:77:srt", OFFICE)
    bot.taps("Yes, it is here", by=ROOT, where=OFFICE)
    assert state(bot, number) == MessageState.SHOWN
