"""What people hear of publications without asking: health, status, alarms."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from daemon.alarms import Alarms, Notice
from daemon.config import Config
from daemon.health.component import Component
from daemon.publications.publishing import PATIENCE_S, Publishing
from daemon.publications.tables import Publication, Standing
from daemon.queue import Queue
from models.errors import BadInput
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed
from tests.daemon.conftest import Cli
from tests.daemon.publications.kit import Unheard
from tests.face_kit import portrait


@dataclass
class Office:
    """No threads: `look` and `work` are called by the tests."""

    folder: Path
    queue: Queue
    clip: Path
    clock: float = 0.0
    told: list[Notice] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alarms = Alarms(self.told.append, lambda: self.clock)

    def open(self, *targets: dict[str, Any]) -> Publishing:
        config = Config.model_validate({"data_dir": self.folder / "data", "publish": {"target": targets}})
        return Publishing(
            config,
            self.queue.database,
            Unheard(),
            self.alarms,
            mask=lambda settings: self.masked.append(type(settings).__name__),
            clock=lambda: self.clock,
        )

    def done(self, *targets: str) -> str:
        job_id = self.queue.submit(JobSpec(script="Hello.", clip=self.clip, publish=targets)).id
        video = self.folder / f"{job_id}.mp4"
        shutil.copy(self.clip, video)
        self.queue.finish(claimed(self.queue, job_id), video)
        return job_id


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


@pytest.fixture
def office(tmp_path: Path, queue: Queue, clip: Path) -> Iterator[Office]:
    yield Office(tmp_path, queue, clip)


def folder(office: Office, name: str = "site", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "folder", "path": str(office.folder / name)} | more


def part(publishing: Publishing, name: str) -> Component:
    return next(one for one in publishing.health() if one.name == name)


def work(publishing: Publishing, name: str = "site") -> None:
    while publishing._publisher.work(name):
        pass
    publishing.look()


def test_what_waits_for_a_person_is_a_trouble_told_once_and_over_when_they_said(office: Office) -> None:
    publishing = office.open()
    first, second = office.done("gone"), office.done("gone")
    for _ in range(3):
        publishing.look()
    (notice,) = office.told
    assert notice.key == "publications:gone" and "no target called gone" in notice.message
    publishing.look()
    told = part(publishing, "publications")
    assert not told.well and told.trouble.startswith("2 publications wait for a person. Job ")
    assert publishing.status()["counts"] == {"held": 2}
    for job in (first, second):
        (row,) = publishing.book.of_job(job)
        publishing.book.skip(row.number or 0, "me")
    publishing.look()
    assert part_or_none(publishing) is None
    assert [notice.over for notice in office.told] == [False, True]


def part_or_none(publishing: Publishing) -> Component | None:
    return next((one for one in publishing.health() if one.name == "publications" and not one.well), None)


def test_a_target_that_is_away_is_a_trouble_at_once_and_told_after_an_hour(office: Office) -> None:
    """And no trouble any more when nothing waits for it."""
    publishing = office.open(folder(office))
    job = office.done("site")
    publishing.look()
    work(publishing)  # there is no such folder
    assert part(publishing, "publish:site").trouble and office.told == []
    (row,) = publishing.book.of_job(job)
    assert row.state == Standing.APPROVED  # it is tried again
    office.clock = PATIENCE_S
    publishing.look()
    assert [notice.key for notice in office.told] == ["publications:publish:site"]
    publishing.book.skip(row.number or 0, "me")
    work(publishing)
    assert part(publishing, "publish:site").well
    assert [notice.over for notice in office.told] == [False, True]


def test_an_approval_may_take_a_day(office: Office) -> None:
    publishing = office.open(folder(office, approve=True))
    office.done("site")
    publishing.look()
    assert publishing.status()["counts"] == {"proposed": 1} and part(publishing, "publications").well
    with office.queue.database.writing() as s:
        row = s.exec(select(Publication)).one()
        row.created_at = "2026-11-01T00:00:00.000Z"
        s.add(row)
    publishing.look()
    assert "approve it for site" in part(publishing, "publications").trouble and office.told == []


def test_status_tells_what_is_next_and_health_what_was_last(office: Office) -> None:
    (office.folder / "site").mkdir()
    publishing = office.open(folder(office))
    job = office.done("site")
    at = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    publishing.desk.publish(job, "site", "me", at)
    publishing.look()
    coming = publishing.status()["next"]
    assert (coming["target"], coming["job"]) == ("site", job) and coming["at"][:16] == at.isoformat()[:16]
    other = office.done("site")
    publishing.look()
    work(publishing)
    facts = part(publishing, "publications").facts
    assert facts["counts"]["site"] == {"approved": 1, "published": 1} and "site" in facts["last_published"]
    assert publishing.book.of_job(other)[0].state == Standing.PUBLISHED


def test_who_makes_a_video_without_a_daemon_hears_when_it_is_published(office: Office, cli: Cli) -> None:
    (office.folder / "site").mkdir()
    publishing = office.open(folder(office))
    job = office.done("site")
    said = cli("wait", job)
    assert said.code == 0 and "It will be published when the daemon runs" in said.err
    publishing.look()
    work(publishing)
    assert "will be published" not in cli("wait", job).err


def test_mistakes_are_told_at_once_and_secrets_are_masked_before_anything_is_sent(office: Office) -> None:
    publishing = office.open(folder(office))
    assert office.masked == ["FolderSettings"]
    wrong = {"target": [folder(office, colour="red")]}
    with pytest.raises(BadInput) as caught:
        publishing.checked(Config.model_validate({"data_dir": office.folder / "data", "publish": wrong}))
    assert "colour" in caught.value.message
