"""The whole daemon with its bot, against a Bot API server, as people use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from daemon import demo
from daemon.jobs import State
from pipeline.probe import inspect
from pipeline.spec import Settings
from tests.daemon.daemon_kit import LONG, Daemon
from tests.handlers.telegram.botapi import BotApi, Message, Person
from tests.handlers.telegram.whole import LATE_S, SOON_S, button, from_bot, newest, videos, whole, with_button

MEDIUM = "Good morning. Here is the news."
ANSWER_S = 1.0  # to the first answer to nearly anything, while a job runs


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.clip(tmp_path_factory.mktemp("album"), (180, 320), 4)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[tuple[BotApi, Daemon]]:
    """One for all tests that leave it running."""
    with whole(tmp_path_factory.mktemp("desk"), clip) as (api, desk), desk.daemon() as daemon:
        yield api, daemon
        said = desk.said()
    assert api.token not in said and api.token.partition(":")[2] not in said
    for file in desk.config.data_dir.rglob("*"):
        if file.is_file():
            assert api.token.encode() not in file.read_bytes(), file


def started(person: Person, clip: Path, script: str = "Hello.") -> Message:
    """A job of this person is under way. Returns its message."""
    person.send_video(clip, script)
    card = person.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)
    person.press(card, button(card, "d.start:"))
    return person.chat.wait_for(lambda m: with_button(m, "cancel:"), SOON_S)


def test_a_script_and_a_clip_become_a_video(running: tuple[BotApi, Daemon], clip: Path) -> None:
    api, _ = running
    anna = api.person(2, "Anna", language_code="zh-hans")
    sent = anna.send_video(clip, "大家好。今天的新闻。")
    card = anna.chat.wait_for(lambda m: next((x for x in from_bot(m) if x.kind == "photo"), None), SOON_S)
    assert (
        "新视频" in card.caption
        and "今天的新闻" in card.caption
        and card.media
        and card.media.file.size > 3000
    )
    anna.press(card, "▶ 开始")
    video = anna.chat.wait_for(lambda m: next(iter(videos(m)), None), LATE_S)
    media = video.media
    assert video.reply_to == sent.id and media is not None
    assert (media.width, media.height, media.supports_streaming) == (180, 320, True)
    assert media.thumbnail is not None and media.cover is not None and media.duration
    facts = inspect(video.path or Path(), Settings())  # it arrived whole
    assert abs(facts.duration_s - media.duration) < 1
    told = anna.chat.wait_for(lambda m: next((x for x in m if "完成" in x.words), None), SOON_S)
    assert not told.buttons and told.reply_to == sent.id


def test_every_button_of_a_card(running: tuple[BotApi, Daemon], clip: Path) -> None:
    api, _ = running
    bea = api.person(3, "Bea")
    bea.send_video(clip, "Good morning, everybody.")

    def card() -> Message:
        return bea.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)

    def choose(kind: str, choice: str) -> None:
        bea.press(card(), button(card(), f"d.pick:{id_}:{kind}"))
        listed = bea.chat.wait_for(
            lambda m: m if any(choice in b.text for x in from_bot(m) for r in x.buttons for b in r) else None
        )
        found = next(x for x in listed if any(choice in b.text for r in x.buttons for b in r))
        data = next(b.data for r in found.buttons for b in r if choice in b.text)
        bea.press(found, data)
        bea.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)

    id_ = button(card(), "d.start:").split(":")[1]
    # From then on it is known what there is to choose from.
    bea.chat.wait_for(lambda m: next((x for x in from_bot(m) if x.kind == "photo"), None), SOON_S)
    choose("subtitles", "karaoke")
    choose("music", "calm")
    bea.press(card(), button(card(), f"d.ask:{id_}:title"))
    bea.send_text("Three stories")
    bea.chat.wait_for(
        lambda m: next((x for x in from_bot(m) if "Three stories" in x.words and x.kind == "photo"), None),
        SOON_S,
    )
    for what in ("voice", "music"):
        bea.press(card(), button(card(), f"d.listen:{id_}:{what}"))
    bea.chat.wait_for(lambda m: len([x for x in from_bot(m) if x.kind in ("audio", "voice")]) == 2, SOON_S)
    assert "karaoke" in card().caption and "calm" in card().caption
    bea.press(card(), button(card(), "d.drop:"))
    bea.chat.wait_for(lambda m: with_button(m, "d.start:") is None, SOON_S)


@pytest.mark.slow
def test_every_button_of_a_result(running: tuple[BotApi, Daemon], clip: Path) -> None:
    api, _ = running
    cid = api.person(4, "Cid")
    started(cid, clip, MEDIUM)
    video = cid.chat.wait_for(lambda m: next(iter(videos(m)), None), LATE_S)
    assert cid.press(video, "📤 Publish now").show_alert and cid.press(video, "🗓 Schedule…").show_alert
    ida = api.person(9, "Ida")
    before = started(ida, clip, 5 * LONG)  # the next one waits in line, however quick this machine is
    cid.press(video, "🔁 Again with…")
    card = cid.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)
    cid.press(card, button(card, "d.start:"))
    under_way = cid.chat.wait_for(lambda m: with_button(m, "cancel:"), SOON_S)
    cid.press(under_way, button(under_way, "cancel:"))
    cancelled = cid.chat.wait_for(lambda m: with_button(m, "retry:"), SOON_S)
    cid.press(cancelled, button(cancelled, "retry:"))
    ida.press(before, button(before, "cancel:"))
    cid.chat.wait_for(lambda m: len(videos(m)) == 2, LATE_S)
    cid.press(video, "📎 Files")
    cid.chat.wait_for(
        lambda m: (
            {"srt", "vtt", "jpg", "m4a"}
            <= {x.media.file.name.rpartition(".")[2] for x in from_bot(m) if x.media}
        ),
        SOON_S,
    )
    cid.command("/jobs")
    cid.chat.wait_for(lambda m: with_button(m, "job:"), SOON_S)


def _after(message: Message, there: list[Message]) -> bool:
    return any(m.id > message.id and m.from_bot for m in there)


def test_answers_come_within_a_second_while_a_job_runs(running: tuple[BotApi, Daemon], clip: Path) -> None:
    api, daemon = running
    dan, eve = api.person(5, "Dan"), api.person(6, "Eve")
    under_way = started(dan, clip, 5 * LONG)
    job_id = newest(daemon.desk)
    daemon.until_stage(job_id, "lipsync")
    said = [eve.command(c) for c in ("/help", "/queue", "/jobs", "/settings", "/voices", "/music")]
    for message in said:
        eve.chat.wait_for(partial(_after, message), SOON_S)
    eve.send_text("Good morning.")
    eve.chat.wait_for(lambda m: with_button(m, "d."), SOON_S)
    assert daemon.desk.row(job_id).state == State.RUNNING
    assert median(api.calls.first_answer_after(m) for m in said) < ANSWER_S
    assert max(api.calls.first_answer_after(m) for m in said) < 5 * ANSWER_S  # the machine may hold one up
    dan.press(under_way, button(under_way, "cancel:"))
    dan.chat.wait_for(lambda m: with_button(m, "retry:"), SOON_S)
    assert api.calls.edits_per_minute(dan.chat) <= 20


def test_strangers_get_one_word_and_admins_decide(running: tuple[BotApi, Daemon], clip: Path) -> None:
    api, _ = running
    root, zoe = api.person(1, "Root"), api.person(77, "Zoe")
    root.command("/start")
    root.chat.wait_for(from_bot, SOON_S)
    zoe.send_text("Hello?")
    only = zoe.chat.wait_for(from_bot, SOON_S)
    zoe.send_video(clip, "Hello.")
    card = root.chat.wait_for(lambda m: with_button(m, "allow:"), SOON_S)
    assert "77" in only[0].text and "Zoe" in card.text
    root.press(card, button(card, "allow:"))
    zoe.chat.wait_for(lambda m: len(from_bot(m)) == 2, SOON_S)
    assert "cid" not in str(zoe.chat)


def test_somebody_pairs_with_a_code(running: tuple[BotApi, Daemon]) -> None:
    api, daemon = running
    told = daemon.desk.vigentd("telegram", "pair")
    code = re.search(r"/start (\S+)", told.stdout + told.stderr)
    assert told.returncode == 0 and code is not None, told
    yan = api.person(88, "Yan")
    yan.command(f"/start {code[1]}")
    yan.chat.wait_for(from_bot, SOON_S)
    yan.command("/health")
    yan.chat.wait_for(lambda m: len(from_bot(m)) == 2, SOON_S)
    assert daemon.desk.vigentd("telegram", "status").returncode == 0
