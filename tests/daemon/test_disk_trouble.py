"""A full disk and a locked database at every write: plain words, nothing changed, and it works later."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from models.errors import Unavailable
from tests.daemon.conftest import ROOT
from tests.daemon.operations import OPERATIONS, Operation, files, opened, rows, scratch_folder

NO_LIMIT = 2**30


@contextmanager
def limited(pages: int) -> Iterator[list[sqlite3.Connection]]:
    """Databases that are opened now cannot grow beyond that. The connections, to let them."""
    there: list[sqlite3.Connection] = []

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")
        there.append(connection)

    event.listen(Pool, "connect", limit)
    try:
        yield there
    finally:
        event.remove(Pool, "connect", limit)


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


def act(operation: Operation, folder: Path) -> None:
    with opened(folder) as queue:
        operation.act(queue, folder)


def state_after(operation: Operation, before: Path) -> object:
    folder = before.with_name("after")
    shutil.copytree(before, folder)
    act(operation, folder)
    return rows(folder)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_database_that_cannot_grow(name: str, scratch: Path) -> None:
    """SQLITE_FULL from SQLite itself, one page later each time."""
    operation = OPERATIONS[name]
    before = scratch / "before"
    before.mkdir()
    operation.prepare(before)
    first = _fill_pages(before / "vigentd.db")
    rows_before, rows_after = rows(before), state_after(operation, before)
    for pages in range(first, first + 100):
        folder = scratch / str(pages)
        shutil.copytree(before, folder)
        with limited(pages) as connections:
            try:
                act(operation, folder)
            except Unavailable as e:
                assert e.code == "disk_full"
                assert e.message.endswith("cannot be used: the disk is full")
                assert e.hint == "Free some disk space and try again."
            else:
                assert rows(folder) == rows_after
                break
        assert connections
        assert rows(folder) == rows_before
        act(operation, folder)
        assert rows(folder) == rows_after
    assert pages > first, "it was refused at least once"
    assert pages < first + 99, "it had room enough in the end"


def _fill_pages(database: Path) -> int:
    """Leaves no room for another milestone in the pages that there are. Their number."""
    if not database.exists():
        return 1
    with closing(sqlite3.connect(database, isolation_level=None)) as raw:
        pages = int(raw.execute("PRAGMA page_count").fetchone()[0])
        job = raw.execute("SELECT id FROM job").fetchone()
        if job is None or raw.execute("PRAGMA user_version").fetchone()[0] < 3:
            return pages
        while True:
            raw.execute("BEGIN")
            raw.execute("INSERT INTO milestone (job_id, at, name, facts) VALUES (?, '', '', '{}')", job)
            if (more := int(raw.execute("PRAGMA page_count").fetchone()[0])) > pages:
                raw.execute("ROLLBACK")
                return pages
            raw.execute("COMMIT")
            pages = more


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if not operation.opens])
def test_a_queue_that_was_refused_goes_on_when_there_is_room(name: str, scratch: Path) -> None:
    """The same connection: nothing of the refused transaction is left in it."""
    operation = OPERATIONS[name]
    operation.prepare(scratch)
    pages = _fill_pages(scratch / "vigentd.db")
    rows_before = rows(scratch)
    with limited(pages) as connections, opened(scratch) as queue:
        for _ in range(2):
            with pytest.raises(Unavailable, match="the disk is full"):
                operation.act(queue, scratch)
            assert rows(scratch) == rows_before
        for connection in connections:
            connection.execute(f"PRAGMA max_page_count = {NO_LIMIT}")
        operation.act(queue, scratch)
    assert rows(scratch) != rows_before


# ---------------------------------------------------------------- a lock


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process in the middle of a transaction."""
    with closing(sqlite3.connect(database, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_database_that_another_process_keeps_locked(name: str, scratch: Path) -> None:
    operation = OPERATIONS[name]
    before = scratch / "before"
    before.mkdir()
    operation.prepare(before)
    folder = scratch / "now"
    shutil.copytree(before, folder)
    rows_before, rows_after, there = rows(before), state_after(operation, before), files(before)

    if operation.opens:
        with locked(folder / "vigentd.db"), pytest.raises(Unavailable) as caught:
            act_impatiently(operation, folder)
    else:
        with opened(folder, busy_s=0.02) as queue:
            with locked(folder / "vigentd.db"):
                with pytest.raises(Unavailable) as caught:
                    operation.act(queue, folder)
                assert len(queue.list()) == queue.count(), "who only reads does not wait"
            assert rows(folder) == rows_before
    assert caught.value.code == "database_busy"
    assert caught.value.message.endswith("cannot be used: another process keeps it locked")
    assert rows(folder) == rows_before
    assert {path: files(folder).get(path) for path in there} == there
    act(operation, folder)
    assert rows(folder) == rows_after


def act_impatiently(operation: Operation, folder: Path) -> None:
    with opened(folder, busy_s=0.02) as queue:
        operation.act(queue, folder)


# ---------------------------------------------------------------- a file system without room


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Operation → how many free pages it needed, on a tmpfs that only that process sees."""
    unshare = shutil.which("unshare")
    disk = tmp_path_factory.mktemp("disk")
    own = [str(unshare), "--map-root-user", "--mount"]
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if unshare is None or subprocess.run([*own, *mount], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    work = [sys.executable, "-m", "tests.daemon.starving", str(disk)]
    with scratch_folder() as elsewhere:
        done = subprocess.run(
            [*own, "sh", "-c", f'{shlex.join(mount)} && exec "$@"', "sh", *work, str(elsewhere)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_disk_that_is_full(name: str, starved: dict[str, int]) -> None:
    assert starved[name] > (30 if OPERATIONS[name].opens else 3), "else it was never really full"
