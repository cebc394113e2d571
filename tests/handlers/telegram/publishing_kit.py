"""A bot with real targets: folders on this disk, a book, a desk and a publisher, on a clock that is set.

room = Newsroom(tmp_path, clip, target("site", approve=True))
room.made("Good morning.", "site")
room.looks()
room.bot.taps("Approve")
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from daemon.chats import ChatJob
from daemon.publications.book import Book
from daemon.publications.desk import Desk
from daemon.publications.publisher import Publisher
from daemon.publications.tables import Publication, Standing
from handlers.telegram.content import Content
from handlers.telegram.incoming import Where, Who
from handlers.telegram.publishing import Publishing
from handlers.telegram.report.publications import Publications
from handlers.telegram.report.result import result_buttons
from pipeline.spec import JobSpec
from tests.handlers.telegram.commanding import Bot
from tests.handlers.telegram.talking import ANNA
from tests.log_kit import Written


def target(name: str, **keys: Any) -> dict[str, Any]:
    """A folder of that name; it is made by the room."""
    return {"name": name, "kind": "folder", "timezone": "Europe/Berlin"} | keys


def slot(target: str, cron: str) -> dict[str, Any]:
    return {"target": target, "cron": cron}


class Newsroom:
    """clip: a video that stands for all results."""

    def __init__(self, folder: Path, clip: Path, *sections: dict[str, Any]) -> None:
        self.folder, self.clip = folder, clip
        targets = [one for one in sections if "kind" in one]
        for one in targets:
            one.setdefault("path", str(folder / one["name"]))
            Path(one["path"]).mkdir(exist_ok=True)
        slots = [one for one in sections if "cron" in one]
        self.wakes = 0
        self.bot = Bot(folder, config={"publish": {"target": targets, "slot": slots}})
        book = self.book = Book(self.bot.queue.database, now=lambda: self.bot.now, chance=lambda: 0.5)
        self.desk = Desk(self.bot.house.config, book, now=lambda: self.bot.now)
        self.publisher = Publisher(book, self.desk, Written())
        object.__setattr__(self.bot.house, "publishing", Publishing(lambda: self.desk, book, self._wake))
        self.reporter = Publications(self.bot.house)

    def made(
        self,
        label: str,
        *publish: str,
        by: Who = ANNA,
        where: Where | None = None,
        told: bool = True,
        language: str = "en",
        **spec: Any,
    ) -> str:
        """A job that is done, whose video is in its chat. told: False: it came through another door."""
        bot, where = self.bot, where or Where(by.id)
        said = JobSpec(script=label, clip=Path("/clips/anna.mp4"), publish=publish, **spec)
        with bot.meeting(by, where) as turn:
            row = turn.queue.submit(said, source="telegram" if told else "cli")
            if told:
                chat: dict[str, Any] = {
                    "chat_id": where.chat_id,
                    "user_id": by.id,
                    "draft_id": "d",
                    "reply_to": 5,
                }
                turn.jobs.link(ChatJob(job_id=row.id, language=language, **chat))
        claim = bot.queue.claim("tests", row.id)
        assert claim is not None
        video = self.folder / f"{row.id}.mp4"
        shutil.copyfile(self.clip, video)
        bot.queue.finish(claim, video)
        if told:
            with bot.ledger.turn() as turn:
                content = Content("The video", result_buttons(language, row.id), "video", video)
                message = turn.messages.post(where.chat_id, f"result:{row.id}:0", content, repeatable=False)
                message.kind = "video"
        bot.deliver()
        bot.passes(1)
        return row.id

    def looks(self) -> bool:
        """The publisher, then the reporter, once each."""
        self.publisher.look()
        return self.tells()

    def works(self) -> bool:
        """All that is due is sent."""
        self.looks()
        for name in self.desk.names:
            while self.publisher.work(name):
                pass
        return self.looks()

    def tells(self) -> bool:
        found = self.reporter.look()
        self.bot.deliver()
        return found

    def restarts(self) -> None:
        self.reporter = Publications(self.bot.house)

    def only(self, job_id: str) -> Publication:
        (row,) = self.book.of_job(job_id)
        return row

    def is_in(self, job_id: str, standing: Standing) -> bool:
        return self.only(job_id).state == standing

    def close(self) -> None:
        self.bot.close()

    def _wake(self) -> None:
        self.wakes += 1
