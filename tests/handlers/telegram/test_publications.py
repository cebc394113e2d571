"""Cards of publications, and what is told of them: with a real book, a real desk, and folders as targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon import demo
from daemon.publications.tables import Standing
from handlers.publish.errors import Refused, Unsure
from handlers.publish.target import Limits, Receipt, Text
from handlers.telegram.buttons import press
from handlers.telegram.incoming import Where
from handlers.telegram.publishing import read_text, written_text
from tests.handlers.telegram.commanding import OFFICE
from tests.handlers.telegram.publishing_kit import Newsroom, slot, target
from tests.handlers.telegram.talking import BO, GROUP, PRIVATE, ROOT, read

DAY = 24 * 3600.0
HOME = Where(BO.id)
Opens = Callable[..., Newsroom]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.clip(tmp_path_factory.mktemp("album"), (90, 160), 1)


@pytest.fixture
def opens(tmp_path: Path, clip: Path) -> Iterator[Opens]:
    opened: list[Newsroom] = []

    def one(*sections: dict[str, Any]) -> Newsroom:
        opened.append(Newsroom(tmp_path, clip, *sections))
        return opened[-1]

    yield one
    for room in opened:
        room.close()


@pytest.fixture
def room(opens: Opens) -> Newsroom:
    """site: somebody approves, and it has a slot each evening. blog: neither."""
    return opens(target("site", approve=True), target("blog"), slot("site", "0 18 * * *"))


def cards(room: Newsroom, number: int | None, where: Where = PRIVATE) -> list[str]:
    """What is to be seen of it in that chat."""
    with room.bot.ledger.look() as turn:
        found = turn.messages.about(f"publication:{number}:")
        return [read(row) for row in found if row.wanted and row.chat_id == where.chat_id]


def card(room: Newsroom, job: str, where: Where = PRIVATE) -> str:
    (only,) = cards(room, room.only(job).number, where)
    return only


def sent(room: Newsroom, job: str, error: Unsure | Refused | None) -> None:
    """The publisher tries; error: how it ends. The target cannot be searched."""
    rules = room.desk.rules[room.only(job).target]
    room.book.fall_due(rules)
    claim = room.book.claim(rules, searchable=False)
    assert claim is not None and claim.job_id == job
    if error is None:
        room.book.published(claim, Receipt("1", "https://example.org/v/1"))
    else:
        room.book.failed(claim, error)
    room.book.claim(rules, searchable=False)
    room.tells()


# ---------------------------------------------------------------- from the card to the link


def test_what_is_proposed_is_a_card_below_its_video(room: Newsroom) -> None:
    job = room.made("Good morning.", "site", title="Good morning", tags=("news", "berlin"))
    assert room.looks()
    assert card(room, job) == (
        "📤 May this go to site?\n\nGood morning\n#news #berlin\n\n"
        "🗓 The next free slot: Mon 23 Nov, 18:00 (Europe/Berlin)\n"
        "[✅ Approve] [✏️ Edit]\n[🕘 Later…] [🚫 Skip]"
    )
    with room.bot.ledger.look() as turn:
        video = turn.messages.of_key(f"result:{job}:0")
        (shown,) = turn.messages.about(f"publication:{room.only(job).number}:")
    assert video is not None and shown.reply_to == video.message_id


def test_nothing_is_told_twice_after_a_restart(room: Newsroom) -> None:
    job, other = room.made("Good morning.", "site"), room.made("Good evening.", "blog")
    room.works()
    before = room.bot.sees_all()
    assert before.count("May this go to site?") == 1 and before.count("is on blog now") == 1
    for _ in range(2):
        assert not room.tells()
        room.restarts()
        assert not room.tells()
    assert room.bot.sees_all() == before and not room.is_in(job, Standing.PUBLISHED)
    assert room.is_in(other, Standing.PUBLISHED)


def test_approved_it_goes_out_with_its_slot(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.works()
    room.bot.passes(2 * DAY)
    room.works()
    assert room.is_in(job, Standing.PROPOSED), "nobody has approved it"
    assert room.bot.taps("Approve") == "Approved." and room.wakes == 1
    assert "✅ Goes to site (approved by Anna)" in card(room, job)
    assert "🗓 Wed 25 Nov, 18:00 (Europe/Berlin)" in card(room, job)
    room.works()
    assert room.is_in(job, Standing.APPROVED)
    room.bot.passes(DAY)
    room.works()
    assert (
        "✅ Published on site · Thu 26 Nov" in card(room, job) and len(list(room.folder.glob("site/*"))) > 0
    )
    assert room.book.events(room.only(job).number or 0)[1].facts == {"by": "Anna (Telegram)"}


def test_the_link_is_a_button(room: Newsroom) -> None:
    job = room.made("Good morning.", "site", publish_at=room.bot.now)
    room.looks()
    room.bot.taps("Approve")
    sent(room, job, None)
    assert card(room, job).endswith("https://example.org/v/1\n[🔗 Open]")


def test_approved_elsewhere_it_changes_in_place(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.looks()
    room.book.approve(room.only(job).number or 0, "jo (command line)")
    assert room.tells()
    assert "✅ Goes to site (approved by jo (command line))" in card(room, job)
    assert room.bot.labels() == ["✏️ Edit", "🕘 Later…", "🚫 Skip"]


def test_skipped_and_approved_after_all(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.looks()
    room.bot.taps("Skip")
    assert card(room, job) == "🚫 Does not go to site\nGood morning.\n[↩️ Approve after all]"
    room.bot.taps("Approve after all")
    assert room.is_in(job, Standing.APPROVED)


# ---------------------------------------------------------------- edit and later


def test_the_text_is_edited_and_its_limits_are_told_at_once(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = room.made("Good morning.", "site", title="Good morning")
    room.looks()
    monkeypatch.setattr(room.desk.target("site"), "limits", Limits(title=20))
    room.bot.taps("Edit")
    assert "(tap to copy):\nGood morning" in room.bot.sees()
    room.bot.says("A title of more than twenty characters")
    assert "The title has 38 characters, and at most 20 are taken there" in room.bot.sees()
    room.bot.says("New title\nFirst line.\n\nSecond line.\n#one #two")
    assert room.bot.sees() == "✏️ The text is changed."
    assert "\n\nNew title\nFirst line.\n\nSecond line.\n#one #two\n\n" in card(room, job)
    text = room.only(job).text
    assert (text["title"], text["tags"], text["kept"]) == ("New title", ["one", "two"], True)
    room.bot.says("Good evening.")
    assert room.only(job).text == text, "that is a script"


def test_the_time_is_chosen_by_the_targets_clock(opens: Opens) -> None:
    room = opens(target("site", approve=True, timezone="Asia/Shanghai"), slot("site", "0 18 * * *"))
    job = room.made("Good morning.", "site")
    room.looks()
    room.bot.taps("Later")
    labels = [line.strip("[]") for line in card(room, job).splitlines() if line.startswith("[")]
    assert labels[0] == "The next slot (Mon 23 Nov 18:00)" and labels[-1] == "◀ Back"
    room.bot.passes(61)
    room.tells()
    assert "◀ Back" in card(room, job), "who chooses a time is not disturbed"
    room.bot.taps("Back")
    assert "✅ Approve" in card(room, job)
    room.bot.taps("Later")
    room.bot.taps("Tomorrow 12:00")
    assert room.only(job).due_at is not None and "🗓 Tue 24 Nov, 12:00 (Asia/Shanghai)" in card(room, job)
    room.bot.taps("Later")
    room.bot.taps("Another time")
    room.bot.says("soon")
    assert "That is no time" in room.bot.sees()
    room.bot.says("2026-11-25 08:30")
    assert "🗓 Wed 25 Nov, 08:30 (Asia/Shanghai)" in card(room, job)
    assert (room.only(job).due_at or "").startswith("2026-11-25T00:30")
    room.bot.taps("Later")
    room.bot.taps("The next slot")
    assert room.only(job).due_at is None


def test_what_is_written_is_read_back() -> None:
    for text in (
        Text("Title"),
        Text("Title", "One.\n\nTwo #not a tag", ("a", "b")),
        Text("Title", "One.\n#a #b", ("a", "b")),
    ):
        assert read_text(written_text(text), text) == text
    assert read_text("T\nx", Text("", "", ("old",))).tags == ("old",)
    assert read_text("T\n＃新闻 #b，", Text("")).tags == ("新闻", "b")


def test_a_message_has_room_for_the_longest_text(room: Newsroom) -> None:
    room.bot.says("/start", by=ROOT)
    job = room.made("Good morning.", "site", told=False)
    room.looks()
    number = room.only(job).number or 0
    title, tags = "t" * 500, tuple(f"tag{n}" for n in range(100))
    room.desk.edit(number, "jo", lambda before: Text(title, "d" * 6000, tags))
    room.tells()
    assert len(room.bot.content(f"publication:{number}:{ROOT.id}:0").text) < 1024
    room.bot.taps("Edit", by=ROOT, where=OFFICE)
    assert len(room.bot.sees(OFFICE)) < 4096
    sent_to_nobody = Refused("w" * 900, hint="h" * 900)
    room.book.approve(number, "jo", room.bot.now)
    sent(room, job, sent_to_nobody)
    assert "Not published" in card(room, job, OFFICE)
    assert len(room.bot.content(f"publication:{number}:{ROOT.id}:0").text) < 1024


# ---------------------------------------------------------------- what goes wrong


def test_a_person_says_that_it_is_there(room: Newsroom) -> None:
    job = room.made("Good morning.", "blog")
    room.looks()
    assert cards(room, room.only(job).number) == [], "it needs nobody"
    sent(room, job, Unsure("The answer never came"))
    assert room.is_in(job, Standing.ASKED) and "❓ It may be on blog already." in card(room, job)
    assert room.bot.taps("It is there") == "Good. It is noted as published."
    assert room.is_in(job, Standing.PUBLISHED) and "✅ Published on blog" in card(room, job)


def test_a_person_says_that_it_is_not_there(room: Newsroom) -> None:
    job = room.made("Good morning.", "blog")
    room.looks()
    sent(room, job, Unsure("The answer never came"))
    assert room.bot.taps("send again") == "It is sent again."
    assert room.is_in(job, Standing.APPROVED)
    sent(room, job, None)
    assert room.is_in(job, Standing.PUBLISHED)


def test_a_card_that_needs_somebody_now_calls_them_once(room: Newsroom) -> None:
    """Telegram tells nobody that a message was edited."""
    job = room.made("Good morning.", "site", publish_at=room.bot.now)
    room.looks()
    room.bot.taps("Approve")
    sent(room, job, Unsure("The answer never came"))
    call = "❓ Good morning.: is it on site? Please look there, and answer above."
    assert room.bot.sees_all().count(call) == 1 and "❓ It may be on site already." in card(room, job)
    room.restarts()
    room.tells()
    assert room.bot.sees_all().count(call) == 1


def test_what_is_held_for_its_text_is_not_sent_as_it_is(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.desk.target("site"), "limits", Limits(title=5))
    job = room.made("Good morning.", "site", title="Much too long")
    room.looks()
    assert "at most 5 are taken there" in room.bot.taps("Try again")
    assert room.is_in(job, Standing.HELD)


def test_what_is_held_says_why_and_can_be_tried_again(room: Newsroom) -> None:
    job = room.made("Good morning.", "blog")
    room.looks()
    sent(room, job, Refused("The account is closed", hint="Open it again"))
    assert "⚠️ Not published to blog" in card(room, job) and "The account is closed" in card(room, job)
    room.bot.taps("Try again")
    assert room.is_in(job, Standing.APPROVED)


def test_a_button_that_comes_too_late_changes_nothing(room: Newsroom) -> None:
    job = room.made("Good morning.", "site", publish_at=room.bot.now)
    room.looks()
    number = room.only(job).number
    room.bot.taps("Approve")
    sent(room, job, None)
    for verb in ("p.skip", "p.again", "p.ok", "p.there"):
        assert room.bot.presses_data(press(verb, number), under=1) == "That is settled already."
    assert room.is_in(job, Standing.PUBLISHED)
    for about in ("x", "0", "-1", "9" * 30):
        assert "not known here" in room.bot.presses_data(press("p.ok", about), under=1)


# ---------------------------------------------------------------- whose it is


def test_nobody_decides_about_another_ones_publication(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.looks()
    number = room.only(job).number
    for verb in ("ok", "edit", "later", "skip", "there", "again", "back", "card"):
        assert "只有发起的人" in room.bot.presses_data(press(f"p.{verb}", number), under=1, by=BO, where=HOME)
    assert room.is_in(job, Standing.PROPOSED) and not room.bot.sees_all(HOME)
    room.bot.presses_data(press("p.ok", number), under=1, by=ROOT, where=OFFICE)
    assert room.only(job).approval == "Root (Telegram)"


def test_a_job_of_another_door_is_shown_to_the_admins(room: Newsroom) -> None:
    room.bot.says("/start", by=ROOT)
    job = room.made("From the command line", "site", told=False)
    room.looks()
    shown = room.bot.content(f"publication:{room.only(job).number}:{ROOT.id}:0")
    assert shown.kind == "video" and shown.facts["width"] == 90 and "May this go to site?" in shown.text
    assert len(shown.text) < 1024 and not room.bot.sees_all()
    assert "Only" in room.bot.presses_data(press("p.ok", room.only(job).number), under=1)
    room.bot.taps("Approve", by=ROOT, where=OFFICE)
    assert room.is_in(job, Standing.APPROVED)


def test_in_a_group_each_decides_about_their_own(room: Newsroom) -> None:
    job = room.made("Good morning.", "site", where=GROUP)
    room.looks()
    assert "只有发起的人" in room.bot.taps("Approve", by=BO, where=GROUP)
    room.bot.taps("Edit", where=GROUP)
    assert "Answer this message" in room.bot.sees(GROUP)
    room.bot.says("Mine", by=BO, where=GROUP)
    room.bot.says("New title", where=GROUP)
    assert room.only(job).text["title"] == "New title"


# ---------------------------------------------------------------- when the card comes


def test_the_card_waits_for_its_video(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    with room.bot.ledger.turn() as turn:
        video = turn.messages.of_key(f"result:{job}:0")
        assert video is not None
        turn.messages.send_again(video)
    room.publisher.look()
    assert not room.reporter.look() and cards(room, room.only(job).number) == []
    room.bot.deliver()
    assert room.tells() and card(room, job)


def test_times_move_on_with_the_clock(room: Newsroom) -> None:
    job = room.made("Good morning.", "site")
    room.looks()
    assert "Mon 23 Nov, 18:00" in card(room, job)
    room.bot.passes(DAY)
    assert room.tells() and "Tue 24 Nov, 18:00" in card(room, job)


# ---------------------------------------------------------------- publish by hand


def test_published_by_hand_and_once_more(room: Newsroom) -> None:
    job = room.made("Good morning.")
    room.bot.says(f"/publish {job}")
    room.bot.taps("blog")
    assert room.bot.sees() == "📤 Good morning. goes to blog now." and room.wakes == 1
    room.works()
    assert room.bot.sees() == "✅ Good morning. is on blog now."
    room.bot.says(f"/publish {job}")
    room.bot.taps("blog")
    assert room.bot.sees() == "✅ Good morning. is on blog already."


def test_by_hand_a_time_a_pause_and_what_does_not_fit(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = room.made("Good morning.")
    room.bot.says(f"/schedule {job}")
    room.bot.taps("blog")
    assert "(Europe/Berlin)" in room.bot.sees()
    room.bot.taps("Tomorrow 12:00")
    assert "goes to blog at 2026-11-24 12:00 (Europe/Berlin)" in room.bot.sees()
    room.book.pause("blog", "Root")
    room.bot.says(f"/publish {job}")
    room.bot.taps("blog")
    assert "⏸ blog is paused" in room.bot.sees()
    monkeypatch.setattr(room.desk.target("site"), "limits", Limits(title=3))
    room.bot.says(f"/publish {job}")
    assert "The title has 13 characters, and at most 3 are taken there" in room.bot.taps("site")
    (room.folder / f"{job}.mp4").unlink()
    assert "moved or removed" in room.bot.taps("site")
