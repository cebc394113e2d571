"""The desk: real folder targets of a real configuration, and videos that are there."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.config_file import load
from daemon.publications.book import Book
from daemon.publications.desk import Desk
from daemon.publications.publisher import Publisher
from daemon.publications.tables import Standing
from daemon.queue import Queue
from handlers.publish.target import Text
from models.errors import BadInput, Unavailable
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed
from tests.daemon.publications.kit import START, Time, Unheard
from tests.face_kit import portrait

SECRET = "whsec-a-long-secret"
SITE = """
[[publish.target]]
name = "site"
kind = "folder"
path = "site"
timezone = "Europe/Berlin"
"""


class Office:
    """A folder with a configuration, a queue, and who publishes."""

    def __init__(self, folder: Path, clip: Path, toml: str) -> None:
        self.folder, self.clip, self.time = folder, clip, Time()
        (folder / "site").mkdir()
        self.toml = folder / "vigentd.toml"
        self.toml.write_text(f'data_dir = "data"\n{toml}')
        self.config = load(self.toml).config
        self.queue = Queue(self.config.database)
        self.book = Book(self.queue.database, now=self.time)
        self.desk = Desk(self.config, self.book, now=self.time)
        self.publisher = Publisher(self.book, self.desk, Unheard())

    def job(self, *targets: str, **options: object) -> str:
        spec = JobSpec(script="Good morning.", clip=self.clip, publish=targets, **options)  # type: ignore[arg-type]
        job_id = self.queue.submit(spec).id
        video = self.folder / f"{job_id}.mp4"
        shutil.copy(self.clip, video)
        self.queue.finish(claimed(self.queue), video)
        return job_id

    def look(self) -> None:
        self.publisher.look()
        for name in self.desk.names:
            while self.publisher.work(name):
                pass

    def arrived(self) -> dict[str, str]:
        """Title → description, by what lies in the folder."""
        said = [json.loads(path.read_text("utf-8")) for path in (self.folder / "site").glob("*.json")]
        return {one["title"]: one["description"] for one in said}


Open = Callable[..., Office]


@pytest.fixture
def office(tmp_path: Path, album: Path) -> Iterator[Open]:
    opened = []

    def make(toml: str = SITE) -> Office:
        opened.append(Office(tmp_path, portrait(album, (180, 320), 1), toml))
        return opened[-1]

    yield make
    for one in opened:
        one.queue.close()


# ---------------------------------------------------------------- what is written


def test_what_nobody_approves_is_written_when_it_goes_out_in_its_own_zone(office: Open) -> None:
    here = office(SITE + '[publish.target.text]\ntitle = "{title} {date:%d.%m. %H:%M}"\n')
    here.job("site", title="News", publish_at=START + dt.timedelta(hours=30))
    here.look()
    assert not here.arrived()
    here.time.pass_by(30 * 3600)
    here.look()
    assert list(here.arrived()) == ["News 24.11. 19:00"]


def test_what_a_person_has_approved_is_sent_as_it_was(office: Open) -> None:
    here = office(SITE + 'approve = true\n[publish.target.text]\ntitle = "{title} {date:%d.%m.}"\n')
    job = here.job("site", title="News", tags=("morning",))
    here.look()
    (row,) = here.book.of_job(job)
    assert row.number is not None
    here.desk.edit(row.number, "Anna", lambda text: replace(text, description="As Anna wants it"))
    here.book.approve(row.number, "Anna", START + dt.timedelta(days=3))
    here.time.pass_by(3 * 86400)
    here.look()
    assert here.arrived() == {"News 23.11.": "As Anna wants it"}


# ---------------------------------------------------------------- what fits

LONG = """
[[publish.target]]
name = "site"
kind = "command"
program = ["/bin/false"]
limits = { title = 10 }
"""


def test_what_does_not_fit_is_held_until_somebody_writes_it_anew(office: Open) -> None:
    here = office(LONG)
    job = here.job("site", title="Much too long for that")
    here.publisher.look()
    (row,) = here.book.of_job(job)
    assert row.state == Standing.HELD and row.error is not None and row.number is not None
    assert "has 22 characters, and at most 10" in row.error["message"]
    with pytest.raises(BadInput, match="at most 10"):
        here.desk.edit(row.number, "Anna", lambda text: replace(text, title="Still too long"))
    row = here.desk.edit(row.number, "Anna", lambda text: replace(text, title="Short"))
    assert row.state == Standing.APPROVED and row.error is None


def test_what_a_person_wants_and_does_not_fit_is_refused_and_nothing_is_written(office: Open) -> None:
    here = office(LONG)
    job = here.job(title="Much too long for that")
    with pytest.raises(BadInput, match="at most 10") as refused:
        here.desk.publish(job, "site", "Anna")
    assert refused.value.code == "does_not_fit" and not here.book.of_job(job)
    row, new = here.desk.publish(job, "site", "Anna", text=lambda text: Text("Short"))
    assert new and row.text["title"] == "Short" and row.approval == "Anna"


def test_a_preview_writes_nothing(office: Open) -> None:
    here = office()
    job = here.job(title="News")
    shown = here.desk.preview(here.book.job(job), "site")
    assert shown.text.title == "News" and (shown.video.width, shown.video.height) == (180, 320)
    assert not here.book.of_job(job) and not list((here.folder / "site").iterdir())
    here.desk.publish(job, "site", "Anna", START + dt.timedelta(days=1), lambda text: Text("As Anna says"))
    assert here.desk.preview(here.book.job(job), "site").text.title == "As Anna says"


# ---------------------------------------------------------------- once


def test_wanted_again_it_is_there_already(office: Open) -> None:
    here = office()
    job = here.job("site")
    here.look()
    row, new = here.desk.publish(job, "site", "Anna")
    here.look()
    assert not new and row.state == Standing.PUBLISHED and len(here.arrived()) == 1


def test_wanted_after_all_what_was_skipped_is_sent(office: Open) -> None:
    here = office(SITE + "approve = true\n")
    job = here.job("site")
    here.look()
    (row,) = here.book.of_job(job)
    assert row.number is not None
    here.book.skip(row.number, "Ben")
    row, new = here.desk.publish(job, "site", "Anna", text=lambda text: replace(text, title="After all"))
    assert not new and row.state == Standing.APPROVED
    here.look()
    assert list(here.arrived()) == ["After all"]


def test_a_person_s_time_comes_before_the_slots(office: Open) -> None:
    here = office(SITE + '[[publish.slot]]\ntarget = "site"\ncron = "0 18 * * *"\n')
    waits, wanted = here.job("site"), here.job()
    here.desk.publish(wanted, "site", "Anna")
    here.look()
    assert [row.state for job in (waits, wanted) for row in here.book.of_job(job)] == [
        Standing.APPROVED,
        Standing.PUBLISHED,
    ]


@pytest.mark.parametrize("gone", ["video", "job"])
def test_what_is_not_there_is_said(office: Open, gone: str) -> None:
    here = office()
    job = here.job()
    if gone == "video":
        (here.folder / f"{job}.mp4").unlink()
    with pytest.raises(BadInput) as refused:
        here.desk.publish(job if gone == "video" else "nothing", "site", "Anna")
    assert refused.value.code == f"{gone}_{'gone' if gone == 'video' else 'unknown'}"


# ---------------------------------------------------------------- targets


def test_a_target_that_is_gone_keeps_what_waits_for_it(office: Open) -> None:
    here = office()
    job = here.job("elsewhere")
    here.look()
    (row,) = here.book.of_job(job)
    assert row.state == Standing.HELD and row.error is not None and "site" in row.error["hint"]
    with pytest.raises(BadInput, match="no target called elsewhere"):
        here.desk.publish(job, "elsewhere", "Anna")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('kind = "webhook"\nurl = "ftp://nowhere"', "url "),
        (f'kind = "webhook"\nurl = "https://example.org"\nsecret = ["{SECRET}"]', "secret "),
        (
            f'kind = "webhook"\nurl = "https://example.org"\nsecrets = "{SECRET}"',
            "secrets is no key of the kind webhook",
        ),
        ('kind = "folder"', "path is missing"),
        ('kind = "s3"\nbucket = "b"', "bucket should "),
        ('kind = "telegram"\nchat = "@morning"', "The target site: give one of token and token_file"),
        ('kind = "command"\nprogram = "upload"', "program should be a list, such as"),
        (f'kind = "command"\nprogram = ["upload"]\nfind = "{SECRET}"', "find should be true or false"),
        ('kind = "fodler"\npath = "site"', "no kind of target called fodler"),
    ],
)
def test_a_mistake_in_a_target_is_said_without_its_values(office: Open, lines: str, words: str) -> None:
    here = office(f'[[publish.target]]\nname = "site"\n{lines}\n')
    with pytest.raises(BadInput) as refused:
        here.desk.check_settings()
    assert words in refused.value.message and SECRET not in repr(refused.value.as_dict())
    assert refused.value.__cause__ is None and SECRET not in str(refused.value.__context__)


def test_a_channel_is_written_to_by_the_bot_itself_unless_it_has_another(office: Open) -> None:
    mine, other = "1234567:" + "a" * 35, "7654321:" + "b" * 35
    channel = '[[publish.target]]\nname = "{}"\nkind = "telegram"\nchat = "@morning"\n'
    here = office(
        f'[telegram]\ntoken = "{mine}"\n'
        + channel.format("own") + channel.format("other") + f'token = "{other}"\n'
    )  # fmt: skip
    lent = [here.desk._open(name).settings.token.get_secret_value() for name in ("own", "other")]  # type: ignore[attr-defined]
    assert lent == [mine, other]


def test_a_kind_that_another_package_brings(
    office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip installs it: its code, and what it says of itself beside it."""
    packages = tmp_path / "packages"
    facts = packages / "vigentd_wall-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: vigentd-wall\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[vigentd.publish]\nwall = vigentd_wall:KIND\n")
    (packages / "vigentd_wall.py").write_text(
        "from handlers.publish.kind import Kind, TargetSettings\n"
        "from handlers.publish.target import Limits, Receipt\n"
        "class Wall:\n"
        "    limits, searchable = Limits(), False\n"
        "    def check(self): return 'the wall'\n"
        "    def publish(self, video, text, key, memo, progress): return Receipt(text.title)\n"
        "    def find(self, key, memo): raise AssertionError\n"
        "KIND = Kind('wall', TargetSettings, lambda settings, around: Wall())\n"
    )
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setattr(sys, "modules", sys.modules | {})
    here = office('[[publish.target]]\nname = "wall"\nkind = "wall"\n')
    here.desk.check_settings()
    job = here.job("wall", title="News")
    here.look()
    (row,) = here.book.of_job(job)
    assert row.receipt is not None and row.receipt["id"] == "News"


def test_a_kind_that_cannot_be_imported_keeps_the_others_going(
    office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    facts = packages / "vigentd_wall-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: vigentd-wall\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[vigentd.publish]\nwall = vigentd_nowall:KIND\n")
    monkeypatch.syspath_prepend(packages)
    here = office(SITE + '[[publish.target]]\nname = "wall"\nkind = "wall"\n')
    here.desk.check_settings()
    with pytest.raises(Unavailable, match=r"vigentd-wall 1\.0 brings the kind"):
        here.desk.target("wall")
    job = here.job("site", "wall")
    here.look()
    states = {row.target: row.state for row in here.book.of_job(job)}
    assert states == {"site": Standing.PUBLISHED, "wall": Standing.APPROVED}, "it waits until that is mended"
