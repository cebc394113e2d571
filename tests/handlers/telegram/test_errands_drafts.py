"""What becomes of a draft: its files are fetched, it is looked at and drawn, whatever breaks off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from daemon.chats import Draft, FileState
from daemon.engines.roster import EngineAway
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.errands.runner import Errands
from handlers.telegram.errands.work import UntilStopped
from handlers.telegram.house import FileLimits
from handlers.telegram.incoming import Attachment
from handlers.telegram.line import build
from models.errors import Unavailable
from models.progress import Progress
from tests.face_kit import portrait
from tests.handlers.telegram.botapi import BotApi, Fault
from tests.handlers.telegram.errands_kit import Desk, died
from tests.handlers.telegram.errands_kit import desk as desk
from tests.handlers.telegram.errands_kit import desk_with as desk_with
from tests.handlers.telegram.talking import video


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


def said(desk: Desk, clip: Path | None, sent: Attachment | None = None) -> Draft:
    """Anna sends a clip with its script. clip: what is here of it already."""
    desk.chat.says("Good morning. This is the news.", attached=sent or video("holiday.mov"))
    draft = draft_of(desk)
    if clip is not None:
        desk.has(clip_of(draft), clip)
    return draft


def draft_of(desk: Desk) -> Draft:
    with desk.chat.ledger.look() as turn:
        draft = turn.drafts.latest(11)
    assert draft is not None
    return draft


def clip_of(draft: Draft) -> str:
    name = Contents.from_json(draft.contents).clip
    assert name is not None
    return name


def found(desk: Desk) -> Findings:
    draft = draft_of(desk)
    assert draft.findings is not None, "nobody looked at it"
    findings = Findings.from_json(draft.findings)
    assert findings.version == draft.version
    return findings


def test_a_draft_is_looked_at_and_drawn(desk: Desk, clip: Path) -> None:
    draft = said(desk, clip)
    desk.runs()
    findings = found(desk)
    assert findings.spec is not None and findings.clip["width"] == 180 and findings.error is None
    card = desk.content(f"card:{draft.id}")
    assert card.kind == "photo" and card.file is not None and card.file.is_file()
    assert card.file == desk.chat.house.places.preview(draft.id, draft.version)
    assert desk.errands is not None and desk.errands.choices.engine == "espeak"
    assert desk.chat.errands() == []


def test_a_clip_that_is_none_is_told_once(desk: Desk, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing " * 40)
    said(desk, bad)
    desk.runs()
    error = found(desk).error
    assert error is not None and error["code"] == "clip_unreadable" and "holiday.mov" in error["message"]
    assert desk.lobby.asked.count("examine:examine") == 1 and "preview:preview" not in desk.lobby.asked


def test_what_is_still_on_its_way_is_waited_for(desk: Desk) -> None:
    said(desk, None)
    with desk.chat.ledger.turn() as turn:
        fetching = next(e for e in turn.errands.to_do() if e.kind == "fetch")
        turn.errands.done(fetching)
    desk.runs()
    assert draft_of(desk).findings is None and "examine:examine" not in desk.lobby.asked


def test_a_file_that_somebody_removed_is_fetched_again(desk: Desk, clip: Path) -> None:
    draft = said(desk, clip)
    desk.chat.house.places.file(desk.file(clip_of(draft))).unlink()
    desk.runs(bot=Away(), until=lambda: desk.file(clip_of(draft)).state == FileState.WANTED)
    assert f"fetch:{clip_of(draft)}" in desk.chat.errands()


class Away:
    """In place of a line that is dead."""

    token = "1:" + "a" * 40

    async def get_file(self, file_id: str) -> Any:
        raise Unavailable("Telegram cannot be reached", code="telegram_away")


def test_what_cannot_be_drawn_is_no_reason_to_stop(desk: Desk, clip: Path) -> None:
    draft = said(desk, clip)
    desk.lobby.fails["preview:preview"] = [Unavailable("No font", code="font_missing")]
    desk.runs()
    assert found(desk).spec is not None and desk.content(f"card:{draft.id}").kind == "text"
    assert desk.logged("telegram_no_preview") and desk.chat.errands() == []


# ---------------------------------------------------------------- what breaks off


def test_a_door_that_dies_is_asked_again(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    desk.lobby.fails["examine:examine"] = died(2)
    for _ in range(3):
        desk.runs()
        desk.chat.passes(61)
    # The deaths are counted in one life of the daemon; here each run is one.
    assert found(desk).spec is not None


def test_a_door_that_dies_thrice_is_given_up_with_words(desk: Desk, clip: Path) -> None:
    draft = said(desk, clip)
    desk.lobby.fails["examine:examine"] = died(9)
    nudged = 0

    def later() -> bool:
        nonlocal nudged
        if any(e.due_at for e in desk.left()) and nudged < 5:
            nudged += 1
            desk.chat.passes(61)
            assert desk.errands is not None
            desk.errands.nudge()
        return draft_of(desk).findings is not None

    desk.runs(until=later)
    error = found(desk).error
    assert error is not None and error["code"] == "process_died"
    assert len(desk.lobby.fails["examine:examine"]) == 6
    assert "❌" in desk.chat.sees() or "⚠" in desk.chat.sees() or "broke off" in desk.chat.sees(), draft.id


def test_a_door_that_is_away_is_waited_for(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    desk.lobby.fails["examine:examine"] = [EngineAway("The checking process is loading") for _ in range(4)]
    pauses = []
    for _ in range(4):
        desk.runs()
        (late,) = desk.logged("telegram_errand_later")[-1:]
        pauses.append(late["in_s"])
        desk.chat.passes(61)
    desk.runs()
    assert pauses == [2, 4, 8, 16] and found(desk).spec is not None


def test_what_the_machine_lacks_is_on_the_card(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    desk.lobby.fails["examine:examine"] = [Unavailable("Only 1 GB is free", code="disk_low")]
    desk.runs()
    error = found(desk).error
    assert error is not None and error["code"] == "disk_low" and desk.chat.errands() == []


def test_a_fault_of_ours_is_logged_and_told(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    desk.lobby.fails["examine:examine"] = [ValueError("a bug")]
    desk.runs()
    error = found(desk).error
    assert error is not None and error["code"] == "internal" and "a bug" not in desk.chat.sees()
    assert [facts["errand"] for facts in desk.logged("telegram_errand_failed")] == [
        f"examine:{draft_of(desk).id}"
    ]
    assert desk.chat.errands() == []


def test_an_errand_that_nobody_knows_is_put_away(desk: Desk) -> None:
    desk.wants("x", "of_a_newer_version")
    desk.runs()
    assert desk.chat.errands() == [] and desk.logged("telegram_errand_unknown")


def test_ended_in_the_middle_it_is_begun_again(desk: Desk, clip: Path) -> None:
    draft = said(desk, clip)
    held = desk.lobby.held["examine:examine"] = threading.Event()
    desk.runs(until=lambda: "examine:examine" in desk.lobby.asked)
    assert f"examine:{draft.id}" in desk.chat.errands() and draft_of(desk).findings is None
    still = [thread.name for thread in threading.enumerate() if thread.name.startswith("errand")]
    assert still == [], "nothing of it runs any more"
    held.set()
    desk.runs()
    assert found(desk).spec is not None and desk.chat.errands() == []


def test_it_ends_though_there_is_news_at_the_same_moment(desk: Desk) -> None:
    async def run() -> bool:
        errands = Errands(desk.chat.house, cast(Any, None), lambda: None, {})
        task = asyncio.create_task(errands.run())
        while "choices:choices" not in desk.lobby.asked or desk.left():
            await asyncio.sleep(0.01)
        errands.nudge()
        asyncio.get_running_loop().call_soon(task.cancel)
        done, _ = await asyncio.wait([task], timeout=5)
        task.cancel()
        return bool(done)

    assert asyncio.run(run())


def test_asked_again_while_it_is_done_it_is_done_again(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    held = desk.lobby.held["examine:examine"] = threading.Event()
    changed = False

    def meanwhile() -> bool:
        nonlocal changed
        if "examine:examine" in desk.lobby.asked and not changed:
            changed = True
            with desk.chat.ledger.turn() as turn:
                draft = turn.drafts.latest(11)
                assert draft is not None
                contents = Contents.from_json(draft.contents)
                turn.drafts.change(draft, contents.with_options(title="News"))
                turn.errands.add(f"examine:{draft.id}", "examine", draft=draft.id)
            assert desk.lobby.asked.count("examine:examine") == 1, "never two of one key"
            held.set()
        return changed and desk.is_quiet()

    desk.runs(until=meanwhile)
    spec = found(desk).spec
    assert spec is not None and spec["title"] == "News"
    assert desk.lobby.asked.count("examine:examine") == 2


def test_a_copy_that_takes_minutes_keeps_no_draft_waiting(desk: Desk, clip: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.mp4"
    result.write_bytes(clip.read_bytes())
    row = desk.finished_job(result)
    desk.lobby.held["fit:fit"] = threading.Event()
    desk.wants("fit:1", "fit", job=row.id, run=0)
    desk.wants("fit:2", "fit", job=row.id, run=1)
    said(desk, clip)
    desk.runs(until=lambda: draft_of(desk).findings is not None and "fit:fit" in desk.lobby.asked)
    assert found(desk).spec is not None and desk.lobby.asked.count("fit:fit") == 1, "one at a time"


# ---------------------------------------------------------------- fetching


class Line:
    """A line to a server of ours, opened within the loop that uses it."""

    def __init__(self, desk: Desk, api: BotApi) -> None:
        self._desk, self._api = desk, api

    def runs(self, until: Callable[[], bool] | None = None) -> None:
        async def run() -> None:
            settings = self._desk.chat.house.config.telegram
            told = {"base_url": self._api.base_url, "base_file_url": self._api.base_file_url}
            bot = build(settings.model_copy(update=told), self._api.token)
            try:
                await self._desk.running(bot, until)
            finally:
                await bot.hang_up()

        asyncio.run(run())
        self._desk.chat.deliver()


def sent(api: BotApi, clip: Path, **how: Any) -> Attachment:
    """What the bot would be told of a video that Anna sends."""
    message = api.person(11, "Anna").send_video(clip, **how)
    media = message.content.media
    assert media is not None
    return Attachment("video", media.file.id, "holiday.mov", "video/mp4", media.file.size, 1.2)


def test_a_file_is_fetched_and_then_looked_at(desk: Desk, clip: Path) -> None:
    with BotApi() as api:
        draft = said(desk, None, sent(api, clip))
        Line(desk, api).runs()
    file = desk.file(clip_of(draft))
    path = desk.chat.house.places.file(file)
    assert file.state == FileState.HERE and path.read_bytes() == clip.read_bytes()
    assert file.size == clip.stat().st_size and path.stat().st_mode & 0o777 == 0o600
    assert found(desk).spec is not None and desk.chat.errands() == []


def test_a_broken_connection_is_tried_again(desk: Desk, clip: Path) -> None:
    with BotApi() as api:
        draft = said(desk, None, sent(api, clip))
        api.faults.add(Fault("download", "drop_before"), Fault("getFile", "bad_gateway"))
        for _ in range(3):
            Line(desk, api).runs()
            desk.chat.passes(61)
    assert desk.file(clip_of(draft)).state == FileState.HERE and found(desk).spec is not None
    assert len(desk.logged("telegram_errand_later")) == 2
    assert not any(api.token in str(line) for line in desk.chat.log.lines)


def test_a_file_that_telegram_does_not_have_is_refused(desk: Desk, clip: Path) -> None:
    with BotApi() as api:
        draft = said(desk, None, Attachment("video", "never-sent", "holiday.mov", "video/mp4", 1000, 1.0))
        Line(desk, api).runs()
    file = desk.file(clip_of(draft))
    assert file.state == FileState.REFUSED and file.error is not None and file.error["code"] == "file_gone"
    assert desk.chat.errands() == [] and not any(desk.chat.house.places.root.glob("files/*"))


@pytest.mark.parametrize("told", [True, False])
def test_a_file_over_the_limit_is_refused_before_and_after(desk: Desk, clip: Path, told: bool) -> None:
    """told: Telegram says so. If it does not, what really comes is counted."""
    with BotApi() as api:
        draft = said(desk, None, sent(api, clip) if told else sent(api, clip, file_size=1000))
        object.__setattr__(desk.chat.house, "limits", FileLimits(download=clip.stat().st_size - 1))
        Line(desk, api).runs()
        assert bool(api.calls.of("getFile")) != told, "what is too large is not asked for"
    file = desk.file(clip_of(draft))
    assert file.state == FileState.REFUSED and file.error is not None
    assert file.error["code"] == "file_too_large"
    assert not any(desk.chat.house.places.root.glob("files/*"))


class Never:
    """A line to a server that never gives the file. code: what its errors are called."""

    def __init__(self, code: str) -> None:
        self.token, self.code = "1:" + "a" * 40, code

    async def place(self, file_id: str) -> Any:
        raise Unavailable("It is not to be had now", code=self.code)


def tries(desk: Desk, code: str, times: int) -> None:
    for _ in range(times):
        desk.runs(bot=Never(code))
        desk.chat.passes(61)


@pytest.mark.parametrize("code", ["file_elsewhere", "file_missing", "disk_full"])
def test_what_does_not_pass_by_itself_is_given_up_with_words(desk: Desk, code: str) -> None:
    draft = said(desk, None)
    tries(desk, code, 2)
    assert desk.file(clip_of(draft)).state == FileState.WANTED
    tries(desk, code, 1)
    assert desk.file(clip_of(draft)).state == FileState.REFUSED and "⚠" in desk.chat.sees()
    assert f"fetch:{clip_of(draft)}" not in desk.chat.errands() and "Start" not in desk.chat.sees()


def test_what_is_tried_on_and_on_says_why(desk: Desk, clip: Path) -> None:
    draft = said(desk, None)
    tries(desk, "telegram_away", 2)
    assert "has not come yet" not in desk.chat.sees()
    tries(desk, "telegram_away", 3)
    assert "has not come yet" in desk.chat.sees() and "could not be reached" in desk.chat.sees()
    assert f"fetch:{clip_of(draft)}" in desk.chat.errands()
    desk.has(clip_of(draft), clip)
    with desk.chat.ledger.turn() as turn:
        turn.errands.add(f"examine:{draft.id}", "examine", draft=draft.id)
    desk.runs(bot=Never("telegram_away"))
    assert "has not come yet" not in desk.chat.sees() and found(desk).spec is not None


def test_a_face_that_was_looked_for_is_not_looked_for_again(desk: Desk, clip: Path) -> None:
    said(desk, clip)
    desk.runs()
    assert found(desk).face is True
    questions: list[dict[str, Any]] = []
    ask = desk.lobby.at_the_door

    def noted(do: str, asked: dict[str, Any], progress: Progress) -> Any:
        questions.append(asked)
        return ask(do, asked, progress)

    desk.lobby.at_the_door = noted  # type: ignore[method-assign]
    desk.chat.taps("Voice")
    desk.chat.taps("en_GB")
    desk.runs()
    assert [q["face"] for q in questions if "face" in q] == [True]


def test_a_look_that_takes_too_long_is_ended() -> None:
    now = 100.0
    progress = UntilStopped(lambda: False, 60.0, lambda: now)
    now += 600  # others were served
    progress.check()
    progress.step(0, 1)
    now += 59
    progress.check()
    now += 2
    with pytest.raises(Unavailable) as caught:
        progress.check()
    assert caught.value.code == "check_timeout"
