"""What the chats are told of their jobs: from the place in line to the end, each end once."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.queue import Claim
from handlers.telegram.content import Content, Rank
from handlers.telegram.report import amounts, naming
from handlers.telegram.report.arrival import arrived
from handlers.telegram.report.publications import Publications
from handlers.telegram.report.reporter import Reporter
from handlers.telegram.report.result import may_go_well, result_content
from handlers.telegram.texts import catalogue
from models.errors import BadInput, StageFailed
from pipeline.progress import Snapshot
from pipeline.spec import JobSpec
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA, PRIVATE, buttons


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    made = Bot(tmp_path)
    yield made
    made.close()


class Told:
    """The reporter without its loop. why: for which the line waits."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.why = ""

    def looks(self) -> bool:
        reporter = Reporter.__new__(Reporter)
        reporter._house, reporter._why = self.bot.house, lambda: self.why
        reporter._publications = Publications(self.bot.house)
        found = reporter.look()
        self.bot.passes(3)
        return found

    def progress(self, job_id: str, run: int = 0) -> Content:
        return self.bot.content(f"progress:{job_id}:{run}")


@pytest.fixture
def told(bot: Bot) -> Told:
    return Told(bot)


def claim(bot: Bot) -> Claim:
    claimed = bot.queue.claim("test")
    assert claimed is not None
    return claimed


def at(bot: Bot, work: Claim, stage: str, fraction: float, eta_s: float | None) -> None:
    bot.queue.progress(work, Snapshot(stage, fraction, fraction, eta_s, 1))


def verbs(content: Content) -> list[str]:
    return [button.data.partition(":")[0] for row in content.buttons for button in row]


def test_one_message_tells_the_place_the_stage_and_the_end(bot: Bot, told: Told) -> None:
    first, second = bot.makes("Good morning."), bot.makes("Good evening.")
    assert told.looks()
    assert "Number 1" in told.progress(first).text and "Number 2" in told.progress(second).text
    assert verbs(told.progress(first)) == ["cancel"]
    work = claim(bot)
    at(bot, work, "lipsync", 0.42, 33.0)
    assert told.looks()
    running = told.progress(first).text
    assert "42%" in running and "▰▰▰▰▱" in running and "moving the lips" in running and "35 s left" in running
    assert "Number 1" in told.progress(second).text  # it has moved up
    assert not told.looks()  # nothing is new
    bot.queue.finish(work, Path("/results/a.mp4"))
    assert told.looks() and not told.looks()
    assert f"deliver:{first}:0" in bot.errands() and "on its way" in told.progress(first).text
    with bot.ledger.turn() as turn:
        arrived(turn, f"result:{first}:0")
    assert "Done in" in told.progress(first).text and not told.progress(first).buttons


def test_a_failure_is_a_message_of_its_own_that_says_what_to_do(bot: Bot, told: Told) -> None:
    job_id = bot.makes("Good morning.")
    bot.queue.fail(claim(bot), BadInput("There is no face", code="no_face", hint="Use `vigentd submit`."))
    told.looks()
    failure = bot.content(f"failure:{job_id}:0")
    assert "looks into the camera" in failure.text and "vigentd submit" not in failure.text
    assert [row.key for row in bot.messages()] == [f"failure:{job_id}:0"], "what told how far it was is gone"
    assert bot.messages()[-1].rank == Rank.RESULT
    with bot.ledger.look() as turn:
        link = turn.jobs.get(job_id)
    assert link is not None and bot.messages()[-1].reply_to == link.reply_to


@pytest.mark.parametrize(
    ("code", "buttons"),
    [("no_face", ["again"]), ("clip_unreadable", ["again"]), ("option_invalid", ["again"]),
     ("clip_changed", ["retry", "again"]), ("worker_died", ["retry", "again"]),
     ("made_tomorrow", ["retry", "again"])],
)  # fmt: skip
def test_retry_is_offered_where_it_can_help(bot: Bot, told: Told, code: str, buttons: list[str]) -> None:
    job_id = bot.makes("Good morning.")
    bot.queue.fail(claim(bot), BadInput("It failed", code=code))
    told.looks()
    assert verbs(bot.content(f"failure:{job_id}:0")) == buttons


@pytest.mark.parametrize("key", [key for key in catalogue() if key.startswith("error.")])
def test_words_that_say_retry_have_the_button(key: str) -> None:
    """But for what is said of other things than jobs, nothing asks for a button that is not there."""
    if "Press Retry" in catalogue()[key]["en"]:
        assert may_go_well(key.removeprefix("error."))


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_what_was_retried_loses_its_buttons(bot: Bot, told: Told, how: str) -> None:
    """Also when it has ended once more before anybody looked."""
    job_id = bot.makes("Good morning.")
    for run in range(3):
        if how == "failed":
            bot.queue.fail(claim(bot), StageFailed("It died", code="worker_died"))
        else:
            bot.queue.cancel(job_id)
        told.looks()
        with_buttons = [row.key for row in bot.messages() if buttons(row)]
        assert with_buttons == [f"{'failure' if how == 'failed' else 'progress'}:{job_id}:{run}"]
        bot.queue.retry(job_id)
        if run == 0:
            told.looks()
            assert [row.key for row in bot.messages() if buttons(row)] == [f"progress:{job_id}:1"]


def test_what_is_retried_anywhere_is_told_anew(bot: Bot, told: Told) -> None:
    job_id = bot.makes("Good morning.")
    bot.queue.cancel(job_id)
    told.looks()
    assert verbs(told.progress(job_id)) == ["retry"]
    bot.queue.retry(job_id)
    told.looks()
    assert "Number 1" in told.progress(job_id, 1).text and "Cancelled" in told.progress(job_id, 0).text
    bot.queue.finish(claim(bot), Path("/results/a.mp4"))
    told.looks()
    assert f"deliver:{job_id}:1" in bot.errands()


def test_an_end_and_a_new_beginning_between_two_looks(bot: Bot, told: Told) -> None:
    """Cancelled and retried before anybody looked: it is under way, and its end will be told."""
    job_id = bot.makes("Good morning.")
    told.looks()
    bot.queue.cancel(job_id)
    bot.queue.retry(job_id)
    told.looks()
    assert "Number 1" in told.progress(job_id).text
    bot.queue.finish(claim(bot), Path("/results/a.mp4"))
    told.looks()
    assert f"deliver:{job_id}:0" in bot.errands()


def test_why_the_line_waits_is_told_to_the_first(bot: Bot, told: Told) -> None:
    first, second = bot.makes("Good morning."), bot.makes("Good evening.")
    told.why = "The disk is nearly full"
    told.looks()
    assert "nearly full" in told.progress(first).text and "nearly full" not in told.progress(second).text


def test_jobs_of_other_doors_are_not_told(bot: Bot, told: Told) -> None:
    bot.queue.submit(JobSpec(script="Hello.", clip=Path("/clip.mp4")))
    assert not told.looks() and bot.messages(PRIVATE) == []


def test_it_answers_to_the_persons_own_message(bot: Bot, told: Told) -> None:
    job_id = bot.makes("Good morning.")
    told.looks()
    with bot.ledger.look() as turn:
        link, row = turn.jobs.get(job_id), turn.messages.of_key(f"progress:{job_id}:0")
    assert link is not None and row is not None and row.reply_to == link.reply_to and row.chat_id == ANNA.id


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [(0.2, "1 s", "1 秒"), (7, "7 s", "7 秒"), (12, "15 s", "15 秒"), (58, "60 s", "60 秒"),
     (61, "1 min 30 s", "1 分 30 秒"), (601, "11 min", "11 分钟"), (4000, "1 h 7 min", "1 小时 7 分")],
)  # fmt: skip
def test_time_left_is_coarse(seconds: float, en: str, zh: str) -> None:
    assert (amounts.time_left("en", seconds), amounts.time_left("zh", seconds)) == (en, zh)


@pytest.mark.parametrize(
    ("bytes_", "told"),
    [
        (0, "1 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (20_000_000, "20 MB"),
        (31_400_000, "31.4 MB"),
        (99_960_000, "100 MB"),
        (123_456_789, "123 MB"),
        (999_600_000, "1 GB"),
        (72_800_000_000, "72.8 GB"),
    ],
)
def test_sizes(bytes_: int, told: str) -> None:
    assert amounts.size(bytes_) == told


def test_lengths() -> None:
    assert [amounts.length(s) for s in (7, 61, 3723)] == ["0:07", "1:01", "1:02:03"]


@pytest.mark.parametrize(
    ("label", "name"),
    [("Good morning", "Good morning"), ("../../etc/passwd", "etc passwd"), ("a\nb: c?", "a b c"),
     ("早上好。" * 30, "早上好。" * 15), ("How it begins…", "How it begins"), ("\u202e ...", "\ufffd"),
     ("???", "video")],
)  # fmt: skip
def test_files_are_called_as_the_job_is_called(label: str, name: str) -> None:
    assert naming.stem(label) == name


def test_a_recording_is_not_called_by_the_id_of_its_file(bot: Bot) -> None:
    spec = JobSpec(speech=Path("/files/0tsxn0yt.ogg"), clip=Path("/clip.mp4"))
    job = bot.queue.submit_once(spec, key="a", label=naming.label("zh", spec))[0]
    assert bot.row(job.id).label == "您的录音" and naming.label("en", spec) == "Your recording"
    titled = spec.model_copy(update={"title": "News"})
    assert bot.queue.submit_once(titled, key="b", label=naming.label("zh", titled))[0].label == "News"
    assert bot.queue.submit_once(spec, key="a", label="other")[0].label == "您的录音"


@pytest.mark.parametrize("letter", ["x", "&", "😀"])
def test_a_caption_fits_whatever_the_label_and_the_path(bot: Bot, letter: str) -> None:
    job_id = bot.makes("Good morning.")
    bot.queue.finish(claim(bot), Path("/", *[letter * 50] * 18, "the end.mp4"))
    row = bot.row(job_id)
    row.label = letter * 1000
    with bot.ledger.look() as turn:
        link = turn.jobs.get(job_id)
    assert link is not None
    copy = bot.house.places.root / "copy.mp4"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(b"video")
    facts = {"seconds": 7, "width": 640, "height": 360, "size": 72_800_000_000}
    content = result_content(link, row, facts, copy, None, 50_000_000)
    words = html.unescape(re.sub(r"<[^>]+>", "", content.text))
    assert 800 < len(words.encode("utf-16-le")) / 2 <= 1024 and words.endswith("/the end.mp4")
    assert "50 MB" in words and "72.8 GB" in words
    assert content.name == letter * 60 + ".mp4" and row.id not in content.name


def test_every_state_of_a_job_has_words(bot: Bot, told: Told) -> None:
    from pipeline.stages import STAGES

    assert {f"stage.{stage.name}" for stage in STAGES} <= set(catalogue())
