"""Whatever goes wrong, and whenever the daemon is killed: nothing is lost, and nothing is published twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.publications.slots import Rules
from daemon.publications.tables import OVER, Standing
from daemon.queue import Queue
from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from models.errors import Cancelled, Unavailable
from tests.daemon.publications.kit import House, Killed, Site
from tests.database_kit import lay_database


def test_short_random_sequences(tmp_path: Path) -> None:
    # Of these, so many were killed, and so many ambiguous: a test without any would prove nothing.
    seen = [0, 0, 0]
    for seed in range(10):
        seen = [a + b for a, b in zip(seen, sequence(tmp_path / str(seed), seed), strict=True)]
    assert seen[0] > 5 and seen[1] > 5 and seen[2] > 1, seen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_300_random_sequences(tmp_path: Path) -> None:
    seen = [0, 0, 0]
    for seed in range(1000, 1300):
        seen = [a + b for a, b in zip(seen, sequence(tmp_path / str(seed), seed), strict=True)]
    assert seen[0] > 300 and seen[1] > 300 and seen[2] > 50, seen


def sequence(folder: Path, seed: int) -> list[int]:
    """How often it was killed, was unsure, and asked a person."""
    dice = random.Random(seed)
    config = Config(data_dir=folder)
    lay_database(config.database)
    queue = Queue(config.database)
    rules = [Rules("searched", per_day=dice.choice([None, 2])), Rules("blind", approve=dice.random() < 0.3)]
    home = House(queue, config.database, rules, searched=Site(), blind=Site(searchable=False))
    try:
        return Sequence(dice, home).run()
    finally:
        home.close()
        queue.close()


class Sequence:
    def __init__(self, dice: random.Random, home: House) -> None:
        self.dice, self.home = dice, home
        self.jobs: list[str] = []
        self.kills = 0
        self.rate = dice.choice([0.02, 0.05, 0.15])
        home.faults.at = self.in_the_book
        for site in home.sites.values():
            site.faults.at = self.at_the_site

    def in_the_book(self, place: str) -> BaseException | None:
        if self.dice.random() < self.rate:
            return Killed()
        if place != "after a transaction" and self.dice.random() < self.rate:
            return Unavailable("The database cannot be used: the disk is full", code="disk_full")
        return None

    def at_the_site(self, place: str) -> BaseException | None:
        if self.dice.random() > 4 * self.rate:
            return None
        if place == "accepted":
            return self.dice.choice([Unsure("No answer"), Killed(), RuntimeError("a bug")])
        kinds = [NotSent("Away"), Killed(), Login("Who"), Spent("No more"), Unsure("Cut off"), OSError("cut")]
        return self.dice.choice([*kinds, Refused("No"), *([Cancelled()] if place == "piece" else [])])

    def run(self) -> list[int]:
        for _ in range(self.dice.randint(1, 4)):
            self.jobs.append(self.home.job("searched", "blind"))
            for _ in range(self.dice.randint(1, 6)):
                self.step()
        for _ in range(200):  # in the end all goes well, and a person answers what is asked
            self.home.faults.at = lambda _: None
            for site in self.home.sites.values():
                site.faults.at = lambda _: None
            self.step(patient=True)
            if len(self.home.book.all(*OVER)) == 2 * len(self.jobs):
                break
        return self.judge()

    def step(self, *, patient: bool = False) -> None:
        try:
            if patient or self.dice.random() < 0.3:
                self.person()
            self.home.look()
        except Killed:
            self.kills += 1
            self.again()
        except Unavailable:
            if self.dice.random() < 0.5:  # else the thread of the publisher goes on by itself
                self.again()
            else:
                self.leave()
        self.nothing_twice()
        self.home.time.pass_by(self.dice.choice([1, 60, 7200, 30000]))

    def again(self) -> None:
        while True:
            try:
                return self.home.restart()
            except (Killed, Unavailable):
                self.kills += 1

    def leave(self) -> None:
        """As the publisher's thread does."""
        for line in self.home.publisher._lines.values():
            if line.busy is not None:
                line.left, line.busy = line.busy, None

    def person(self) -> None:
        """Looks, and says what is so."""
        book = self.home.book
        for row in book.all(Standing.ASKED, Standing.HELD, Standing.PROPOSED):
            assert row.number is not None
            if row.state != Standing.ASKED:
                book.approve(row.number, "anna")
            elif row.key in self.home.sites[row.target].arrived:
                book.there(row.number, "anna")
            else:
                book.again(row.number, "anna")

    def nothing_twice(self) -> None:
        for site in self.home.sites.values():
            assert all(count == 1 for count in site.arrived.values()), self.told()

    def judge(self) -> list[int]:
        book = self.home.book
        rows = book.all()
        assert {(row.job_id, row.target) for row in rows} == {
            (job, target) for job in self.jobs for target in self.home.sites
        }
        assert all(row.state == Standing.PUBLISHED for row in rows), self.told()
        for row in rows:
            assert self.home.sites[row.target].arrived == {
                one.key: 1 for one in rows if one.target == row.target
            }
            self.settled_between(row.number or 0)
        events = [event for row in rows for event in book.events(row.number or 0)]
        return [self.kills, *(sum(e.name == name for e in events) for name in ("unsure", "asked"))]

    def settled_between(self, number: int) -> None:
        """After "unsure" nothing is sent before the target, or a person, has said."""
        open_question = False
        for event in self.home.book.events(number):
            assert not (open_question and event.name == "sending"), self.told()
            if event.name in ("unsure", "asked"):
                open_question = True
            if event.name in ("absent", "again", "there", "published"):
                open_question = False

    def told(self) -> str:
        rows = self.home.book.all()
        return "\n".join(
            f"{r.number} {r.target} {[e.name for e in self.home.book.events(r.number or 0)]}" for r in rows
        )
