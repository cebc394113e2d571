"""The daemon as it really runs, and what it publishes: into folders, and to a server on this machine."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.publications.book import Book
from daemon.publications.tables import Publication, Standing
from models.errors import BadInput
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed
from tests.daemon.daemon_kit import SHORT, Daemon, Desk, gone
from tests.face_kit import portrait
from tests.handlers.publish.http_kit import Asked, Reply, Server, serving

WITHIN_S = 30.0  # a machine with other things to do
SECRET = "whsec-so-long-that-nobody-guesses-it"


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


@pytest.fixture
def desk(tmp_path: Path, clip: Path) -> Desk:
    return Desk(tmp_path, clip)


class Hook(Server):
    """Keeps what it got, however often; two videos, and then lets nobody in. got: something has arrived."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.kept: list[str] = []
        self.got = threading.Event()

    def _answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            there = asked.path.rsplit("/", 1)[-1] in self.kept
            return Reply(200, {"id": "1"}) if there else Reply(404)
        if len(set(self.kept)) == 2:
            return Reply(403, {"error": f"not with {SECRET}"})
        self.kept.append(asked.headers["idempotency-key"])
        self.got.set()
        return Reply(201, {"id": "1", "url": "https://example.org/1"})


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    with serving(hook):
        yield hook


def done(desk: Desk, *targets: str) -> str:
    """A job that is done, as a daemon that ended left it."""
    with desk.queue() as queue:
        job_id = queue.submit(JobSpec(script=SHORT, clip=desk.clip, publish=targets)).id
        video = desk.config.results / f"{job_id}.mp4"
        video.parent.mkdir(exist_ok=True)
        shutil.copy(desk.clip, video)
        queue.finish(claimed(queue, job_id), video)
    return job_id


def of(desk: Desk, job_id: str) -> dict[str, Publication]:
    """Its publications, by target."""
    with desk.queue() as queue:
        return {row.target: row for row in Book(queue.database).of_job(job_id)}


def approve(desk: Desk, row: Publication) -> None:
    """As the command line does."""
    assert row.number is not None
    with desk.queue() as queue:
        Book(queue.database).approve(row.number, "me")
    desk.client.post("/wake", {})


def until(desk: Desk, job_id: str, target: str, state: Standing) -> Publication:
    def there() -> bool:
        row = of(desk, job_id).get(target)
        return row is not None and row.state == state

    assert gone(lambda: not there(), WITHIN_S), (of(desk, job_id), desk.said())
    return of(desk, job_id)[target]


def component(daemon: Daemon, name: str) -> dict[str, Any] | None:
    health = daemon.desk.client.get("/health")
    return next((part for part in health["components"] if part["name"] == name), None)


def videos(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.mp4"))


def folder_target(name: str, **more: str) -> str:
    lines = {"name": f'"{name}"', "kind": '"folder"', "path": f'"places/{name}"', **more}
    return "[[publish.target]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def test_what_comes_through_an_inbox_is_published_and_what_a_person_has_to_approve_waits(desk: Desk) -> None:
    (desk.folder / "places/site").mkdir(parents=True)
    (desk.folder / "places/looked").mkdir()
    (desk.folder / "vigentd.toml").write_text(
        '[[inbox]]\nname = "main"\npath = "in"\nsettle = 0.1\npublish = ["site", "looked"]\n'
        + folder_target("site")
        + folder_target("looked", approve="true")
    )
    (desk.folder / "in").mkdir()
    with desk.daemon() as daemon:
        shutil.copy(desk.clip, desk.folder / "in/monday.mp4")
        (desk.folder / "in/monday.txt").write_text(SHORT)
        daemon.until(lambda e: e["event"] == "publications" and "proposed" in e["counts"])
        with desk.queue() as queue:
            (job,) = queue.list()
        until(desk, job.id, "site", Standing.PUBLISHED)
        assert len(videos(desk.folder / "places/site")) == 1
        waits = of(desk, job.id)["looked"]
        assert waits.state == Standing.PROPOSED and videos(desk.folder / "places/looked") == []
        assert gone(lambda: daemon.status()["publish"]["counts"] != {"proposed": 1}, WITHIN_S)
        assert daemon.status()["publish"]["targets"] == ["site", "looked"]
        approve(desk, waits)
        until(desk, job.id, "looked", Standing.PUBLISHED)
        assert len(videos(desk.folder / "places/looked")) == 1


def test_killed_while_it_sends_the_next_daemon_asks_before_it_sends_again(desk: Desk, hook: Hook) -> None:
    """The site has got it, and its answer never came. And no secret of a target lies about anywhere."""
    target = {"name": "site", "kind": "webhook", "url": f"{hook.url}/hook", "secret": SECRET}
    targets = [target | {"find_url": f"{hook.url}/videos/{{key}}"}]
    desk.variables["VIGENTD_PUBLISH__TARGET"] = json.dumps(targets)
    job = done(desk, "site")
    hook.hold.clear()
    with desk.daemon() as daemon:
        assert hook.got.wait(WITHIN_S), desk.said()
        until(desk, job, "site", Standing.SENDING)
        children = [pid for pid in desk.left() if pid != daemon.process.pid]
        assert children and not any(SECRET.encode() in _environ(pid) for pid in children)
        daemon.kill()
        assert gone(desk.left, WITHIN_S)
    hook.hold.set()
    other, refused = done(desk, "site"), done(desk, "site")
    with desk.daemon() as daemon:
        until(desk, job, "site", Standing.PUBLISHED)
        until(desk, other, "site", Standing.PUBLISHED)
        with desk.queue() as queue:
            book = Book(queue.database)
            row = of(desk, job)["site"]
            steps = [event.name for event in book.events(row.number or 0)]
        assert steps[-3:] == ["unsure", "settling", "published"]
        assert hook.kept.count(row.key) == 1 and len(hook.kept) == 2
        assert until(desk, refused, "site", Standing.HELD).error["code"] == "target_login"  # type: ignore[index]
        assert gone(lambda: (component(daemon, "publications") or {}).get("well", True), WITHIN_S)
        told = desk.vigentd("health")
        assert told.returncode == 1 and "publications  idle" in told.stdout, (told.stdout, told.stderr)
        assert daemon.desk.client.get("/health")["verdict"] == "degraded"
        assert gone(lambda: " alarm " not in desk.said(), WITHIN_S), desk.said()
    files = [file for file in desk.config.data_dir.rglob("*") if file.is_file()]
    assert len(files) > 3
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []
    assert SECRET not in desk.said()


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def test_targets_come_and_go_with_a_reload_and_a_mistake_changes_nothing(desk: Desk) -> None:
    for name in ("site", "other"):
        (desk.folder / "places" / name).mkdir(parents=True)
    job = done(desk, "site")
    with desk.daemon() as daemon:
        held = until(desk, job, "site", Standing.HELD)
        assert held.error is not None and held.error["code"] == "unknown_target"
        with daemon.configured(folder_target("site")):
            assert gone(lambda: not component(daemon, "publish:site"), WITHIN_S)
            approve(desk, held)
            until(desk, job, "site", Standing.PUBLISHED)
            file = desk.folder / "vigentd.toml"
            right = file.read_text()
            for wrong in ('colour = "red"\n', "path = 7\n", 'kind = "nowhere"\n'):
                key = wrong.split(" ")[0]
                file.write_text("".join(line for line in right.splitlines(True) if key not in line) + wrong)
                with pytest.raises(BadInput) as caught:
                    desk.client.post("/reload", {})
                assert caught.value.code in ("config_invalid", "unknown_kind")
            refused = daemon.status()["not_reloaded"]
            assert "nowhere" in refused["message"] and component(daemon, "publish:site")
            file.write_text(right.replace("places/site", "places/other"))
            daemon.reload()
        assert gone(lambda: component(daemon, "publish:site"), WITHIN_S)
    assert len(videos(desk.folder / "places/site")) == 1 and videos(desk.folder / "places/other") == []


def test_a_daemon_does_not_start_with_a_target_that_is_set_wrongly(desk: Desk) -> None:
    (desk.folder / "vigentd.toml").write_text(folder_target("site", colour='"red"'))
    said = desk.vigentd("run")
    assert said.returncode == 2 and "The target site: colour is no key of the kind folder" in said.stderr
    assert "Traceback" not in said.stderr and desk.left() == []
