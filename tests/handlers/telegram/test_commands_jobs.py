"""/jobs, /queue, /cancel, /retry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.jobs import State
from tests.handlers.telegram.commanding import HOME, OFFICE, Bot
from tests.handlers.telegram.talking import ANNA, BO, GROUP, ROOT


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.close()


# ---------------------------------------------------------------- /jobs


def test_jobs_newest_first_five_a_page(bot: Bot) -> None:
    bot.says("/jobs")
    assert "no videos here yet" in bot.sees()
    for n in range(1, 13):
        bot.makes(f"Video {n}", state=State.DONE)
    bot.makes("Of Bo", by=BO)
    bot.says("/jobs")
    assert "1. ✅ Video 12 · done" in bot.sees() and "5. ✅ Video 8" in bot.sees()
    assert "Of Bo" not in bot.sees() and "(1/3)" in bot.sees()
    assert bot.labels() == ["1", "2", "3", "4", "5", "▶"]
    bot.taps("▶")
    bot.taps("▶")
    assert "11. ✅ Video 2" in bot.sees() and "12. ✅ Video 1" in bot.sees()
    assert bot.labels() == ["11", "12", "◀"]
    bot.taps("◀")
    assert "6. ✅ Video 7" in bot.sees()


def test_each_job_opens_with_what_can_be_done_about_it(bot: Bot) -> None:
    can = {
        State.FAILED: ["🔁 Again with…", "◀ All videos"],
        State.CANCELLED: ["🔄 Retry", "🔁 Again with…", "◀ All videos"],
        State.DONE: ["📤 Publish now", "🗓 Schedule…", "🔁 Again with…", "📎 Files", "◀ All videos"],
        State.QUEUED: ["✕ Cancel", "◀ All videos"],
    }
    for state, labels in can.items():
        job = bot.makes(f"It {state}", state=state)
        bot.says("/jobs")
        bot.taps("1")
        assert bot.labels() == labels and f"It {state}" in bot.sees() and job in bot.sees()
    bot.taps("All videos")
    assert "Videos of this chat" in bot.sees()
    assert all(icon in bot.sees() for icon in "⏳✅❌⏹") and "number 1 in line" in bot.sees()


def test_a_running_job_in_the_list(bot: Bot) -> None:
    job = bot.makes()
    claim = bot.queue.claim("tests")
    assert claim is not None
    bot.says("/jobs")
    assert "▶️ Good morning. · 0%" in bot.sees()
    bot.says(f"/cancel {job}")
    bot.says("/jobs")
    assert "being stopped" in bot.sees()


def test_a_result_that_is_not_kept_any_more(bot: Bot) -> None:
    job = bot.makes(state=State.DONE)
    bot.queue.expire(job, "The video was removed")
    bot.says("/jobs")
    bot.taps("1")
    assert "not kept any more" in bot.sees() and bot.labels() == ["🔁 Again with…", "◀ All videos"]


def test_in_a_group_the_pages_belong_to_whoever_asked(bot: Bot) -> None:
    for n in range(7):
        bot.makes(f"Video {n}", where=GROUP)
    bot.says("/jobs", where=GROUP)
    before = bot.sees(GROUP)
    assert "只有发起的人" in bot.taps("▶", by=BO, where=GROUP)
    assert "只有发起的人" in bot.taps("1", by=BO, where=GROUP)
    assert bot.sees(GROUP) == before
    bot.taps("1", by=ROOT, where=GROUP)
    assert "✕ Cancel" in bot.labels(GROUP)


def test_a_button_that_was_never_ours(bot: Bot) -> None:
    bot.makes()
    for n, page in enumerate(("x", "99999999999999999999", "-3", ""), 1):
        bot.presses_data(f"jobs:11:{page}", under=1)
        assert bot.sees_all().count("Good morning.") == n, page


# ---------------------------------------------------------------- /queue


def test_the_queue_shows_own_jobs_and_counts_the_others(bot: Bot) -> None:
    bot.says("/queue")
    assert bot.sees() == "Nothing is being made, and nothing waits."
    bot.makes("Of Bo, one", by=BO)
    bot.queue.claim("tests")
    bot.makes("Of Bo, two", by=BO)
    bot.makes("Mine")
    bot.says("/queue")
    assert "1 being made, 2 waiting" in bot.sees()
    assert "1. ⏳ Mine · number 2 in line · since 2026-11-2" in bot.sees()
    assert "… and 2 more" in bot.sees() and "Of Bo" not in bot.sees()
    bot.taps("1")
    assert "✕ Cancel" in bot.labels()


def test_admins_see_the_whole_queue(bot: Bot) -> None:
    bot.makes("Of Bo", by=BO)
    bot.queue.submit(bot.queue.claim("tests").spec, source="cli")  # type: ignore[union-attr]
    bot.says("/queue", by=ROOT)
    assert "1. ▶️ Of Bo · 0%" in bot.sees(OFFICE) and "2. ⏳" in bot.sees(OFFICE)
    assert bot.labels(OFFICE) == ["1"]  # a job of the command line has no card


def test_in_a_group_nobody_is_told_what_is_made_in_private(bot: Bot) -> None:
    bot.makes("Anna's secret")
    bot.makes("Root's secret", by=ROOT)
    bot.makes("News", where=GROUP)
    for who, names in ((ANNA, True), (ROOT, False)):
        bot.says("/queue", by=who, where=GROUP)
        assert "3 waiting" in bot.sees(GROUP) and "secret" not in bot.sees(GROUP)
        assert ("News" in bot.sees(GROUP)) is names


# ---------------------------------------------------------------- /cancel


def test_cancel_the_only_one(bot: Bot) -> None:
    bot.says("/cancel")
    assert "Nothing of yours" in bot.sees()
    job = bot.makes()
    bot.makes("Of Bo", by=BO)
    bot.says("/cancel")
    assert bot.sees() == "It is cancelled." and bot.row(job).state == State.CANCELLED
    assert bot.changed == [job]


def test_cancel_asks_which(bot: Bot) -> None:
    jobs = [bot.makes(f"Video {n}") for n in range(3)]
    bot.says("/cancel")
    assert bot.labels() == ["Video 2", "Video 1", "Video 0"]
    assert bot.taps("Video 1") == "It is cancelled."
    assert [bot.row(job).state for job in jobs] == ["queued", "cancelled", "queued"]
    assert "Cancelled" in bot.sees() and "🔄 Retry" in bot.labels()


def test_in_a_group_everybody_means_their_own(bot: Bot) -> None:
    cancelled, failed = bot.makes(where=GROUP), bot.makes(where=GROUP, state=State.FAILED)
    for command in ("cancel", "retry", "publish"):
        bot.says(f"/{command}", by=BO, where=GROUP)
        assert "您" in bot.sees(GROUP)
    assert (bot.row(cancelled).state, bot.row(failed).state) == (State.QUEUED, State.FAILED)
    bot.says("/cancel", by=ROOT, where=GROUP)
    assert bot.row(cancelled).state == State.CANCELLED


def test_cancel_by_id(bot: Bot) -> None:
    mine, his = bot.makes("Mine"), bot.makes("His", by=BO)
    bot.says(f"/cancel {his}")
    assert "no such job" in bot.sees() and bot.row(his).state == State.QUEUED
    bot.says(f"/cancel {mine.upper()}")
    assert bot.row(mine).state == State.CANCELLED
    bot.says(f"/cancel {mine}")
    assert "has ended already" in bot.sees()
    bot.says(f"/cancel {his}", by=ROOT)
    assert bot.row(his).state == State.CANCELLED
    bot.says("/cancel ☃")
    assert "no such job" in bot.sees()


def test_cancel_answers_a_question_and_no_job_is_touched(bot: Bot) -> None:
    job = bot.makes()
    bot.sends_clip()
    bot.says("/presenters")
    bot.taps("Save the last clip")
    bot.says("/cancel")
    assert "forget the question" in bot.sees() and bot.row(job).state == State.QUEUED
    bot.says("/cancel")
    assert bot.row(job).state == State.CANCELLED


# ---------------------------------------------------------------- /retry


def test_retry_the_newest_that_failed(bot: Bot) -> None:
    bot.says("/retry")
    assert "Nothing of yours has failed" in bot.sees()
    older, newer = bot.makes("A", state=State.CANCELLED), bot.makes("B", state=State.FAILED)
    bot.makes("C", state=State.DONE)
    bot.makes("His", by=BO, state=State.FAILED)
    bot.says("/retry")
    assert bot.sees() == "It is in the queue again." and bot.row(newer).state == State.QUEUED
    bot.says("/retry")
    assert bot.row(older).state == State.QUEUED
    assert bot.changed == [newer, older]


def test_retry_by_id_says_why_not(bot: Bot) -> None:
    done, his = bot.makes(state=State.DONE), bot.makes(by=BO, state=State.FAILED)
    bot.says(f"/retry {done}")
    assert "made already" in bot.sees()
    bot.says(f"/retry {his}")
    assert "no such job" in bot.sees() and bot.row(his).state == State.FAILED
    bot.says(f"/retry {his}", by=BO)
    assert bot.sees(HOME) == "已重新排队。"
