"""Databases of older versions: what is in them stays, and what they lacked is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from daemon.config import Config
from daemon.publications.tables import key_of
from daemon.queue import Queue
from daemon.store.database import Database
from daemon.store.upgrades import UPGRADES
from models.errors import BadInput, Unavailable
from pipeline.spec import JobSpec
from tests.daemon.claims import claimed

OLD = Path(__file__).parent / "databases"  # made by the vigentd of their day, dumped as SQL


def _old_database(config: Config, version: int) -> None:
    config.data_dir.mkdir()
    with closing(sqlite3.connect(config.database)) as raw:
        raw.executescript((OLD / f"version{version}.sql").read_text("utf-8"))


def _shape(path: Path) -> dict[str, object]:
    """Tables with their columns and foreign keys, indexes with their columns: all but how they are spelt."""
    with closing(sqlite3.connect(path)) as raw:
        names = raw.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
        ask = {"table": ("table_info", "foreign_key_list"), "index": ("index_xinfo",)}
        return {
            name: [sorted(row[1:4] for row in raw.execute(f"PRAGMA {what}({name})")) for what in ask[kind]]
            for kind, name in names
        }


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_a_database_of_an_older_version_loses_nothing(config: Config, spec: JobSpec, version: int) -> None:
    _old_database(config, version)
    with closing(sqlite3.connect(config.database)) as raw:
        raw.row_factory = sqlite3.Row
        before = [dict(row) for row in raw.execute("SELECT * FROM job ORDER BY number")]
    queue = Queue(config.database)
    with closing(sqlite3.connect(config.database)) as raw:
        raw.row_factory = sqlite3.Row
        after = [dict(row) for row in raw.execute("SELECT * FROM job ORDER BY number")]
    assert len(before) == len(after) == 6
    assert [old | new for old, new in zip(before, after, strict=True)] == after
    assert [{k: new[k] for k in old} for old, new in zip(before, after, strict=True)] == before
    assert queue.get("0hapcq01").timings == {"speech": 1.5} and queue.get("0hapcq01").reused == []
    assert list(queue.positions()) == ["0hapep05", "0hapef04"]
    assert queue.milestones("0hapcq01") == []
    queue.recover()
    assert claimed(queue).job_id == "0hapep05"
    queue.close()


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_an_upgraded_database_is_like_a_new_one(
    config: Config, queue: Queue, tmp_path: Path, version: int
) -> None:
    older = Config(data_dir=tmp_path / "older")
    _old_database(older, version)
    Queue(older.database).close()
    assert _shape(older.database) == _shape(config.database)


def test_a_job_that_ran_when_there_was_one_lane_runs_in_the_first(config: Config, spec: JobSpec) -> None:
    _old_database(config, 6)
    queue = Queue(config.database)
    (running,) = queue.all_running()
    assert running.lane == 0 and queue.claim("tests") is None
    assert queue.claim("tests", lane=1) is not None
    assert [row.lane for row in queue.all_running()] == [0, 1]
    queue.recover()
    assert queue.all_running() == []
    queue.close()


def test_what_was_done_before_there_was_publishing_is_not_published_now(config: Config) -> None:
    _old_database(config, 5)
    with closing(sqlite3.connect(config.database)) as raw, raw:
        raw.execute("""UPDATE job SET spec = json_set(spec, '$.publish', json('["site"]'))""")
    Queue(config.database).close()
    with closing(sqlite3.connect(config.database)) as raw:
        done = raw.execute("SELECT id, created_at FROM job WHERE state = 'done'").fetchall()
        kept = raw.execute("SELECT job_id, key, target, state FROM publication").fetchall()
    assert done and kept == [(job, key_of(job, at, "site"), "site", "skipped") for job, at in done]


def test_an_upgraded_job_still_keeps_its_place_for_the_result(config: Config, spec: JobSpec) -> None:
    _old_database(config, 2)
    queue = Queue(config.database)
    for taken in ("/videos/a.b.mp4", "/videos/news.mp4", "/videos/x/../news.MP4"):
        with pytest.raises(BadInput, match="already") as caught:
            queue.submit(spec.model_copy(update={"out": Path(taken)}))
        assert caught.value.code == "out_taken"
    queue.submit(spec.model_copy(update={"out": Path("/videos/gone.mp4")}))
    with pytest.raises(BadInput, match="already"):
        queue.retry("0hapex06")  # cancelled, and now another one writes there
    queue.close()


def _add_colour(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE job ADD COLUMN colour VARCHAR")


def test_an_older_database_is_upgraded_without_loss(config: Config, queue: Queue, spec: JobSpec) -> None:
    job = queue.submit(spec).id
    queue.close()
    newer = Database(config.database, upgrades=[*UPGRADES, _add_colour])
    with newer.reading() as s:
        assert s.connection().exec_driver_sql("PRAGMA user_version").scalar_one() == len(UPGRADES) + 2
        assert s.connection().exec_driver_sql("SELECT id, colour FROM job").all() == [(job, None)]
    newer.close()
    with pytest.raises(Unavailable, match="newer vigentd") as caught:
        Queue(config.database)
    assert caught.value.code == "database_newer"
