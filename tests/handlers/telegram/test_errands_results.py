"""Results on their way to a chat: the video, a copy that fits, its files; never one twice, never none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from daemon.chats import ChatMessage
from handlers.telegram.content import Rank
from handlers.telegram.errands import deliver
from handlers.telegram.house import FileLimits
from tests.handlers.telegram.errands_kit import Desk, died
from tests.handlers.telegram.errands_kit import desk as desk
from tests.handlers.telegram.errands_kit import desk_with as desk_with
from tests.handlers.telegram.talking import read
from tests.media_kit import QUICK, ffmpeg

HERE = {"chat_id": 11, "language": "en", "thread_id": None, "reply_to": 9}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with its companions."""
    video = tmp_path_factory.mktemp("results") / "result.mp4"
    noise = "testsrc2=s=180x320:r=25:d=2,noise=alls=30:allf=t"
    ffmpeg("-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", "sine=300:d=2", *QUICK, "-crf", "20", video)
    Image.new("RGB", (180, 320), "red").save(video.with_suffix(".jpg"))
    video.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n")
    video.with_suffix(".vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nGood morning.\n")
    return video


def job_of(desk: Desk, made: Path) -> tuple[str, Path]:
    """A finished job, and where its result lies."""
    folder = desk.folder / "results"
    folder.mkdir(exist_ok=True)
    for file in made.parent.iterdir():
        shutil.copyfile(file, folder / file.name)
    row = desk.finished_job(folder / made.name)
    desk.wants(f"deliver:{row.id}:0", "deliver", job=row.id, run=0)
    return row.id, folder / made.name


def message(desk: Desk, job: str) -> ChatMessage:
    row = desk.message(f"result:{job}:0")
    assert row is not None, "nothing was told"
    return row


def test_a_video_comes_with_all_that_a_client_wants(desk: Desk, made: Path) -> None:
    job, video = job_of(desk, made)
    desk.runs()
    row, content = message(desk, job), desk.content(f"result:{job}:0")
    assert (row.rank, row.reply_to, row.repeatable) == (Rank.RESULT, 5, False)
    assert (content.kind, content.file) == ("video", video)
    facts = content.facts
    assert (facts["duration"], facts["width"], facts["height"]) == (2, 180, 320)
    assert facts["cover"] == str(video.with_suffix(".jpg"))
    with Image.open(facts["thumbnail"]) as small:
        assert small.size == (180, 320)
    assert "Good/morning" in content.text and desk.chat.errands() == []


def test_begun_twice_it_is_one_message(desk: Desk, made: Path) -> None:
    """SIGKILL right after the transaction, or an errand that is wanted by mistake."""
    job, _ = job_of(desk, made)
    desk.runs()
    before = message(desk, job)
    desk.wants(f"deliver:{job}:0", "deliver", job=job, run=0)
    desk.runs()
    after = message(desk, job)
    assert (after.number, after.version) == (before.number, before.version)
    assert len(desk.chat.messages()) == 1 and desk.lobby.asked.count("result:facts") == 1


def test_what_is_too_large_is_told_at_once_and_sent_as_a_copy(
    desk_with: Callable[..., Desk], made: Path
) -> None:
    limit = made.stat().st_size // 2
    desk = desk_with(limits=FileLimits(upload=limit))
    job, video = job_of(desk, made)
    waiting: list[str] = []

    def told() -> bool:
        row = desk.message(f"fitting:{job}:0")
        if row is not None and row.wanted is not None:
            waiting.append(read(row))
        return bool(waiting) and desk.is_quiet()

    desk.runs(until=told)
    assert "smaller copy is being made" in waiting[0] and str(video) in waiting[0]
    content = desk.content(f"result:{job}:0")
    assert content.kind == "video" and content.file is not None and content.file != video
    assert content.file.stat().st_size < limit and str(video) in content.text
    assert not message(desk, job).repeatable
    gone = desk.message(f"fitting:{job}:0")
    assert gone is not None and gone.wanted is None, "it is not being made any more"


def test_what_cannot_fit_is_told_where_it_lies(desk_with: Callable[..., Desk], made: Path) -> None:
    desk = desk_with(limits=FileLimits(upload=5_000))
    job, video = job_of(desk, made)
    desk.runs()
    content = desk.content(f"result:{job}:0")
    assert (content.kind, content.file) == ("text", None) and str(video) in content.text
    assert content.buttons and message(desk, job).repeatable


def test_a_result_that_is_gone_is_no_secret(desk: Desk, made: Path) -> None:
    job, video = job_of(desk, made)
    video.unlink()
    desk.runs()
    assert "not at its place any more" in desk.content(f"result:{job}:0").text
    assert desk.chat.errands() == []


def test_a_door_that_dies_over_it_loses_no_result(desk: Desk, made: Path) -> None:
    job, video = job_of(desk, made)
    desk.lobby.fails["result:facts"] = died(9)

    def time_goes_by() -> bool:
        if any(e.due_at for e in desk.left()):
            desk.chat.passes(61)
            assert desk.errands is not None
            desk.errands.nudge()
        return desk.message(f"result:{job}:0") is not None

    desk.runs(until=time_goes_by)
    content = desk.content(f"result:{job}:0")
    assert content.kind == "text" and str(video) in content.text
    assert len(desk.lobby.fails["result:facts"]) == 6


def test_a_fault_of_ours_loses_no_result(desk: Desk, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, video = job_of(desk, made)

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(deliver, "content_of", broken)
    desk.runs()
    assert str(video) in desk.content(f"result:{job}:0").text and desk.logged("telegram_errand_failed")


def test_the_files_of_a_result(desk: Desk, made: Path) -> None:
    job, video = job_of(desk, made)
    video.with_suffix(".vtt").unlink()
    for _ in range(2):  # the same update, handled and begun again
        desk.wants(f"files:{job}", "files", job=job, update_id=77, **HERE)
        desk.runs()
    keys = {which: f"file:{job}:77:{which}" for which in ("srt", "vtt", "cover", "audio")}
    assert desk.message(keys.pop("vtt")) is None, "what is not there is not sent"
    shown = {which: desk.content(key) for which, key in keys.items()}
    assert {which: content.kind for which, content in shown.items()} == {
        "srt": "document",
        "cover": "document",
        "audio": "audio",
    }
    assert {content.name for content in shown.values()} == {
        "Good morning.srt",
        "Good morning.jpg",
        "Good morning.m4a",
    }
    for key in keys.values():
        row = desk.message(key)
        assert row is not None and not row.repeatable and row.version == 1
    assert all(content.file is not None and content.file.is_file() for content in shown.values())


def test_one_file_alone(desk: Desk, made: Path) -> None:
    job, _ = job_of(desk, made)
    desk.wants(f"files:{job}", "files", job=job, update_id=78, **HERE, which=["srt"])
    desk.runs()
    assert desk.message(f"file:{job}:78:srt") is not None
    assert desk.message(f"file:{job}:78:cover") is None and "result:audio" not in desk.lobby.asked


def test_files_of_a_result_that_is_gone(desk: Desk, made: Path) -> None:
    job, video = job_of(desk, made)
    for file in video.parent.iterdir():
        file.unlink()
    desk.wants(f"files:{job}", "files", job=job, update_id=79, **HERE)
    desk.runs()
    assert "not at its place any more" in desk.chat.sees_all()
