"""What belongs to a result: subtitles, cover, and the sound alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daemon.chats import ChatJob, Errand
from daemon.jobs import JobRow, State
from handlers.telegram.content import Content, Rank
from handlers.telegram.errands.answers import answer, asker
from handlers.telegram.errands.answers import sorry as given_up
from handlers.telegram.errands.work import Work
from handlers.telegram.report.naming import stem
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import say
from models.errors import VigentdError

__all__ = ["files", "given_up"]

BESIDE = {"srt": ".srt", "vtt": ".vtt", "cover": ".jpg"}  # the video
AUDIO = "audio"
WHICH = (*BESIDE, AUDIO)


@dataclass(frozen=True)
class Done:
    """A job with a result, and who asked for it."""

    link: ChatJob
    row: JobRow
    video: Path

    @property
    def stem(self) -> str:
        """What the files are called at the other end: as the video is called in lists."""
        return stem(self.row.label)


async def files(work: Work, errand: Errand) -> None:
    """facts: job; update_id: of the update that asked; chat_id, language, thread_id, reply_to: of who asked;
    which: some of WHICH, else all."""
    done = await work.look(lambda turn: _done(turn, errand.facts["job"]))
    if done is None:
        await work.finish(errand)
        return
    found: dict[str, Content] = {}
    for which in errand.facts.get("which") or WHICH:
        path = await _path(work, done, which)
        if path is not None:
            kind, suffix = ("audio", ".m4a") if which == AUDIO else ("document", BESIDE[which])
            found[which] = Content("", kind=kind, file=path, name=done.stem + suffix)  # type: ignore[arg-type]
    await work.finish(errand, lambda turn: _post(turn, errand, done, found))


async def _path(work: Work, done: Done, which: str) -> Path | None:
    """None: there is none, as subtitles of a recording without a script, or it is gone."""
    if which in BESIDE:
        path = done.video.with_suffix(BESIDE[which])
        return path if await work.blocking(path.is_file) else None
    if not await work.blocking(done.video.is_file):
        return None
    sound = work.house.places.result(done.row.id, done.link.run, ".m4a")
    try:
        await work.door("result:audio", {"video": str(done.video), "out": str(sound)})
    except VigentdError as e:
        if e.code != "ffmpeg_failed":
            raise
        return None  # the rest can be had all the same
    return sound


def _done(turn: Turn, job_id: str) -> Done | None:
    link, row = turn.jobs.get(job_id), turn.jobs.row(job_id)
    if link is None or row is None or row.state != State.DONE or row.output is None:
        return None
    return Done(link, row, Path(row.output))


def _post(turn: Turn, errand: Errand, done: Done, found: dict[str, Content]) -> None:
    to = asker(turn, errand.facts)
    assert to is not None, "it is said in the facts"
    if not found:
        words = say(to.language, "delivery.gone", label=done.row.label, path=done.video)
        answer(turn, errand, Content(words))
    for which, content in found.items():
        turn.messages.post(
            to.chat_id,
            f"file:{done.row.id}:{errand.facts['update_id']}:{which}",
            content,
            rank=Rank.RESULT,
            reply_to=to.reply_to,
            thread_id=to.thread_id,
            repeatable=False,
        )
