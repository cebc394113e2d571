"""The buttons under results, failures and progress: cancel, retry, files, again, publish, schedule."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.jobs import State
from handlers.telegram.buttons import press
from handlers.telegram.content import Content
from handlers.telegram.report.result import result_buttons
from tests.handlers.telegram.commanding import Board, Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, PRIVATE, ROOT, buttons


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def board() -> Board:
    return Board("channel")


@pytest.fixture
def bot(tmp_path: Path, board: Board) -> Iterator[Bot]:
    bot = Bot(tmp_path, publishing=board)
    yield bot
    bot.close()


def result(bot: Bot, job: str, where: int = ANNA.id) -> int:
    """The message with the video, as the errand leaves it; returns its id."""
    with bot.ledger.turn() as turn:
        content = Content("The video", result_buttons("en", job), "video", Path("/results/x.mp4"))
        turn.messages.post(where, f"result:{job}:0", content, repeatable=False)
    bot.deliver()
    with bot.ledger.look() as turn:
        row = turn.messages.of_key(f"result:{job}:0")
    assert row is not None and row.message_id is not None
    return row.message_id


# ---------------------------------------------------------------- cancel, retry


def test_cancel_of_a_queued_and_of_a_running_job(bot: Bot) -> None:
    running, queued = bot.makes("A"), bot.makes("B")
    bot.queue.claim("tests")
    assert bot.presses_data(press("cancel", queued), under=1) == "It is cancelled."
    assert bot.presses_data(press("cancel", running), under=1) == "It is being stopped."
    assert bot.row(running).cancel_asked and bot.changed == [queued, running]
    assert bot.presses_data(press("cancel", queued), under=1) == "That job has ended already."
    assert bot.toast is not None and bot.toast.alarm
    assert not bot.sees_all()  # the progress message is the reporter's


def test_retry_of_a_failed_job_once(bot: Bot) -> None:
    job = bot.makes(state=State.FAILED)
    assert bot.presses_data(press("retry", job), under=1) == "It is in the queue again."
    assert "under way already" in bot.presses_data(press("retry", job), under=1)
    assert bot.row(job).state == State.QUEUED and bot.changed == [job]


@pytest.mark.parametrize("verb", ["job", "cancel", "retry", "files", "again", "publish", "schedule"])
def test_nobody_presses_another_ones_button_but_admins(bot: Bot, board: Board, verb: str) -> None:
    state = {"cancel": State.QUEUED, "retry": State.FAILED}.get(verb, State.DONE)
    job = bot.makes(where=GROUP, state=state)
    before = bot.row(job).model_dump()
    told = bot.presses_data(press(verb, job), under=1, by=BO, where=GROUP)
    assert told == "只有发起的人或管理员才能按。"
    assert bot.row(job).model_dump() == before
    assert not bot.errands() and not board.published and not bot.sees_all(GROUP)
    told = bot.presses_data(press(verb, job), under=1, by=ROOT, where=GROUP)
    assert "Only the person" not in told


def test_a_job_that_is_not_there(bot: Bot) -> None:
    for verb in ("job", "cancel", "retry", "files", "again", "publish", "schedule"):
        assert "no such job" in bot.presses_data(press(verb, "nope1234"), under=1), verb


# ---------------------------------------------------------------- files, again


def test_files_are_an_errand_for_each_press(bot: Bot) -> None:
    job = bot.makes(state=State.DONE)
    under = result(bot, job)
    assert bot.taps("Files") == "The files are on their way."
    bot.taps("Files")
    first, second = bot.runs_errands()
    assert first.key.startswith(f"files:{job}:") and first.key != second.key
    facts = {"job": job, "chat_id": ANNA.id, "thread_id": None, "reply_to": under, "language": "en"}
    assert facts.items() <= first.facts.items() and first.facts["update_id"] != second.facts["update_id"]


def test_files_of_what_has_none(bot: Bot) -> None:
    failed, gone = bot.makes(state=State.FAILED), bot.makes(state=State.DONE)
    bot.queue.expire(gone, "The video was removed")
    assert "not done yet" in bot.presses_data(press("files", failed), under=1)
    assert "not kept any more" in bot.presses_data(press("files", gone), under=1)
    assert not bot.errands()


def test_again_is_a_new_draft_with_the_same_contents(bot: Bot) -> None:
    job = bot.makes("Good morning, everybody.", state=State.DONE)
    result(bot, job)
    bot.taps("Again with")
    assert "New video" in bot.sees() and "Good morning, everybody." in bot.sees()
    with bot.ledger.look() as turn:
        draft, before = turn.drafts.latest(ANNA.id), turn.drafts.of_job(job)
    assert draft is not None and before is not None
    assert (
        draft.id != before.id
        and draft.state == "open"
        and draft.contents == before.contents | {"by_hand": True}
    )


def test_a_press_under_a_result_says_that_it_has_arrived(bot: Bot) -> None:
    """It was sent, and the answer was lost: whoever presses its button has it."""
    job = bot.makes(state=State.DONE)
    under = result(bot, job)
    with bot.ledger.turn() as turn:
        row = turn.messages.of_key(f"result:{job}:0")
        assert row is not None
        row.state, row.message_id = "unsure", None
        turn.messages.put(row)
    bot.presses_data(press("files", job), under=under)
    with bot.ledger.look() as turn:
        row = turn.messages.of_key(f"result:{job}:0")
    assert row is not None and (row.state, row.message_id) == ("shown", under)


# ---------------------------------------------------------------- publish


def test_publish_with_no_target(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    job = bot.makes(state=State.DONE)
    for verb in ("publish", "schedule"):
        assert "No place to publish to" in bot.presses_data(press(verb, job), under=1)
        assert bot.toast is not None and bot.toast.alarm
        bot.says(f"/{verb}")
        assert "No place to publish to" in bot.sees()
    bot.close()


def test_publish_to_the_only_target(bot: Bot, board: Board) -> None:
    job = bot.makes(state=State.DONE)
    result(bot, job)
    bot.taps("Publish now")
    assert board.published == [(job, "channel", None)]
    assert bot.sees() == "📤 Good morning. goes to channel now."
    assert bot.labels(key=f"result:{job}:0"), "the result keeps its buttons"


def test_publish_asks_where_to(bot: Bot, board: Board) -> None:
    long = "一个名字很长的频道" * 10
    board.names = ("channel", long)
    job = bot.makes(state=State.DONE)
    bot.says("/publish")
    assert "Where is Good morning. to go?" in bot.sees()
    bot.taps(long[:20])
    assert board.published == [(job, long, None)] and not bot.labels()


def test_a_target_that_is_gone(bot: Bot, board: Board) -> None:
    board.names = ("a", "b")
    bot.makes(state=State.DONE)
    bot.says("/publish")
    board.names = ("a", "c")
    assert "not set up any more" in bot.taps("b")
    assert not board.published


def test_publish_by_id_and_with_nothing_to_publish(bot: Bot, board: Board) -> None:
    bot.says("/publish")
    assert "no finished video" in bot.sees()
    older = bot.makes("Older", state=State.DONE)
    bot.makes("Newer", state=State.DONE)
    his, failed = bot.makes(by=BO, state=State.DONE), bot.makes(state=State.FAILED)
    bot.says(f"/publish {older}")
    assert board.published == [(older, "channel", None)]
    bot.says(f"/publish {his}")
    assert "no such job" in bot.sees()
    bot.says(f"/publish {failed}")
    assert "not done yet" in bot.sees()


# ---------------------------------------------------------------- schedule


def test_schedule_offers_times_that_are_still_to_come(bot: Bot, board: Board) -> None:
    """08:00 UTC is nine in Berlin."""
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    assert "(CET, UTC+01:00)" in bot.sees()
    assert bot.labels() == [
        "In an hour (10:00)",
        "Today 18:00",
        "Tomorrow 08:00",
        "Tomorrow 12:00",
        "Tomorrow 18:00",
        "✏️ Another time…",
    ]
    bot.taps("Tomorrow 08:00")
    assert board.published == [(job, "channel", dt.datetime(2026, 11, 24, 7, tzinfo=dt.UTC))]
    assert "goes to channel at 2026-11-24 08:00 (CET, UTC+01:00)" in bot.sees() and not bot.labels()


def test_in_the_evening_today_is_not_offered(bot: Bot) -> None:
    job = bot.makes(state=State.DONE)
    bot.passes(9 * 3600 + 60)
    bot.says(f"/schedule {job}")
    assert "Today 18:00" not in bot.labels() and "Tomorrow 18:00" in bot.labels()


def test_tomorrow_is_eight_by_the_clock_also_when_the_clocks_change(bot: Bot, board: Board) -> None:
    bot.now = dt.datetime(2027, 3, 27, 12, tzinfo=dt.UTC)
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    bot.taps("Tomorrow 08:00")
    assert board.published[0][2] == dt.datetime(2027, 3, 28, 6, tzinfo=dt.UTC)


def test_a_card_of_yesterday(bot: Bot, board: Board) -> None:
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    bot.passes(24 * 3600)
    assert "That time is over" in bot.taps("Today 18:00")
    assert not board.published


def test_a_time_that_is_written(bot: Bot, board: Board) -> None:
    job = bot.makes(state=State.DONE)
    result(bot, job)
    bot.taps("Schedule")
    bot.taps("Another time")
    assert "Write the time" in bot.sees()
    bot.says("tomorrow")
    assert "That is no time" in bot.sees()
    bot.says("2020-01-01 08:00")
    assert "That time is over" in bot.sees() and not board.published
    bot.says("2026－12－24 18：30")  # as a Chinese keyboard writes it
    assert board.published == [(job, "channel", dt.datetime(2026, 12, 24, 17, 30, tzinfo=dt.UTC))]
    bot.says("2026-12-25 18:30")
    assert len(board.published) == 1 and "2026-12-25" in bot.sees(), "that is a script now"


def test_schedule_asks_where_to_then_when(bot: Bot, board: Board) -> None:
    board.names = ("a", "b")
    job = bot.makes(state=State.DONE)
    result(bot, job)
    bot.taps("Schedule")
    bot.taps("b")
    bot.taps("In an hour")
    assert [(j, t) for j, t, _ in board.published] == [(job, "b")]


def test_a_written_time_for_a_target_that_is_gone(bot: Bot, board: Board) -> None:
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    bot.taps("Another time")
    board.names = ("other",)
    bot.says("2026-12-24 18:30")
    assert "not set up any more" in bot.sees() and not board.published
    bot.says("Good evening.")
    assert "Good evening." in bot.sees(), "nobody waits for a time any more"


def test_a_forged_time(bot: Bot, board: Board) -> None:
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    shown = bot.messages(PRIVATE)[-1]
    assert shown.message_id is not None
    offered = buttons(shown)[0].data
    for when in ("x", "-5", "١٢", "0", "1.5", "", "9" * 12):
        bot.presses_data(f"{offered.rpartition('.')[0]}.{when}", under=shown.message_id)
    assert not board.published
    assert bot.toast is not None and "more than two years ahead" in bot.toast.text


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles"])
def test_at_the_end_of_the_calendar(
    bot: Bot, board: Board, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a time of another zone is none that this machine could show."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    job = bot.makes(state=State.DONE)
    bot.says(f"/schedule {job}")
    bot.taps("Another time")
    for beyond in ("9999-12-31T23:59:59Z", "9999-12-31T23:59-12:00", "0001-01-01T00:00+14:00"):
        bot.says(beyond)
        assert any(why in bot.sees() for why in ("no time", "two years ahead", "time is over")), beyond
    bot.says("2028-11-26 08:00")
    assert "more than two years ahead" in bot.sees()
    bot.says("2020-11-26 08:00")
    assert "That time is over" in bot.sees()
    assert not board.published
    bot.says("2028-11-20 08:00")
    assert len(board.published) == 1


# ---------------------------------------------------------------- whose message


def test_a_forged_button_changes_nobodys_message(bot: Bot) -> None:
    """Bo's own buttons, pressed under what stands there for Anna."""
    job = bot.makes("Anna's video", where=GROUP, state=State.DONE)
    result(bot, job, GROUP.chat_id)
    bot.says("A draft of Anna's.", where=GROUP)
    bot.says("/jobs", where=GROUP)
    before = {row.key: row.wanted for row in bot.messages(GROUP)}
    unders = [row.message_id for row in bot.messages(GROUP)]
    assert len(unders) == 3
    for under in unders:
        assert under is not None
        bot.presses_data(f"settings:{BO.id}:", under=under, by=BO, where=GROUP)
        assert "本聊天的设置" in bot.sees(GROUP)  # as a message of its own
    after = {row.key: row.wanted for row in bot.messages(GROUP)}
    assert before.items() <= after.items() and len(after) == len(before) + 3


def test_not_even_under_their_own_card_or_result(bot: Bot) -> None:
    job = bot.makes(state=State.DONE)
    under = result(bot, job)
    bot.presses_data(f"jobs:{ANNA.id}:0", under=under)
    assert bot.content(f"result:{job}:0").kind == "video"
