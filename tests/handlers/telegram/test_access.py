"""Who gets an answer, and who is asked whether somebody may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.chats import Person, Standing
from daemon.config import Config
from daemon.jobs import State
from handlers.telegram import pairing
from handlers.telegram.access import may, standing
from handlers.telegram.content import Content
from handlers.telegram.incoming import Where, Who
from tests.handlers.telegram.commanding import OFFICE, Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, ROOT, Conversation, video

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


# ---------------------------------------------------------------- what is under way for them


def test_for_who_was_denied_nothing_goes_on(bot: Bot) -> None:
    bot.says("/allow 66", by=ROOT)
    running, queued, done = (bot.makes(f"{n}", by=EVE) for n in range(3))
    of_anna = bot.makes("Anna's")
    bot.queue.finish(bot.queue.claim("tests", done), Path("/results/x.mp4"))  # type: ignore[arg-type]
    assert bot.queue.claim("tests", running)
    bot.says("Good morning.", by=EVE, attached=video())
    bot.taps("Start", by=EVE, where=HERS)  # it starts once it has been looked at
    bot.says("Good evening.", by=EVE, where=GROUP)
    bot.says("Good night.")
    bot.says("/deny 66", by=ROOT)
    assert bot.row(running).cancel_asked and bot.row(queued).state == State.CANCELLED
    assert bot.row(done).state == State.DONE and bot.row(of_anna).state == State.QUEUED
    assert None in bot.changed, "the daemon looks at all of them"
    with bot.ledger.look() as turn:
        assert [draft.user_id for draft in turn.drafts.unstarted()] == [ANNA.id]
    assert "Good evening." not in bot.sees_all(GROUP)


def test_who_may_is_asked_before_a_draft_starts(bot: Bot) -> None:
    bot.says("Hello", by=EVE)
    config = bot.house.config
    with bot.ledger.turn() as turn:
        assert [may(turn, config, who) for who in (ANNA.id, ROOT.id, EVE.id, 12345)] == [
            True,
            True,
            False,
            False,
        ]
        turn.people.set_standing(EVE.id, Standing.ALLOWED)
        assert may(turn, config, EVE.id)
        turn.people.set_standing(EVE.id, Standing.DENIED)
        assert not may(turn, config, EVE.id)


def test_a_paired_admin_is_none_any_more_whatever_the_configuration_says(bot: Bot, tmp_path: Path) -> None:
    job = bot.makes()
    with bot.ledger.turn() as turn:
        pairing.offer(turn, "K7QM-WX3B", "salt")
    bot.says("/start K7QM-WX3B")
    before = bot.promotions
    bot.says("/deny 11", by=ROOT)
    assert "they may still use this bot" in bot.sees(OFFICE) and bot.promotions > before
    assert bot.row(job).state == State.QUEUED
    bot.says("/health")
    assert "no such command" in bot.sees()
    out = Config(data_dir=tmp_path, telegram={"admin_user_ids": [ROOT.id]})  # type: ignore[arg-type]
    with bot.ledger.look() as turn:
        assert not may(turn, out, ANNA.id)


# ---------------------------------------------------------------- many strangers


def strangers(bot: Bot, *numbers: int) -> None:
    for n in numbers:
        bot.passes(1)
        bot.says("Hello", by=Who(1000 + n, f"Stranger {n}", "en"))


def cards(bot: Conversation, where: Where = OFFICE) -> list[str]:
    """Those that are open, each as its name and what stands below."""
    rows = [row for row in bot.messages(where) if row.key.startswith("admission:")]
    rows.sort(key=lambda row: row.number or 0)
    read = [Content.from_json(row.wanted) for row in rows if row.wanted]
    return [content.text.split(">")[1].split("<")[0] + "".join(content.text.split("\n")[1:])[:12]
            for content in read if content.buttons]  # fmt: skip


def told(bot: Bot) -> int:
    """How often it was said that there are other admins now."""
    return bot.promotions


def test_few_strangers_at_a_time_are_offered(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    strangers(bot, *range(8))
    assert cards(bot) == [f"Stranger {n}" for n in range(4)] + ["Stranger 4… and 3 more"]
    bot.says("/deny 1004", by=ROOT)  # there is room for another one
    assert cards(bot) == [f"Stranger {n}" for n in range(4)] + ["Stranger 7… and 2 more"]
    bot.passes(3600)
    strangers(bot, 8)
    assert cards(bot)[4:] == ["Stranger 7", "Stranger 5", "Stranger 6", "Stranger 8"]


def test_who_came_before_the_admin_is_offered_to_them(tmp_path: Path) -> None:
    bot = Bot(tmp_path, {"telegram": {"admin_user_ids": [ROOT.id]}})
    strangers(bot, *range(7))
    bot.says("/help", by=ROOT, where=GROUP)
    assert not cards(bot) and not told(bot)
    bot.says("/start", by=ROOT)
    offered = ["Stranger 2", "Stranger 3", "Stranger 4", "Stranger 5", "Stranger 6… and 2 more"]
    assert cards(bot) == offered and told(bot) == 1
    with bot.ledger.turn() as turn:
        pairing.offer(turn, "K7QM-WX3B", "salt")
    bot.says("/deny 1006", by=ROOT)
    bot.says("/start K7QM-WX3B", by=BO)
    assert [name[:10] for name in cards(bot, Where(BO.id))] == [f"Stranger {n}" for n in range(1, 6)]
    assert told(bot) == 2
    bot.close()


def test_a_name_is_what_can_be_seen(bot: Bot) -> None:
    bot.says("/start", by=ROOT)
    bot.says("Hello", by=Who(5, "Anna\u202e\n\u2066 Boss\x1b", "en"))
    bot.says("Hello", by=Who(6, "\u200b\u202e", "en"))
    assert "👤 Anna Boss (5) would" in bot.sees_all(OFFICE) and "👤 6 (6) would" in bot.sees_all(OFFICE)
