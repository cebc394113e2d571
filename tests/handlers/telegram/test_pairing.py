"""The code that makes the first admin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.telegram import pairing
from handlers.telegram.incoming import Where, Who
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA, GROUP

EVE = Who(66, "Eve", "en")
HERS = Where(EVE.id)
CODE = "K7QM-WX3B"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path, {"telegram": {"allowed_user_ids": [ANNA.id]}})
    with bot.ledger.turn() as turn:
        pairing.offer(turn, CODE, "salt")
    yield bot
    bot.close()


def test_a_code_can_be_read_aloud() -> None:
    codes = {pairing.new_code(random.Random(n).randrange) for n in range(200)}
    assert len(codes) == 200
    assert all(len(c) == 9 and c[4] == "-" and not set(c) & set("ILO01") for c in codes)


def test_the_database_does_not_know_the_code(bot: Bot) -> None:
    with bot.ledger.look() as turn:
        kept = turn.people.pairing()
    assert kept is not None and "K7QM" not in kept.model_dump_json()


@pytest.mark.parametrize("said", [f"/start {CODE}", CODE, "k7qmwx3b", "/start k7qm wx3b"])
def test_the_right_code_makes_an_admin_once(bot: Bot, said: str) -> None:
    bot.says(said, by=EVE)
    assert "You are an admin" in bot.sees(HERS)
    assert bot.promotions == 1
    bot.says(said, by=Who(67, "Mallory", "en"))
    assert "admin of this bot now" not in bot.sees_all(Where(67))


def test_somebody_who_was_denied_may_pair(bot: Bot) -> None:
    bot.says("Hello", by=EVE)
    bot.says(f"/start {CODE}", by=EVE)
    assert "You are an admin" in bot.sees(HERS)


def test_it_is_good_for_ten_minutes(bot: Bot) -> None:
    bot.passes(10 * 60)
    bot.says(f"/start {CODE}", by=EVE)
    assert "not good (any more)" in bot.sees(HERS) and not bot.promotions


def test_a_newer_code_takes_its_place(bot: Bot) -> None:
    with bot.ledger.turn() as turn:
        pairing.offer(turn, "ABCD-EFGH", "pepper")
    bot.says(f"/start {CODE}", by=EVE)
    assert "You are an admin" not in bot.sees_all(HERS)
    bot.says("/start ABCD-EFGH", by=EVE)
    assert "You are an admin" in bot.sees(HERS)


def test_five_wrong_ones_and_it_is_void(bot: Bot) -> None:
    for n in range(5):
        bot.says(f"/start AAAA-AAA{'ABCDE'[n]}", by=Who(70 + n % 2, "M", "en"))
    bot.says(f"/start {CODE}", by=EVE)
    assert not bot.promotions


def test_a_wrong_code_is_answered_once(bot: Bot) -> None:
    bot.says("/start AAAA-AAAA", by=EVE)
    bot.says("/start AAAA-AAAB", by=EVE)
    assert bot.sees_all(HERS).count("not good") == 1
    bot.says(f"/start {CODE}", by=EVE)  # a slip of the thumb is no harm
    assert bot.promotions == 1


def test_in_a_group_no_code_is_looked_at(bot: Bot) -> None:
    bot.says(f"/start {CODE}", by=EVE, where=GROUP)
    assert not bot.promotions and not bot.sees_all(GROUP)


def test_a_script_that_looks_like_a_code_is_a_script(bot: Bot) -> None:
    bot.says("GQQDNEWS")
    assert "GQQDNEWS" in bot.sees() and not bot.promotions
