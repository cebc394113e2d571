"""The write probe on real files: locked by another process, full, read-only, damaged, replaced."""

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

from daemon.config import Config
from daemon.health.database_probe import LOCKED_S, WriteProbe, database_probe
from daemon.health.probe import Probe
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.conftest import ROOT
from tests.daemon.health.kit import Clock, pass_by
from tests.log_kit import Written

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """By another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(10)


@pytest.fixture
def write(config: Config, queue: Queue) -> Iterator[WriteProbe]:
    write = WriteProbe(config.database, busy_s=0.01)
    yield write
    write.close()


def test_each_look_really_writes_one_page_and_changes_nothing(config: Config, write: WriteProbe) -> None:
    log = config.database.with_name("vigentd.db-wal")
    write()
    before, rows = log.stat().st_size, _dump(config.database)
    for _ in range(5):
        assert write().worked
    assert log.stat().st_size - before == 5 * (4096 + 24)  # pages, and their heads in the log
    assert _dump(config.database) == rows


def test_the_log_does_not_grow_for_ever_when_nobody_else_writes(config: Config, write: WriteProbe) -> None:
    for _ in range(2500):
        assert write().worked
    assert config.database.with_name("vigentd.db-wal").stat().st_size < 5 * 2**20


def test_the_queue_goes_on_beside_it(queue: Queue, spec: JobSpec, write: WriteProbe) -> None:
    for number in range(1, 21):
        queue.submit(spec)
        assert write().worked and queue.counts()["queued"] == number


def test_a_lock_is_a_trouble_in_plain_words_and_a_stall_only_when_it_lasts(
    config: Config, queue: Queue
) -> None:
    """A backup of a minute must not make the watchdog end a daemon that makes a video."""
    clock = Clock()
    probe = _probe(config.database, clock)
    with locked(config.database):
        assert pass_by(30, clock, probe.health, probe.look).well
        late = pass_by(1, clock, probe.health, probe.look)
        assert not late.well and late.state == "idle" and late.age_s == 31
        assert "another process keeps it locked" in late.trouble and late.hint
        assert pass_by(LOCKED_S - 31, clock, probe.health, probe.look).state == "idle"
        late = pass_by(1, clock, probe.health, probe.look)
    assert late.state == "stalled" and late.vital
    found = pass_by(1, clock, probe.health, probe.look)
    assert (found.state, found.well, found.age_s) == ("idle", True, 0)


def test_a_damaged_file_is_told(config: Config, write: WriteProbe) -> None:
    with config.database.open("r+b") as file:
        file.write(b"garbage " * 100)
    found = write()
    assert not found.worked and not found.passing and "it is not a database" in found.trouble and found.hint


def test_a_file_that_was_replaced_is_told_and_none_is_made_in_its_place(
    config: Config, write: WriteProbe
) -> None:
    assert write().worked
    away = config.database.rename(config.database.with_name("away.db"))
    gone = write()
    assert "cannot be looked at: No such file" in gone.trouble and not gone.worked
    assert not config.database.exists()
    shutil.copy(away, config.database)
    assert "replaced while the daemon uses it" in write().trouble
    config.database.unlink()
    away.rename(config.database)
    assert write().worked


def test_a_full_and_a_read_only_disk_are_told(tmp_path: Path) -> None:
    unshare = [str(shutil.which("unshare")), "--map-root-user", "--mount"]
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run([*unshare, *mount], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    work = [sys.executable, "-m", "tests.daemon.health.small_disk", str(tmp_path)]
    done = subprocess.run(
        [*unshare, "sh", "-c", f'{shlex.join(mount)} && exec "$@"', "sh", *work],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    well, full, again, read_only = json.loads(done.stdout)
    assert (well, again) == ("", "")
    assert "the disk is full" in full
    assert "it cannot be opened" in read_only


def _probe(path: Path, clock: Clock) -> Probe:
    return database_probe(path, Written(), clock, busy_s=0.01)


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
