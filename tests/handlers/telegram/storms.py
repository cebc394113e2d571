"""Bad weather: people make videos while Telegram fails and the daemon is killed, all of it at random.

    weather(folder, clip, authors=200, seed=2)

Each author wants one video, by chance in another way, and answers the bot's question truly. Afterwards each
has one, and there is one job for each.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from daemon.jobs import State
from tests.daemon.daemon_kit import Desk
from tests.handlers.telegram.botapi import BotApi, Storm
from tests.handlers.telegram.whole import Author, videos, whole

AT_ONCE = 5  # authors
RATE = 0.12  # of the calls that go wrong
FIRST_ID = 100
PATIENCE_S = 240.0  # of an author


@dataclass
class Record:
    """What the weather was, and what became of the authors."""

    authors: int
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    outages: int = 0
    asked: int = 0  # questions whether something arrived
    most_edits: int = 0  # in a minute, of a chat
    seconds: float = 0.0

    def __str__(self) -> str:
        told = ", ".join(f"{n} {kind}" for kind, n in sorted(self.faults.items()))
        return (
            f"{self.authors} authors in {self.seconds:.0f} s: {sum(self.faults.values())} faults ({told}), "
            f"{self.kills} kills, {self.outages} outages, {self.asked} questions; "
            f"at most {self.most_edits} edits a minute in a chat"
        )


def weather(folder: Path, clip: Path, *, authors: int, seed: int) -> Record:
    """Raises AssertionError when a job or a video was lost, or there is one too many."""
    record, chance, began = Record(authors), random.Random(seed), time.monotonic()
    ids = range(FIRST_ID, FIRST_ID + authors)
    with whole(folder, clip, ids) as (api, desk):
        api.faults.add(Storm(seed, RATE, retry_after=1, seconds=0.3))
        people = [
            Author(api.person(i, f"Author {i}"), clip, random.Random(f"{seed} {i}"), f"Hello {i}.")
            for i in ids
        ]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            done = [threads.submit(_one, author) for author in people]
            _lives(api, desk, chance, done, record)
            for one in done:
                one.result()
        _check(api, desk, people, record)
    record.seconds = time.monotonic() - began
    return record


def _one(author: Author) -> None:
    author.ask()
    author.start(PATIENCE_S)
    author.receive(PATIENCE_S)


def _lives(api: BotApi, desk: Desk, chance: random.Random, done: list[Future[None]], record: Record) -> None:
    """Of the daemon, until everybody has what they wanted."""
    over = threading.Event()
    left = [len(done)]

    def one_less(_: Future[None]) -> None:
        left[0] -= 1
        if left[0] == 0:
            over.set()

    for one in done:
        one.add_done_callback(one_less)
    while not over.is_set():
        with desk.daemon() as daemon:
            if over.wait(chance.uniform(8, 40)):
                break
            if chance.random() < 0.4:
                api.down()
                over.wait(chance.uniform(0.2, 2))
                api.up()
                record.outages += 1
                over.wait(chance.uniform(1, 10))
            if not over.is_set():
                daemon.kill()
                record.kills += 1


def _check(api: BotApi, desk: Desk, people: list[Author], record: Record) -> None:
    api.faults.clear()
    record.faults = Counter(kind for _, kind in api.faults.struck)
    with desk.daemon():  # whatever is still on its way arrives
        desk.client.get("/status")
        api.wait_until_confirmed(timeout=30)
        api.wait_until_polled(timeout=30)
        with desk.queue() as queue:
            rows = queue.list()
        assert Counter(row.state for row in rows) == {State.DONE: len(people)}, [r.error for r in rows]
        labels = Counter(row.label for row in rows)
        for author in people:
            chat = author.person.chat
            assert len(videos(chat.messages)) == 1, chat
            assert labels[author.script] == 1, chat
            record.most_edits = max(record.most_edits, api.calls.edits_per_minute(chat))
            record.asked += sum("arrived:" in str(m.first.keyboard) for m in chat.everything)
    assert record.most_edits <= 20
