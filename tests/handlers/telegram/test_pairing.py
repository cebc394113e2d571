"""The code that makes the first admin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import Standing
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


@pytest.mark.parametrize("said", [f"/start {CODE}", f" {CODE}\n", "/start k7qmwx3b", "/start k7qm wx3b"])
def test_the_right_code_makes_an_admin_once(bot: Bot, said: str) -> None:
    bot.says(said, by=EVE)
    assert "You are an admin" in bot.sees(HERS)
    assert bot.promotions == 1
    bot.says(said, by=Who(67, "Mallory", "en"))
    assert "admin of this bot now" not in bot.sees_all(Where(67))


def test_a_stranger_who_was_turned_away_may_pair(bot: Bot) -> None:
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


def guess(n: int) -> str:
    return "/start " + "".join(pairing.ALPHABET[n // base % 31] for base in (961, 31, 1)).rjust(8, "A")


def test_after_five_wrong_ones_somebody_may_not_go_on(bot: Bot) -> None:
    for n in range(5):
        bot.says(guess(n), by=EVE)
    bot.says(f"/start {CODE}", by=EVE)
    assert not bot.promotions


def test_a_stranger_cannot_void_the_code_in_the_owners_hand(bot: Bot) -> None:
    for n in range(40):
        bot.says(guess(n), by=Who(70 + n // 10, "M", "en"))
    bot.says(f"/start {CODE}", by=EVE)
    assert bot.promotions == 1


def test_a_crowd_of_strangers_can(bot: Bot) -> None:
    """Else many accounts could try as often as they like."""
    for n in range(300):
        bot.says(guess(n), by=Who(1000 + n // 5, "M", "en"))
    bot.says(f"/start {CODE}", by=EVE)
    assert not bot.promotions


@pytest.mark.parametrize("said", ["Next week", "NEXT WEEK", "K7QMWX3B", "k7qm-wx3b", f"{CODE} please"])
def test_ordinary_words_are_no_try(bot: Bot, said: str) -> None:
    bot.says(said, by=EVE)
    with bot.ledger.look() as turn:
        offered = turn.people.pairing()
    assert offered is not None and not offered.wrong and "private" in bot.sees(HERS)


def test_who_was_denied_gets_no_answer_even_with_the_code(bot: Bot) -> None:
    with bot.ledger.turn() as turn:
        turn.people.set_standing(EVE.id, Standing.DENIED)
    for said in ("/start AAAA-AAAA", f"/start {CODE}", CODE):
        bot.says(said, by=EVE)
    assert not bot.sees_all(HERS) and not bot.promotions


def test_nobody_learns_whether_a_code_is_awaited(bot: Bot) -> None:
    bot.says("/start AAAA-AAAA", by=EVE)
    bot.passes(10 * 60)
    late = Who(67, "Late", "en")
    bot.says(f"/start {CODE}", by=late)
    assert bot.sees_all(Where(late.id)) == bot.sees_all(HERS) != ""
    with bot.ledger.look() as turn:
        assert turn.people.pairing() is None


def test_who_may_use_the_bot_is_told_each_time(bot: Bot) -> None:
    bot.says("/start AAAA-AAAA")
    bot.passes(1)
    bot.says("/start AAAA-AAAB")
    assert bot.sees_all().count("not good") == 2


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
