"""Once and only once, with everything real: processes that are killed at any moment, and servers on which
whatever can go wrong does, at random. Nothing is lost, nothing doubled; what nobody can tell is put to a
person.
"""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from daemon.config import Config
from daemon.publications.book import Book
from daemon.publications.tables import Publication, Standing
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed
from tests.daemon.daemon_kit import ROOT
from tests.daemon.publications import publishing_child
from tests.face_kit import portrait
from tests.handlers.publish import s3_kit, youtube_kit
from tests.handlers.publish.http_kit import HANG_UP, Asked, Reply, Server, serving
from tests.handlers.publish.peertube_kit import PASSWORD, USER, Tube
from tests.handlers.publish.youtube_kit import REFRESH, YouTube
from tests.handlers.telegram.botapi import BotApi, Fault

FASTER = 3000.0  # half a minute, the first pause, is 10 ms
TARGETS = ("folder", "webhook", "s3", "youtube", "peertube", "channel")
SETTLED_S = 120.0
OPEN = (Standing.APPROVED, Standing.SENDING, Standing.UNSURE)


class Hook(Server):
    """arrived: key → how often it took one. took: it has just taken one, and has not answered yet."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(self._answer)
        self.chance = chance
        self.faults = 0
        self.arrived: Counter[str] = Counter()
        self.took = threading.Event()

    def _answer(self, asked: Asked) -> Reply:
        bad = self.faults > 0 and self.chance.random() < 0.5
        self.faults -= bad
        before = self.chance.random() < 0.5
        trouble = self.chance.choice([HANG_UP, Reply(503), Reply(500)])
        if asked.method == "GET":
            there = asked.path.rsplit("/", 1)[-1] in self.arrived
            return trouble if bad else Reply(200, {"id": "1"}) if there else Reply(404)
        if bad and before:
            return Reply(503) if trouble.status else HANG_UP
        self.arrived[asked.headers["idempotency-key"]] += 1
        self.took.set()
        time.sleep(self.chance.choice([0, 0.2]))
        return trouble if bad else Reply(201, {"id": "1"})


@dataclass
class World:
    """A data folder, the servers that it publishes to, and what has arrived there."""

    folder: Path
    chance: random.Random
    hook: Hook
    door: s3_kit.Door
    tube: Tube
    channel: YouTube
    api: BotApi
    videos: dict[str, bytes] = field(default_factory=dict)  # by job
    told: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.group = self.api.group("News", [self.api.person(7, "Ann")], supergroup=True)
        self.config = Config(data_dir=self.folder / "data")
        (self.folder / "site").mkdir()
        token = self.config.targets / "youtube/token.json"
        token.parent.mkdir(parents=True)
        token.write_text(f'{{"refresh_token": "{REFRESH}"}}')
        self.channel.client_file(self.folder)
        keys: dict[str, dict[str, Any]] = {
            "folder": {"path": "site"},
            "webhook": {
                "url": f"{self.hook.url}/hook",
                "find_url": f"{self.hook.url}/videos/{{key}}",
                "secret": "whsec-a-long-secret",
            },
            "s3": {
                "bucket": "videos",
                "endpoint_url": self.door.url,
                "access_key": "AKIAME",
                "secret_key": "a-long-secret",
            },
            "youtube": {"client_file": "client.json", "endpoint_url": self.channel.url},
            "peertube": {"url": self.tube.url, "user": USER, "password": PASSWORD, "channel": "morning"},
            "channel": {"chat": self.group.chat.id, "token": self.api.token, "base_url": self.api.base_url},
        }
        lines = [f'data_dir = "{self.config.data_dir}"']
        for name in TARGETS:
            kind = "telegram" if name == "channel" else name
            lines += ["[[publish.target]]", f'name = "{name}"', f'kind = "{kind}"']
            lines += [f"{key} = {value!r}" for key, value in keys[name].items()]
        self.toml = self.folder / "vigentd.toml"
        self.toml.write_text("\n".join(lines))
        self.queue = Queue(self.config.database)
        self.book = Book(self.queue.database)
        self.s3 = get_session().create_client(
            "s3", "us-east-1", endpoint_url=f"http://127.0.0.1:{self.door.inside}",
            aws_access_key_id="else", aws_secret_access_key="where",
        )  # fmt: skip
        self.s3.create_bucket(Bucket="videos")

    def job(self, video: bytes) -> str:
        """One that is done. Each has bytes of its own behind the same pictures: some pieces to send."""
        own = self.chance.randbytes(self.chance.randrange(2 << 20))
        spec = JobSpec(script="Good morning.", clip=Path("/clips/anna.mp4"), publish=TARGETS)
        job_id = self.queue.submit(spec).id
        path = self.folder / f"{job_id}.mp4"
        path.write_bytes(video + struct.pack(">I4s", 8 + len(own), b"free") + own)
        self.queue.finish(claimed(self.queue), path)
        self.videos[job_id] = path.read_bytes()
        return job_id

    def trouble(self) -> None:
        """Something that is about to go wrong at some of the servers."""
        c = self.chance
        self.hook.faults = c.randrange(3)
        calls = ["put", "head", "begin", "part", "parts", "complete", "uploads"]
        hows = ["cut", "late", "answer", "garbled"]
        self.door.faults = [s3_kit.Fault(c.choice(calls), c.choice(hows), 503) for _ in range(c.randrange(3))]
        named = [
            ("piece", "cut", 503, ""), ("piece", "late", 503, ""), ("piece", "answer", 503, "backendError"),
            ("piece", "gone", 503, ""), ("piece", "short", 503, ""), ("piece", "busy", 503, ""),
            ("begin", "answer", 503, "backendError"), ("begin", "late", 503, ""), ("ask", "late", 503, ""),
            ("ask", "answer", 500, "backendError"), ("videos", "answer", 500, "backendError"),
            ("playlistItems", "answer", 503, "backendError"), ("begin", "answer", 403, "quotaExceeded"),
            ("piece", "answer", 401, "authError"), ("token", "answer", 503, "backendError"),
        ]  # fmt: skip
        self.channel.faults = [youtube_kit.Fault(*c.choice(named)) for _ in range(c.randrange(3))]
        piece, begin, listed = (
            "PUT /api/v1/videos/upload-resumable",
            "POST /api/v1/videos/upload-resumable",
            "GET /api/v1/users/me/videos",
        )
        some: list[tuple[str, Reply, bool]] = [
            (piece, HANG_UP, True), (piece, HANG_UP, False), (piece, Reply(503), False),
            (piece, Reply(502), True), (begin, Reply(503), False), (begin, HANG_UP, True),
            (listed, Reply(503), False), (listed, HANG_UP, False),
        ]  # fmt: skip
        self.tube.faults = [c.choice(some) for _ in range(c.randrange(3))]
        self.api.faults.clear()
        kinds: list[Any] = ["too_many", "bad_gateway", "drop_before", "drop_after", "error", "late"]
        self.api.faults.add(
            *(Fault("sendVideo", c.choice(kinds), seconds=0.3) for _ in range(c.randrange(3)))
        )
        told = len(self.door.faults) + len(self.channel.faults) + len(self.tube.faults) + self.hook.faults
        self.told["faults that waited"] += told

    # ------------------------------------------------------------ what a person sees

    def there(self, row: Publication) -> int:
        """How often this one has arrived there, with all of its bytes."""
        whole = self.videos[row.job_id]
        if row.target == "folder":
            return sum(path.read_bytes() == whole for path in (self.folder / "site").glob("*.mp4"))
        if row.target == "webhook":
            return self.hook.arrived[row.key]
        if row.target == "s3":
            page = self.s3.list_objects_v2(Bucket="videos")
            names = [one["Key"] for one in page.get("Contents", []) if one["Key"].endswith(".mp4")]
            return sum(
                self.s3.get_object(Bucket="videos", Key=name)["Body"].read() == whole for name in names
            )
        if row.target == "youtube":
            return sum(content == whole for content in self.channel.contents.values())
        if row.target == "peertube":
            return sum(content == whole for content in self.tube.contents.values())
        media = (message.content.media for message in self.group.chat.from_bot)
        return sum(one is not None and one.path.read_bytes() == whole for one in media)

    # ------------------------------------------------------------ lives

    @contextmanager
    def life(self) -> Iterator[subprocess.Popen[str]]:
        """A process that publishes; killed at the end, wherever it is."""
        module, arguments = publishing_child.__name__, [str(self.toml), str(self.began), str(FASTER)]
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None and process.stdout.readline() == "up\n"
                yield process
            finally:
                process.kill()
        self.told["kills"] += 1

    def until_settled(self, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + SETTLED_S
        while not self._settled(rows := self.book.all()):
            assert process.poll() is None and time.monotonic() < deadline, [
                (row.target, row.state, row.error) for row in rows
            ]
            for row in rows:
                if row.state in (Standing.ASKED, Standing.HELD):
                    self._answers(row)
            time.sleep(0.02)

    def _settled(self, rows: Sequence[Publication]) -> bool:
        """All of them: a life may be killed before it has planned the first."""
        published = sum(row.state == Standing.PUBLISHED for row in rows)
        return published == len(self.videos) * len(TARGETS)

    def _answers(self, row: Publication) -> None:
        """As a person does who has looked there."""
        assert row.number is not None
        self.told[f"{row.state} at {row.target}"] += 1
        if row.state == Standing.ASKED:
            answer = self.book.there if self.there(row) else self.book.again
            answer(row.number, "Anna")
        else:
            assert not self.there(row), f"held, and it is there: {row.error}"
            self.book.approve(row.number, "Anna")

    began: float = field(default_factory=time.time)


@pytest.fixture(scope="module")
def video(album: Path) -> bytes:
    return portrait(album, (180, 320), 1).read_bytes()


Make = Callable[[int], World]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", publishing_child.PIECE)
    with ExitStack() as stack:

        def make(seed: int) -> World:
            chance = random.Random(seed)
            hook, tube = Hook(chance), Tube()
            stack.enter_context(serving(hook))
            stack.enter_context(serving(tube))
            door = stack.enter_context(s3_kit.store())
            channel = stack.enter_context(youtube_kit.youtube())
            api = stack.enter_context(BotApi())
            made = World(tmp_path, chance, hook, door, tube, channel, api)
            stack.callback(made.queue.close)
            return made

        yield make


def lived_through(home: World, video: bytes, rounds: int, jobs: int, kills: int) -> None:
    for _ in range(rounds):
        for _ in range(jobs):
            home.job(video)
        for _ in range(kills):
            home.trouble()
            home.hook.took.clear()
            with home.life():  # it is killed at any moment, and rather at the worst
                home.hook.took.wait(home.chance.uniform(0, 0.4))
        home.trouble()
        with home.life() as last:
            home.until_settled(last)
    rows = home.book.all()
    assert len(rows) == rounds * jobs * len(TARGETS)
    wrong = [(row.target, row.number, home.there(row)) for row in rows if home.there(row) != 1]
    assert not wrong, [(one, [e.name for e in home.book.events(one[1] or 0)]) for one in wrong]
    home.told["sequences"] = len(rows)


def test_killed_and_in_bad_weather_each_arrives_once(world: Make, video: bytes) -> None:
    lived_through(world(1), video, rounds=1, jobs=1, kills=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_three_hundred_sequences(world: Make, video: bytes, seed: int) -> None:
    """30 each: `pytest -m slow -s tests/daemon/publications/test_killed.py`."""
    home = world(seed)
    lived_through(home, video, rounds=1, jobs=5, kills=12)
    print(f"\nseed {seed}:", ", ".join(f"{name} {count}" for name, count in sorted(home.told.items())))
