"""Tells the chats what becomes of their jobs, and of their publications (publications.py).

What is told follows from the tables alone: the reporter looks at every job whose chat does not know yet how
it ended, and says what its messages are to show. So after a restart it goes on where it was, and an end is
told once: that it was told, and the messages that tell it, are one transaction.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from daemon.chats import ChatJob
from daemon.jobs import FINISHED, JobRow, State
from handlers.telegram.content import Content, Rank
from handlers.telegram.house import House
from handlers.telegram.report.progress import progress, progress_key
from handlers.telegram.report.publications import Publications
from handlers.telegram.report.result import failure, failure_key
from handlers.telegram.store.ledger import Turn
from models.errors import VigentdError

EVERY_S = 3.0  # how far jobs are is told at most so often, unless one begins or ends
LATE_S = 10.0  # how late a job is noticed of which nobody told


class Reporter:
    """why: the reason why no job is worked on. told: called when there may be something to send or to do."""

    def __init__(self, house: House, why: Callable[[], str], told: Callable[[], None]) -> None:
        self._house = house
        self._publications = Publications(house)
        self._why = why
        self._told = told
        self._busy = True
        self._look = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._asked = threading.Event()  # so that many events wake the loop once

    def nudge(self) -> None:
        """A job has begun, ended, or is another one's place in line. From any thread."""
        if not self._asked.is_set():
            self._asked.set()
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._look.set)

    async def run(self) -> None:
        while True:
            self._asked.clear()
            self._look.clear()
            try:
                if self.look():
                    self._told()
            except VigentdError as e:  # the database: another look will be better
                self._house.log.warning("telegram_not_reported", because=e.message)
            with suppress(TimeoutError):  # wait_for of Python 3.11 can lose a cancel
                async with asyncio.timeout(EVERY_S if self._busy or self._publications.waiting else LATE_S):
                    await self._look.wait()

    def look(self) -> bool:
        """Once. True: some message is to show something else now."""
        of_jobs = self._look_at_jobs()
        return self._publications.look() or of_jobs

    def _look_at_jobs(self) -> bool:
        with self._house.ledger.look() as turn:
            untold = turn.jobs.untold()
            self._busy = bool(untold)
            places = self._house.queue.positions() if untold else {}
            news = [(link, row) for link, row in untold if self._is_news(turn, link, row, places.get(row.id))]
        if not news:
            return False
        with self._house.ledger.turn() as turn:
            for link, row in turn.jobs.untold():
                self._tell(turn, link, row, places.get(row.id))
        return True

    def _is_news(self, turn: Turn, link: ChatJob, row: JobRow, place: int | None) -> bool:
        if row.state in FINISHED or link.told is not None:
            return True
        message = turn.messages.of_key(progress_key(link.job_id, link.run))
        return message is None or message.wanted != self._progress(link, row, place).as_json()

    def _tell(self, turn: Turn, link: ChatJob, row: JobRow, place: int | None) -> None:
        if link.told is not None:  # it was retried
            _take_buttons(turn, link)
        key = progress_key(link.job_id, link.run)
        if row.state not in FINISHED:
            if link.told is not None:
                turn.jobs.told(link, None)
            self._show(turn, link, key, self._progress(link, row, place), Rank.PROGRESS)
            return
        if row.state == State.FAILED:  # one message, and a new one, so that the person is notified
            turn.messages.remove(key)
            self._show(turn, link, failure_key(row.id, link.run), failure(link.language, row), Rank.RESULT)
        else:
            self._show(turn, link, key, self._progress(link, row, place), Rank.NOTICE)
        if row.state == State.DONE:
            turn.errands.add(f"deliver:{row.id}:{link.run}", "deliver", job=row.id, run=link.run)
        turn.jobs.told(link, row.finished_at)

    def _progress(self, link: ChatJob, row: JobRow, place: int | None) -> Content:
        return progress(link.language, row, place, self._why())

    def _show(self, turn: Turn, link: ChatJob, key: str, content: Content, rank: Rank) -> None:
        turn.messages.post(
            link.chat_id, key, content, rank=rank, reply_to=link.reply_to, thread_id=link.thread_id
        )


def _take_buttons(turn: Turn, link: ChatJob) -> None:
    """From what told the end before: what they offer was done."""
    before = link.run - 1
    for key in (failure_key(link.job_id, before), progress_key(link.job_id, before)):
        row = turn.messages.of_key(key)
        if row is not None and row.wanted is not None and row.wanted["buttons"]:
            words = replace(Content.from_json(row.wanted), buttons=())
            turn.messages.post(row.chat_id, key, words, rank=Rank.NOTICE)
