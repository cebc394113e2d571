"""Who gets an answer, and who is asked whether somebody may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import Person, Standing
from daemon.config import Config
from handlers.telegram.access import standing
from handlers.telegram.incoming import Where, Who
from tests.handlers.telegram.commanding import OFFICE, Bot
from tests.handlers.telegram.talking import ANNA, GROUP, ROOT, video

EVE = Who(66, "Eve <b>", "fr")
HERS = Where(EVE.id)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.close()


@pytest.mark.parametrize(
    ("user_id", "kept", "counts"),
    [
        (1, Standing.DENIED, Standing.ADMIN),  # of the configuration
        (2, Standing.DENIED, Standing.ALLOWED),
        (2, Standing.ADMIN, Standing.ADMIN),  # paired, and also in the list of those who are allowed
        (3, Standing.DENIED, Standing.DENIED),
        (3, Standing.ADMIN, Standing.ADMIN),
        (3, Standing.UNKNOWN, Standing.UNKNOWN),
    ],
)
def test_the_configuration_comes_first(
    tmp_path: Path, user_id: int, kept: Standing, counts: Standing
) -> None:
    config = Config(data_dir=tmp_path, telegram={"admin_user_ids": [1], "allowed_user_ids": [2]})  # type: ignore[arg-type]
    assert standing(config, Person(user_id=user_id, name="x", standing=kept)) == counts


def test_a_stranger_is_told_once_and_then_never(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    bot.says("Hello", by=EVE)
    assert bot.sees(HERS) == "This bot is private. Your id is 66: its admin can let you in."
    before = bot.sees_all(HERS), bot.sees_all(OFFICE)
    for said in ("Hello?", "/start", "/help", "/start nonsense"):
        bot.says(said, by=EVE)
    bot.says(by=EVE, attached=video())
    bot.says("Bonjour", by=Who(66, "Root", "zh"))
    bot.presses_data("allow:66:", under=1, by=EVE, where=HERS)
    assert bot.toast is None
    assert (bot.sees_all(HERS), bot.sees_all(OFFICE)) == before
    assert not bot.errands()


def test_a_stranger_whose_language_nobody_knows_is_told_in_both(bot: Bot) -> None:
    bot.says("Hello", by=Who(67, "X"))
    assert "private" in bot.sees(Where(67)) and "私人" in bot.sees(Where(67))


def test_in_a_group_strangers_hear_nothing(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    before = bot.sees_all(OFFICE)
    bot.says("/start", by=EVE, where=GROUP)
    assert not bot.sees_all(GROUP) and bot.sees_all(OFFICE) == before
    bot.says("Hello", by=EVE)  # their one message is still to come
    assert "private" in bot.sees(HERS)


def test_admins_are_asked_with_a_card(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    bot.says("Hello", by=EVE)
    assert bot.sees(OFFICE) == "👤 Eve <b> (66) would like to use this bot.\n[✅ Allow] [🚫 Deny]"
    assert bot.taps("Allow", by=ROOT, where=OFFICE) == "Eve <b> may use this bot now."
    assert "may use this bot" in bot.sees(OFFICE) and not bot.labels(OFFICE)
    assert "You may use this bot now" in bot.sees(HERS)
    bot.says("/help", by=EVE)
    assert "What you can send" in bot.sees(HERS)


def test_an_admin_who_never_wrote_to_the_bot_alone_cannot_be_asked(bot: Bot) -> None:
    bot.says("/help", by=ROOT, where=GROUP)
    bot.says("Hello", by=EVE)
    assert not bot.sees_all(OFFICE)


def test_denied_is_silence_until_the_card_is_taken_back(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    bot.says("Hello", by=EVE)
    bot.taps("Deny", by=ROOT, where=OFFICE)
    before = bot.sees_all(HERS)
    bot.says("Hello?", by=EVE)
    assert bot.sees_all(HERS) == before
    bot.says("/allow 66", by=ROOT)
    bot.says("/help", by=EVE)
    assert "What you can send" in bot.sees(HERS)


def test_only_admins_decide_even_by_a_forged_button(bot: Bot) -> None:
    bot.says("Hello", by=EVE)
    assert bot.presses_data("allow:66:", under=1, by=ANNA) == "Only an admin can decide that."
    bot.says("/help", by=EVE)
    assert "What you can send" not in bot.sees_all(HERS)


def test_who_stands_in_the_configuration_cannot_be_denied(bot: Bot) -> None:
    bot.says("/deny 11", by=ROOT)
    assert "configuration" in bot.sees(OFFICE)
    bot.says("/deny 99", by=ROOT)
    assert "cannot shut out yourself" in bot.sees(OFFICE)
    bot.says("/help")
    assert "What you can send" in bot.sees()


def test_allow_wants_an_id(bot: Bot) -> None:
    for n, given in enumerate(("", "x", "-5", "0", "9" * 30, "²"), 1):
        bot.says(f"/allow {given}", by=ROOT)
        assert bot.sees_all(OFFICE).count("Write the id behind it: /allow 123456789") == n, given


def test_allow_before_they_have_written(bot: Bot) -> None:
    bot.says("/allow 66 Eve from Lyon", by=ROOT)
    assert bot.sees(OFFICE) == "✅ Eve from Lyon (66) may use this bot."
    bot.says("/help", by=EVE)
    assert "What you can send" in bot.sees(HERS)
