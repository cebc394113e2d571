"""An inbox at work in this process, on a real folder with the real observer; and what its jobs would become.

Only the door (where files are examined) is not a process of its own here, and videos are not made: a job
is ended by the test, with files where the worker would have put them.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.jobs import JobRow
from daemon.queue import Queue
from handlers.inbox.house import House
from handlers.inbox.inbox import Inbox
from models.errors import BadInput, VigentdError
from models.progress import Progress
from tests.database_kit import lay_database
from tests.handlers.inbox.rights import give_up_rights
from tests.log_kit import Written
from tests.media_kit import pattern

SETTLE_S = 0.1
PATIENCE_S = 60.0
SCRIPT = b"Good morning. This is the news."


class HereDoor:
    """`Hosts.at_the_door`, but in this process; what goes through it is JSON all the same."""

    def __init__(self) -> None:
        self.away: VigentdError | None = None  # raised instead
        self.asked: list[str] = []

    def open_door(self) -> None:
        pass

    def at_the_door(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        self.asked.append(do)
        if self.away is not None:
            raise self.away
        module, _, name = do.partition(":")
        function = getattr(importlib.import_module(module), name)
        return json.loads(json.dumps(function(None, json.loads(json.dumps(asked)), progress)))


class Heard(Written):
    """And no fault of ours is among it."""

    def error(self, name: str, /, *, trace: BaseException | None = None, **facts: object) -> None:
        super().error(name, trace=trace, **facts)
        if trace is not None:
            raise AssertionError(f"a fault of ours: {facts}") from trace


@dataclass
class Stand:
    """A folder with an inbox in it and a data folder beside.

    options: of [[inbox]]. humble: its thread may do no more than an ordinary user, though root runs the test.
    """

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    humble: bool = False

    def __post_init__(self) -> None:
        self.root = self.folder / "inbox"
        told = {"name": "daily", "path": str(self.root), "settle": SETTLE_S, **self.options}
        settings: dict[str, Any] = {"inbox": [told], "disk": {"min_free": "1B"}}
        self.config = Config(data_dir=self.folder / "data", **settings)
        if not self.config.database.exists():
            lay_database(self.config.database)
        self.queue = Queue(self.config.database)
        self.door, self.log = HereDoor(), Heard()
        self.dropped: Counter[str] = Counter()  # what must not be lost, by its SHA-256
        self._news = threading.Condition()
        self.inbox = self.another()

    def another(self, clock: Callable[[], float] = time.monotonic) -> Inbox:
        """As a daemon that is started now would have it."""
        door, log, told = self.door, self.log, self._told
        house = House(self.config, self.queue, door, log, changed=told, happened=told, clock=clock)
        return Inbox(self.config.inbox[0], house)

    def _told(self, _: object) -> None:
        with self._news:
            self._news.notify_all()

    @contextmanager
    def running(self) -> Iterator[Inbox]:
        """A thread that watches the folder."""
        self.inbox = self.another()
        thread = threading.Thread(target=self._run, name="inbox")
        thread.start()
        try:
            yield self.inbox
        finally:
            self.inbox.leave()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def _run(self) -> None:
        if self.humble:
            give_up_rights()
        self.inbox.run()

    def until(self, seen: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Waits for what is seen; looks whenever something has happened."""
        deadline = time.monotonic() + within_s
        with self._news:
            while not seen():
                assert time.monotonic() < deadline, (self.log.lines, self.inbox.why, self.tree())
                self._news.wait(0.05)

    # ------------------------------------------------------------ in the folder

    def drop(self, name: str, content: bytes = SCRIPT) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.is_dropped(content)
        return path

    def drop_pair(self, name: str, script: bytes = SCRIPT) -> None:
        """The clip first, so that the script completes it."""
        self.drop_clip(f"{name}.mp4")
        self.drop(f"{name}.txt", script)

    def is_dropped(self, content: bytes) -> None:
        """This came into the inbox, on whatever way: from now on it must be found."""
        self.dropped[hashlib.sha256(content).hexdigest()] += 1

    def is_taken_away(self, content: bytes) -> None:
        """By the person."""
        self.dropped[hashlib.sha256(content).hexdigest()] -= 1

    def drop_clip(self, name: str) -> Path:
        return self.drop(name, self.clip())

    def another_clip(self, mark: str) -> bytes:
        """The same video in another file: with a box at its end that players skip."""
        return self.clip() + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark.encode()

    def clip(self, seconds: float = 1.0) -> bytes:
        """A small video: no face is needed to be taken up."""
        return _clip(seconds)

    def tree(self) -> list[str]:
        """All files in the inbox, relative, but for those at work."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.parts[0] != ".work")

    def held(self, name: str) -> str:
        """Why this stays in the inbox; "" when it does not, or not yet."""
        return next((one["why"] for one in self.inbox.status()["held"] if one["name"] == name), "")

    def until_held(self, name: str, why: str) -> None:
        self.until(lambda: why in self.held(name))

    def text(self, name: str) -> str:
        return (self.root / name).read_text("utf-8")

    # ------------------------------------------------------------ jobs

    def jobs(self) -> list[JobRow]:
        """In the order in which they came."""
        return [self.queue.get(row.id) for row in reversed(self.queue.list())]

    def until_jobs(self, number: int) -> list[JobRow]:
        self.until(lambda: self.queue.count() >= number)
        return self.jobs()

    def until_settled(self, outcome: str, number: int = 1) -> None:
        self.until(lambda: self.inbox.status()["counts"][outcome] >= number)

    def make(self, job_id: str) -> None:
        """The job is done, and its video is where the worker leaves it."""
        claim = self.queue.claim("test", job_id)
        assert claim is not None
        self.config.results.mkdir(exist_ok=True)
        for suffix in (".mp4", ".srt", ".vtt", ".jpg"):
            (self.config.results / (job_id + suffix)).write_bytes(f"{suffix} of {job_id}".encode())
        self.queue.finish(claim, self.config.results / f"{job_id}.mp4")
        self.inbox.job_left()

    def fail(self, job_id: str) -> None:
        claim = self.queue.claim("test", job_id)
        assert claim is not None
        error = BadInput("There is no face in the clip", code="no_face", hint="Use another clip.")
        self.queue.fail(claim, error)
        self.inbox.job_left()

    def close(self) -> None:
        self.queue.close()


@functools.cache
def _clip(seconds: float) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return pattern(Path(folder, "clip.mp4"), seconds=seconds).read_bytes()
