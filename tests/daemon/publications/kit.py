"""A target that keeps what really arrived, a clock that is set, and a house whose daemon can be killed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session

from daemon.publications.book import Book, Proposal, Sending
from daemon.publications.publisher import Publisher
from daemon.publications.slots import Rules
from daemon.publications.written import text_of
from daemon.queue import Queue
from daemon.store.database import Database
from handlers.publish.errors import Unsure
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from models.errors import BadInput
from models.progress import Progress
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed

START = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
VIDEO = Video(Path("/videos/one.mp4"), 10.0, 720, 1280, 1000)


class Killed(BaseException):
    """SIGKILL: nobody catches it, nothing is tidied up."""


@dataclass
class Time:
    now: dt.datetime = START

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@dataclass
class Faults:
    """`here` is every place at which something can go wrong; `at` decides, by its name."""

    at: Callable[[str], BaseException | None] = lambda _: None

    def here(self, name: str) -> None:
        if (error := self.at(name)) is not None:
            raise error


@dataclass
class Site:
    """arrived: key → how often. What a site has got it keeps, whoever dies."""

    searchable: bool = True
    faults: Faults = field(default_factory=Faults)
    arrived: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)

    def check(self) -> str:
        return "a test"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        self.faults.here("before")
        for piece in range(memo.get().get("sent", 0), 2):
            progress.step(piece, 2)
            memo.put(sent=piece + 1)
            self.faults.here("piece")
        self.arrived[key] = self.arrived.get(key, 0) + 1
        self.order.append(key)
        self.faults.here("accepted")
        return Receipt(key, f"https://example.org/{key}")

    def find(self, key: str, memo: Memo) -> Receipt | None:
        self.faults.here("find")
        return Receipt(key) if key in self.arrived else None


class Fragile(Database):
    """Breaks before or after a transaction: what is committed is there, and else nothing."""

    faults: Faults | None = None

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if self.faults:
            self.faults.here("before a transaction")
        with super().writing() as s:
            yield s
            if self.faults:
                self.faults.here("within a transaction")
        if self.faults:
            self.faults.here("after a transaction")


class Unheard:
    """A log that nobody reads."""

    def event(self, name: str, /, **facts: object) -> None:
        pass

    warning = event

    def error(self, name: str, /, *, trace: BaseException | None = None, **facts: object) -> None:
        pass


class Counter:
    """A desk without a configuration."""

    def __init__(self, book: Book, rules: dict[str, Rules], sites: dict[str, Site]) -> None:
        self.book, self.rules, self.sites = book, rules, sites

    def target(self, name: str) -> Site:
        return self.sites[name]

    def propose_done(self) -> int:
        lacking = self.book.lacking()
        for job, target in lacking:
            rules, said = self.rules.get(target), job.spec.get("publish_at")
            due_at = dt.datetime.fromisoformat(said) if said else None
            approval = None if rules is None or rules.approve else ""
            held = None if rules else BadInput("There is no such target", code="unknown_target")
            self.book.propose(job, target, Proposal({"title": job.label}, approval, due_at, held))
        return len(lacking)

    def video(self, _: Sending) -> Video:
        return VIDEO

    def text(self, claim: Sending) -> Text:
        return text_of(claim.text)


class House:
    """One data folder; `restart` is a new daemon in it."""

    def __init__(self, queue: Queue, path: Path, rules: Iterable[Rules], **sites: Site) -> None:
        self.queue, self.sites, self.time, self.faults = queue, sites, Time(), Faults()
        self.rules = {one.name: one for one in rules}
        self._path = path
        self._db: Fragile | None = None
        self.restart()

    def restart(self) -> None:
        """Raises Killed, as anything here, when the faults say so."""
        self.close()
        self._db = Fragile(self._path)
        self._db.faults = self.faults
        self.book = Book(self._db, now=self.time, chance=lambda: 0.5)
        self.counter = Counter(self.book, self.rules, self.sites)
        self.publisher = Publisher(self.book, self.counter, Unheard())
        self.book.recover()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def job(self, *targets: str, at: dt.datetime | None = None) -> str:
        """A job that is done."""
        spec = JobSpec(script="Good morning.", clip=Path("/clips/anna.mp4"), publish=targets, publish_at=at)
        job_id = self.queue.submit(spec).id
        self.queue.finish(claimed(self.queue), Path(f"/videos/{job_id}.mp4"))
        return job_id

    def look(self) -> None:
        self.publisher.look()
        for name in self.rules:
            while self.publisher.work(name):
                pass

    def of(self, job_id: str, target: str = "site") -> int:
        found = self.book.of_job(job_id, target)[0].number
        assert found is not None
        return found


def lost(name: str) -> Callable[[str], BaseException | None]:
    """Accepted, and the answer never came: once."""
    left = [name]

    def at(place: str) -> BaseException | None:
        return Unsure("The answer never came") if place in left and not left.remove(place) else None  # type: ignore[func-returns-value]

    return at
