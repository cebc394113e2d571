"""Errands at work in a conversation: real database, real files, and the door's functions in this process."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from daemon.chats import ChatFile, ChatJob, ChatMessage, Errand
from daemon.engines.local import LocalEngines
from daemon.jobs import JobRow, iso
from handlers.telegram.content import Content
from handlers.telegram.drafting.presses import PRESSES
from handlers.telegram.drafting.said import said
from handlers.telegram.errands.kinds import KINDS
from handlers.telegram.errands.runner import Errands
from handlers.telegram.errands.work import Work
from models.errors import ProcessDied
from models.progress import Progress
from pipeline.spec import JobSpec
from tests.handlers.telegram.talking import ANNA, PRIVATE, Conversation

SOON_S = 30.0


class InProcess(LocalEngines):
    """A lobby whose processes are this one. asked: what it was asked for, by function.

    fails: function → the errors that it is to raise first, one at a time. held: function → an event that it
    waits for, looking at its progress as a real one does.
    """

    def __init__(self, chat: Conversation) -> None:
        super().__init__(chat.house.config)
        self.asked: list[str] = []
        self.fails: dict[str, list[Exception]] = {}
        self.held: dict[str, threading.Event] = {}

    def at_the_door(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        module, _, name = do.partition(":")
        function = f"{module.rpartition('.')[2]}:{name}"
        self.asked.append(function)
        if function in self.held:
            while not self.held[function].wait(0.02):
                progress.check()
        if self.fails.get(function):
            raise self.fails[function].pop(0)
        told = getattr(import_module(module), name)(None, json.loads(json.dumps(asked)), progress)
        return json.loads(json.dumps(told))

    aside = at_the_door

    def open_door(self) -> None:
        pass


class Desk:
    """A chat with Anna, and whoever runs errands for it. lobby: see InProcess. bot: for fetching."""

    def __init__(self, folder: Path, **how: Any) -> None:
        self.folder = folder
        self.chat = Conversation(folder, hears=said, presses=PRESSES, **how)
        self.lobby = InProcess(self.chat)
        object.__setattr__(self.chat.house, "lobby", self.lobby)
        self.errands: Errands | None = None
        self.tidied = False  # in this run

    # ------------------------------------------------------------ running

    def runs(self, bot: Any = None, until: Callable[[], bool] | None = None) -> None:
        """Until nothing is due, or until that is so; then it is ended as the daemon ends it."""
        asyncio.run(self.running(bot, until))
        self.chat.deliver()

    async def running(self, bot: Any = None, until: Callable[[], bool] | None = None) -> None:
        news = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.tidied = False
        kinds = KINDS | {"tidy": replace(KINDS["tidy"], do=self._tidy)}
        errands = self.errands = Errands(self.chat.house, bot, news.set, kinds)
        task = asyncio.create_task(errands.run())
        deadline = loop.time() + SOON_S
        try:
            while not (until or self.is_quiet)():
                news.clear()
                with suppress(TimeoutError):  # that the choices were asked for is no news
                    async with asyncio.timeout(0.1):
                        await news.wait()
                assert loop.time() < deadline, f"still to do: {self.chat.errands()}, of {self.lobby.asked}"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _tidy(self, work: Work, errand: Errand) -> None:
        await KINDS["tidy"].do(work, errand)
        self.tidied = True

    def is_quiet(self) -> bool:
        """Nothing runs, and what is left waits for its time."""
        assert self.errands is not None
        now = iso(self.chat.now)
        left = [e for e in self.left() if e.due_at is None or e.due_at <= now]
        return not left and not self.errands._tasks and self.tidied and "choices:choices" in self.lobby.asked

    def left(self) -> list[Errand]:
        with self.chat.ledger.look() as turn:
            return list(turn.errands.to_do())

    def wants(self, key: str, kind: str, **facts: Any) -> None:
        with self.chat.ledger.turn() as turn:
            turn.people.met(ANNA)
            turn.people.chat(PRIVATE)
            turn.errands.add(key, kind, **facts)

    # ------------------------------------------------------------ what there is

    def has(self, file_id: str, source: Path) -> None:
        """The file that somebody sent is here."""
        with self.chat.ledger.turn() as turn:
            file = turn.files.get(file_id)
            assert file is not None
            target = self.chat.house.places.file(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            turn.files.here(file, source.stat().st_size)

    def file(self, file_id: str) -> ChatFile:
        with self.chat.ledger.look() as turn:
            found = turn.files.get(file_id)
        assert found is not None
        return found

    def message(self, key: str) -> ChatMessage | None:
        with self.chat.ledger.look() as turn:
            return turn.messages.of_key(key)

    def content(self, key: str) -> Content:
        return self.chat.content(key)

    def logged(self, name: str) -> list[dict[str, Any]]:
        return [facts for line, facts in self.chat.log.lines if line == name]

    def finished_job(self, video: Path, **link: Any) -> JobRow:
        """A job of Anna's chat that is done. video: its result."""
        queue = self.chat.queue
        row = queue.submit(JobSpec(script="Good morning.", clip=Path("/clip.mp4"), title="Good/morning"))
        claim = queue.claim("a test")
        assert claim is not None
        queue.finish(claim, video)
        facts: dict[str, Any] = {
            "chat_id": 11,
            "user_id": 11,
            "draft_id": "d",
            "language": "en",
            "reply_to": 5,
        } | link
        with self.chat.ledger.turn() as turn:
            turn.jobs.link(ChatJob(job_id=row.id, **facts))
        return row


def died(times: int) -> list[Exception]:
    return [ProcessDied("The door process was killed by SIGKILL") for _ in range(times)]


@pytest.fixture
def desk_with(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**how: Any) -> Desk:
        made.append(Desk(tmp_path / "data", **how))
        return made[-1]

    yield make
    for desk in made:
        desk.chat.close()


@pytest.fixture
def desk(desk_with: Callable[..., Desk]) -> Desk:
    return desk_with()
