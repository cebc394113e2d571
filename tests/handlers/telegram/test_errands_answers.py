"""Listens, samples and voices for whoever asked; and what is tidied away."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from scipy.io import wavfile

from daemon import hearing
from daemon.chats import ChatJob, DraftState, FileState
from daemon.engines.roster import EngineAway
from handlers.telegram.draft import Contents
from handlers.telegram.errands import runner, tidy
from handlers.telegram.errands.listen import beginning
from models.choose import Choice
from models.engine import Audio, Transcript
from models.errors import BadInput, Unavailable
from models.progress import Progress
from models.voices import Voices
from pipeline.spec import JobSpec
from tests.face_kit import speech
from tests.handlers.telegram.errands_kit import Desk, died
from tests.handlers.telegram.errands_kit import desk as desk
from tests.handlers.telegram.errands_kit import desk_with as desk_with
from tests.handlers.telegram.talking import video, voice

HERE = {"chat_id": 11, "language": "zh", "thread_id": None}
DAY_S = 86_400


def seconds(path: Path | None) -> float:
    assert path is not None
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


def draft(desk: Desk, script: str = "Good morning. This is the news.") -> str:
    desk.chat.says(script)
    with desk.chat.ledger.look() as turn:
        found = turn.drafts.latest(11)
    assert found is not None
    return found.id


# ---------------------------------------------------------------- listens and samples


def test_the_voice_speaks_the_beginning_of_the_script(desk: Desk) -> None:
    about = draft(desk, "Good morning. " * 60)
    desk.wants("listen:1", "listen", draft=about, what="voice")
    desk.runs()
    (said,) = [row for row in desk.chat.messages() if row.key.startswith("listen:1")]
    content = desk.content(said.key)
    assert content.kind == "audio" and seconds(content.file) == pytest.approx(10, abs=0.2)
    assert content.text == "🗣 usual" and content.facts["title"] == "usual" and content.file is not None
    assert [p.name for p in content.file.parent.iterdir()] == [content.file.name], "no scratch is left"


def test_a_voice_and_a_track_by_name_for_a_chat(desk: Desk) -> None:
    desk.wants("listen:v", "listen", what="voice", name="deep", **HERE)
    desk.wants("listen:m", "listen", what="music", name="calm", **HERE)
    desk.runs()
    shown = {row.key[:8]: desk.content(row.key) for row in desk.chat.messages()}
    assert "低沉" in shown["listen:v"].text and seconds(shown["listen:v"].file) > 2
    assert seconds(shown["listen:m"].file) == pytest.approx(10, abs=0.2)
    assert shown["listen:v"].file != shown["listen:m"].file


def test_each_time_that_it_is_asked_for_it_comes_once(desk: Desk) -> None:
    for _ in range(2):
        desk.wants("listen:m", "listen", what="music", name="calm", **HERE)
        desk.runs()
        desk.chat.passes(5)
    rows = desk.chat.messages()
    assert len(rows) == 2 and len({desk.content(row.key).file for row in rows}) == 2


def test_what_is_gone_is_told(desk: Desk) -> None:
    desk.wants("listen:m", "listen", what="music", name="gone", **HERE)
    desk.wants("listen:v", "listen", what="voice", name="gone", **HERE)
    desk.wants("sample:x", "sample", style="gone", **HERE)
    desk.runs()
    assert desk.chat.sees_all().count("另选") == 3 and desk.chat.errands() == []


def test_old_voices_that_cannot_be_taken_over_do_not_take_the_choices_away(desk: Desk) -> None:
    desk.chat.house.places.old_voices.mkdir(parents=True)
    desk.lobby.fails["old_voices:take_over"] = [Unavailable("No room") for _ in range(9)]

    def both() -> bool:
        assert desk.errands is not None
        return bool(desk.errands.choices.subtitles and desk.logged("telegram_voices_not_taken"))

    desk.runs(until=both)


def test_a_listen_is_by_the_voice_that_was_found_for_the_chat(desk: Desk) -> None:
    desk.wants("listen:v", "listen", what="voice", name="deep", **HERE)
    desk.runs()
    assert "theirs:with_voice" in desk.lobby.asked


def test_a_listen_is_worth_nothing_later(desk: Desk) -> None:
    desk.lobby.fails["listen:music"] = [EngineAway("The checking process is loading") for _ in range(9)]
    desk.wants("listen:m", "listen", what="music", name="calm", **HERE)
    for _ in range(6):
        desk.runs()
        desk.chat.passes(61)
    assert desk.chat.errands() == [] and len(desk.chat.messages()) == 1


def test_a_sample_of_a_look(desk: Desk) -> None:
    desk.wants("sample:karaoke", "sample", style="karaoke", **HERE)
    desk.runs()
    (row,) = desk.chat.messages()
    content = desk.content(row.key)
    assert content.kind == "photo" and content.file is not None and content.file.stat().st_size > 1000


def test_a_script_is_cut_between_words() -> None:
    assert beginning("One two. " * 40).endswith("two.") and len(beginning("One two. " * 40)) <= 200
    assert len(beginning("早上好。" * 100)) == 200 and beginning(" short ") == "short"


# ---------------------------------------------------------------- voices


def sent_voice(desk: Desk, wav: Path | None) -> str:
    with desk.chat.ledger.turn() as turn:
        file = turn.files.add(11, "sound", voice())
    if wav is not None:
        desk.has(file.id, wav)
    return file.id


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wav = tmp_path_factory.mktemp("sounds") / "spoken.wav"
    wavfile.write(wav, speech().rate, speech().wav)
    return wav


def kept(desk: Desk) -> Voices:
    return Voices(desk.chat.house.config.voices)


def test_a_voice_is_kept_and_told_honestly(desk: Desk, spoken: Path) -> None:
    first, second = sent_voice(desk, spoken), sent_voice(desk, spoken)
    for file in (first, second):
        desk.wants(f"keep:{file}", "keep", file=file, name="Anna", **HERE)
        desk.runs()
    assert "草稿声音不会模仿" in desk.chat.sees() and "Anna" in desk.chat.sees()
    (voice,) = kept(desk).all()  # one of this name is replaced
    assert (voice.name, voice.chat_id, voice.text) == ("Anna", 11, "") and voice.seconds > 3
    assert desk.lobby.asked.count("voice:keep") == 2


def test_what_is_said_in_a_voice_is_written_down_aside(
    desk: Desk, spoken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the process for what takes minutes; Whisper itself has tests of its own."""
    aside: list[str] = []

    def asks(do: str, asked: dict[str, Any], progress: Progress) -> Any:
        aside.append(do)
        return desk.lobby.at_the_door(do, asked, progress)

    monkeypatch.setattr(hearing, "choose_aligner", lambda *how: Choice("whisper"))
    monkeypatch.setattr(hearing, "aligner", lambda **how: Ear())
    monkeypatch.setattr(desk.lobby, "aside", asks)
    file = sent_voice(desk, spoken)
    desk.wants(f"keep:{file}", "keep", file=file, name="Anna", **HERE)
    desk.runs()
    (voice,) = kept(desk).all()
    assert (voice.text, voice.language) == ("Good <morning>.", "en")
    assert "听到的内容：Good <morning>." in desk.chat.sees()
    assert aside == ["handlers.telegram.door.voice:keep"]


def test_a_voice_is_kept_though_nobody_can_hear_it(
    desk: Desk, spoken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whisper may need more memory than there is."""
    monkeypatch.setattr(hearing, "choose_aligner", lambda *how: Choice("whisper"))
    desk.lobby.fails["voice:keep"] = died(1)
    file = sent_voice(desk, spoken)
    desk.wants(f"keep:{file}", "keep", file=file, name="Anna", **HERE)
    desk.runs()
    assert [voice.text for voice in kept(desk).all()] == [""] and desk.chat.errands() == []
    assert len(desk.logged("telegram_voice_unheard")) == 1


class Ear:
    def transcribe(self, wav: Audio, rate: int, language: str, progress: Progress) -> Transcript:
        return Transcript(" Good\n<morning>.", "en", [])


def test_a_voice_that_was_saved_meanwhile_is_offered_soon(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saved it: somebody in a chat, or on the command line."""
    monkeypatch.setattr(runner, "VOICES_EVERY_S", 0.02)

    def asked_again() -> bool:
        times = desk.lobby.asked.count("choices:choices")
        if times == 1 and not kept(desk).all():
            kept(desk).save_description("Anchor", "A calm voice")
        return times == 2

    desk.runs(until=asked_again)


def test_the_voice_of_another_chat_stays_theirs(desk: Desk, spoken: Path) -> None:
    """The name was free when it was asked for."""
    kept(desk).save_recording("anna", speech().wav, speech().rate, chat_id=22)
    file = sent_voice(desk, spoken)
    desk.wants(f"keep:{file}", "keep", file=file, name="Anna", **HERE)
    desk.runs()
    assert "已经有叫这个名字的声音" in desk.chat.sees() and desk.chat.errands() == []
    assert [voice.chat_id for voice in kept(desk).all()] == [22]


def test_a_voice_that_is_on_its_way_is_waited_for(desk: Desk, spoken: Path) -> None:
    file = sent_voice(desk, None)
    desk.wants(f"keep:{file}", "keep", file=file, name="Anna", **HERE)
    desk.runs()
    assert desk.chat.errands() == [f"keep:{file}"] and desk.chat.messages() == []
    desk.has(file, spoken)
    desk.chat.passes(61)
    desk.runs()
    assert desk.chat.errands() == [] and "Anna" in desk.chat.sees()


def test_a_voice_that_cannot_be_kept_is_told(desk: Desk, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    refused = sent_voice(desk, None)
    with desk.chat.ledger.turn() as turn:
        file = turn.files.get(refused)
        assert file is not None
        turn.files.refuse(file, BadInput("Gone", code="file_gone"))
    for name in (sent_voice(desk, bad), refused, "unknown"):
        desk.wants(f"keep:{name}", "keep", file=name, name="Anna", **HERE)
    desk.runs()
    assert len(desk.chat.messages()) == 3 and desk.chat.errands() == []
    assert kept(desk).all() == []


# ---------------------------------------------------------------- tidying


def old(path: Path, desk: Desk, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    at = desk.chat.now.timestamp() - days * DAY_S
    os.utime(path, (at, at))
    return path


def clip(desk: Desk, source: Path) -> str:
    with desk.chat.ledger.turn() as turn:
        file = turn.files.add(11, "clip", video())
    desk.has(file.id, source)
    return file.id


def test_only_what_nobody_needs_is_removed(desk: Desk, spoken: Path) -> None:
    stale = draft(desk)
    desk.runs()
    unused, kept, working = (clip(desk, spoken) for _ in range(3))
    with desk.chat.ledger.turn() as turn:
        turn.files.keep(11, "Eva", kept)
        job = desk.chat.queue.submit(JobSpec(script="Hi", clip=Path("/clip.mp4")))
        begun = turn.drafts.get(stale)
        assert begun is not None
        contents = replace(Contents.from_json(begun.contents), clip=working)
        made = turn.drafts.add(11, 11, None, "en", contents)
        turn.drafts.set_state(made, DraftState.STARTED, job.id)
        turn.jobs.link(ChatJob(job_id=job.id, chat_id=11, user_id=11, draft_id=made.id, language="en"))
    desk.chat.passes(8 * DAY_S)
    wanted = clip(desk, spoken)
    desk.runs()

    states = {name: desk.file(name).state for name in (unused, kept, working, wanted)}
    assert states == {
        unused: FileState.REMOVED,
        kept: FileState.HERE,
        working: FileState.HERE,
        wanted: FileState.HERE,
    }
    there = {path.name.partition(".")[0] for path in (desk.chat.house.places.root / "files").iterdir()}
    assert there == {kept, working, wanted}
    with desk.chat.ledger.look() as turn:
        dropped = turn.drafts.get(stale)
    assert dropped is not None and dropped.state == DraftState.DROPPED


def test_what_was_made_goes_when_nobody_will_see_it(desk: Desk) -> None:
    places = desk.chat.house.places
    desk.wants("listen:m", "listen", what="music", name="calm", **HERE)
    desk.runs()
    (row,) = desk.chat.messages()
    listened = desk.content(row.key).file
    assert listened is not None
    with desk.chat.ledger.turn() as turn:
        waiting = turn.messages.numbered(row.number or 0)
        assert waiting is not None
        turn.messages.send_again(waiting)
    goes = [
        old(places.preview("0twec0mq", 3), desk, 2),
        old(places.listen(7), desk, 2),
        old(places.result("0twec0mq", 0, ".fit.mp4"), desk, 8),
        old(places.root / "files" / ".0twec0mq.mp4.part", desk, 2),
    ]
    stays = [
        old(listened, desk, 3),
        old(places.preview("0twec0mq", 4), desk, 0.5),
        old(places.result("0twec0mq", 1, ".fit.mp4"), desk, 6),
    ]
    desk.runs()
    assert [p for p in goes if p.exists()] == [] and [p for p in stays if not p.exists()] == []


def test_what_gets_its_name_while_it_is_looked_at_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result's picture is written under another name first."""
    for name in ("picture.part", "old.mp4"):
        (tmp_path / name).touch()
    scandir = os.scandir

    @contextmanager
    def renamed_meanwhile(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            found = list(entries)
        (tmp_path / "picture.part").unlink()
        yield found

    monkeypatch.setattr(os, "scandir", renamed_meanwhile)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert [path.name for path in tidy._older(tmp_path, later)] == ["old.mp4"]
