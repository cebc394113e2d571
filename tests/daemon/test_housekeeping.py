"""What is kept and what goes: never anything that is still needed, and nothing half-known after a kill."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ByteSize

from daemon.config import Config, DiskSettings
from daemon.disk import retention
from daemon.disk.housekeeping import (
    Housekeeping,
    Swept,
    Unlogged,
    empty_scratch,
    room,
    room_needed,
    sweep,
    tidy_job,
)
from daemon.disk.inventory import WORK
from daemon.jobs import JobRow, State
from daemon.publications.book import Book, Proposal
from daemon.publications.slots import Rules
from daemon.queue import Claim, Queue
from daemon.store.lookup import Finished
from handlers.publish.target import Receipt
from models.errors import BadInput, StageFailed, Unavailable
from pipeline import spill
from pipeline.result import temporary
from pipeline.spec import JobSpec
from tests.daemon.conftest import Cli
from tests.log_kit import Written

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FOR_EVER: dict[str, Any] = {"work_days": 0, "work_size": 0, "results_days": 0, "results_size": 0}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(config: Config, clock: Clock) -> Any:
    queue = Queue(config.database, now=clock)
    yield queue
    queue.close()


class House:
    """Jobs with files as the pipeline leaves them, and sweeps of them at NOW."""

    def __init__(self, config: Config, queue: Queue, clock: Clock, spec: JobSpec) -> None:
        self.config, self.queue, self.clock, self.spec = config, queue, clock, spec

    def job(
        self,
        state: str = "done",
        *,
        days: float = 0.0,
        work: int = 1000,
        result: int = 100,
        out: Path | None = None,
    ) -> str:
        """Ended `days` ago, and changed last at that time; work, result: bytes."""
        self.clock.now = NOW - days * DAY
        job = self.queue.submit(self.spec).id
        if state != "queued":
            claim = self.queue.claim("me", job)
            assert claim is not None
            self._ended(claim, state, out)
        self._fill(job, work, result if state == "done" else 0, days)
        self.clock.now = NOW
        return job

    def _ended(self, claim: Claim, state: str, out: Path | None) -> None:
        if state == "done":
            self.queue.finish(claim, out or self.video(claim.job_id))
        elif state == "failed":
            self.queue.fail(claim, StageFailed("It broke"))
        elif state == "cancelled":
            self.queue.cancel(claim.job_id)
            self.queue.release(claim)

    def _fill(self, job: str, work: int, result: int, days: float) -> None:
        folder = self.work(job) / "lipsync-0123456789ab"
        if work:
            folder.mkdir(parents=True)
            (folder / "chunk-000000.npz").write_bytes(b"x" * (work - 10))
            (folder / "artifact.json").write_bytes(b"x" * 10)
            self.log(job).write_text("claimed\n")
        if result:
            self.config.results.mkdir(parents=True, exist_ok=True)
            self.video(job).write_bytes(b"x" * (result - 10))
            self.video(job).with_suffix(".srt").write_bytes(b"x" * 10)
        self.aged(self.config.job_dir(job), days)

    def aged(self, path: Path, days: float) -> None:
        then = (NOW - days * DAY).timestamp()
        for inner in (*path.rglob("*"), path):
            if inner.exists():
                os.utime(inner, (then, then))

    def work(self, job: str) -> Path:
        return self.config.job_dir(job) / "work"

    def log(self, job: str) -> Path:
        return self.config.job_log(job)

    def video(self, job: str) -> Path:
        return self.config.results / f"{job}.mp4"

    def sweep(self, dry_run: bool = False, queue: Queue | None = None, **disk: Any) -> Swept:
        config = self.config.model_copy(update={"disk": DiskSettings(**(FOR_EVER | disk))})
        return Housekeeping(config, queue or self.queue, Unlogged(), self.clock).sweep(dry_run)

    def files(self) -> list[str]:
        data = self.config.data_dir
        here = (p.relative_to(data) for p in data.rglob("*"))
        return sorted(str(p) for p in here if not p.name.startswith("vigentd.db"))


@pytest.fixture
def house(config: Config, queue: Queue, clock: Clock, spec: JobSpec) -> House:
    return House(config, queue, clock, spec)


def gone(swept: Swept) -> list[tuple[str, str]]:
    return [(removed.what, removed.job) for removed in swept.removed]


# ---------------------------------------------------------------- work


def test_old_work_goes_and_the_log_stays_with_the_result(house: House) -> None:
    old, new = house.job(days=8), house.job(days=6)
    swept = house.sweep(work_days=7.0)
    assert gone(swept) == [("work", old)]
    assert swept.freed == swept.removed[0].bytes == 1000
    assert "older than 7 days" in swept.removed[0].why
    assert not house.work(old).exists() and house.log(old).exists() and house.video(old).exists()
    assert house.work(new).exists()
    assert house.queue.get(old).output == str(house.video(old))


def test_above_the_limit_the_oldest_work_goes_and_what_retry_needs_goes_last(house: House) -> None:
    failed, cancelled = house.job("failed", days=5), house.job("cancelled", days=4)
    first, second = house.job(days=3), house.job(days=2)
    assert gone(house.sweep(work_size=4000)) == []
    assert gone(house.sweep(work_size=3999)) == [("work", first)]
    assert gone(house.sweep(work_size=2000)) == [("work", second)]
    assert gone(house.sweep(work_size=1999)) == [("work", failed)]
    assert house.work(cancelled).exists()
    assert house.log(failed).exists()  # its reason is not old yet


def test_nothing_of_a_queued_or_running_job_goes(house: House) -> None:
    waiting, running = house.job("queued", days=50), house.job("running", days=50)
    half = temporary(house.video(running))
    half.parent.mkdir()
    half.write_bytes(b"half")
    house.video(running).with_suffix(".srt").write_text("delivered already")
    before = house.files()
    for dry_run in (True, False):
        swept = house.sweep(dry_run, work_days=0.001, work_size=1, results_days=0.001, results_size=1)
        assert swept.removed == []
    assert house.files() == before
    assert house.work(waiting).exists()


class Meddled(Queue):
    """Between the look and the sweep of it, somebody retries a job and a worker takes it."""

    def finished(self) -> Sequence[Finished]:
        rows = super().finished()
        for row in rows:
            self.retry(row.id)
            assert self.claim("me")
        return rows


def test_a_job_that_is_retried_during_the_sweep_keeps_its_work(house: House) -> None:
    job = house.job("failed", days=50)
    meddled = Meddled(house.config.database)
    try:
        assert house.sweep(queue=meddled, work_days=1.0).removed == []
    finally:
        meddled.close()
    assert house.work(job).exists()
    assert house.queue.get(job).state == State.RUNNING


def test_the_log_goes_with_the_last_thing_it_tells_of(house: House) -> None:
    done, failed, elsewhere = (
        house.job(days=8),
        house.job("failed", days=8),
        house.job(days=8, out=Path("/v.mp4")),
    )
    swept = house.sweep(work_days=7.0, results_days=7.0)
    assert {job for what, job in gone(swept) if what == "work"} == {done, failed, elsewhere}
    assert not house.config.job_dir(done).exists() and not house.config.job_dir(failed).exists()
    assert house.log(elsewhere).exists()  # its video is where the person wanted it


def test_the_log_of_a_job_that_failed_after_its_video_was_made_stays_with_the_video(house: House) -> None:
    job = house.job("failed", days=8)  # it could not be copied to the person
    house.config.results.mkdir()
    house.video(job).write_bytes(b"x")
    assert gone(house.sweep(work_days=7.0)) == [("work", job)]
    assert house.log(job).exists() and house.video(job).exists()
    house.sweep(work_days=7.0, results_days=7.0)
    assert not house.log(job).exists() and not house.video(job).exists()
    assert len(house.queue.get(job).notes) == 1


def test_an_empty_job_folder_goes(house: House) -> None:
    job = house.job(work=0)
    house.config.job_dir(job).mkdir(parents=True)
    assert gone(house.sweep()) == [("log", job)]
    assert not house.config.job_dir(job).exists()
    assert house.video(job).exists()


def test_zero_keeps_for_ever(house: House) -> None:
    house.job(days=5000, work=10**6, result=10**6)
    assert house.sweep().removed == []


def test_work_of_no_job_goes_after_a_day(house: House) -> None:
    jobs = house.config.job_dir("x").parent
    for name, days in (("0dd0dd00", 1.1), ("newnew00", 0.9), ("a folder of the person", 50)):
        (jobs / name / "work" / "speech-1").mkdir(parents=True)
        (jobs / name / "work" / "speech-1" / "a.wav").write_bytes(b"x" * 7)
        house.aged(jobs / name, days)
    swept = house.sweep()
    assert [(r.what, r.job, r.bytes) for r in swept.removed] == [("work", "0dd0dd00", 7)]
    assert sorted(p.name for p in jobs.iterdir()) == ["a folder of the person", "newnew00"]


# ---------------------------------------------------------------- results


def test_an_old_result_goes_and_its_row_says_so(house: House) -> None:
    old, new = house.job(days=31), house.job(days=29)
    swept = house.sweep(results_days=30.0)
    assert gone(swept) == [("result", old)]
    assert swept.freed == 100
    row = house.queue.get(old)
    assert row.output is None
    assert row.notes == ["The video was removed on 2026-11-21: it was older than 30 days (disk.results_days)"]
    assert [p.name for p in sorted(house.config.results.iterdir())] == [f"{new}.mp4", f"{new}.srt"]
    assert house.work(old).exists()


def test_above_the_limit_the_oldest_results_go(house: House) -> None:
    jobs = [house.job(days=days) for days in (3, 2, 1)]
    assert gone(house.sweep(results_size=300)) == []
    swept = house.sweep(results_size=250)
    assert gone(swept) == [("result", jobs[0])]
    assert "250 B" in swept.removed[0].why


def test_what_was_copied_to_the_person_is_never_touched(house: House, tmp_path: Path) -> None:
    out = tmp_path / "mine.mp4"
    out.write_bytes(b"x" * 90)
    inside = house.config.results / "mine.mp4"
    job, other = house.job(days=99, out=out), house.job(days=98, out=inside)
    inside.write_bytes(b"x")
    assert gone(house.sweep(results_days=1.0, results_size=1)) == [("result", job), ("result", other)]
    assert out.stat().st_size == 90 and inside.exists()
    row = house.queue.get(job)
    assert (row.output, row.notes) == (str(out), [])


def test_a_result_of_no_job_is_kept_as_long_as_any_other(house: House) -> None:
    """A database that was lost, or taken from a backup, must not cost all the videos."""
    video = house.config.results / "0dd0dd00.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"x")
    os.utime(video, (time.time() - 10**8,) * 2)
    assert house.sweep(results_days=10**6).removed == []
    assert gone(house.sweep(results_days=30.0)) == [("result", "0dd0dd00")]


def test_parts_of_a_result_of_no_job_go_after_a_day(house: House) -> None:
    house.config.results.mkdir(parents=True)
    for name, days in (("0dd0dd00", 1.1), ("newnew00", 0.9)):
        (house.config.results / f"{name}.srt").touch()
        house.aged(house.config.results / f"{name}.srt", days)
    assert gone(house.sweep()) == [("result", "0dd0dd00")]


def test_what_killed_deliveries_left_goes(house: House) -> None:
    failed, done = house.job("failed"), house.job()
    for job in (failed, done):
        temporary(house.video(job)).write_bytes(b"half")
    house.video(failed).with_suffix(".srt").write_text("the video would have come last")
    (house.config.results / ".someones.part").write_text("not ours")
    swept = house.sweep()
    assert sorted(gone(swept)) == sorted([("result", failed), ("temporary", failed), ("temporary", done)])
    names = {p.name for p in house.config.results.iterdir()}
    assert names == {f"{done}.mp4", f"{done}.srt", ".someones.part"}


def test_subtitles_whose_video_the_person_took_away_stay(house: House) -> None:
    job = house.job()
    house.video(job).rename(house.config.data_dir / "mine.mp4")
    assert house.sweep().removed == []
    assert house.queue.get(job).output is not None


# ---------------------------------------------------------------- links


def test_a_result_that_is_a_link_goes_and_what_it_leads_to_stays(house: House, tmp_path: Path) -> None:
    precious = tmp_path / "precious.mp4"
    precious.write_bytes(b"x" * 10**6)
    job = house.job(days=9)
    house.video(job).unlink()
    house.video(job).symlink_to(precious)
    swept = house.sweep(results_days=1.0)
    assert gone(swept) == [("result", job)]
    assert swept.freed < 1000
    assert not house.video(job).is_symlink()
    assert precious.stat().st_size == 10**6
    assert house.queue.get(job).output is None


def test_links_in_place_of_folders_are_not_followed(house: House, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "precious").write_bytes(b"x" * 10**6)
    linked_work, linked_inside, linked_job = house.job(days=9), house.job(days=9), house.job(days=9)
    house.work(linked_work).rename(tmp_path / "away")
    house.work(linked_work).symlink_to(outside)
    (house.work(linked_inside) / "speech-1").symlink_to(outside)
    house.config.job_dir(linked_job).rename(tmp_path / "job")
    house.config.job_dir(linked_job).symlink_to(outside)
    swept = house.sweep(work_days=1.0)
    assert {job for _, job in gone(swept)} == {linked_work, linked_inside}
    assert swept.freed < 3000
    assert (outside / "deep" / "precious").exists()
    assert house.config.job_dir(linked_job).is_symlink()


def test_a_results_folder_that_is_a_link_is_left_alone(house: House, tmp_path: Path) -> None:
    job = house.job(days=9)
    house.config.results.rename(tmp_path / "elsewhere")
    house.config.results.symlink_to(tmp_path / "elsewhere")
    assert house.sweep(results_days=1.0).removed == []
    assert house.video(job).exists()


# ---------------------------------------------------------------- how it goes about it


def test_a_dry_run_says_the_same_and_does_nothing(house: House) -> None:
    house.job(days=40)
    house.job("failed", days=40)
    rules: dict[str, Any] = {"work_days": 7.0, "results_days": 30.0}
    before = house.files()
    said = house.sweep(dry_run=True, **rules)
    assert house.files() == before
    assert len(said.removed) == 3
    assert house.sweep(**rules) == said
    assert house.sweep(**rules).removed == []


def test_what_cannot_be_removed_is_told_and_does_not_stop_the_rest(house: House) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file that cannot be removed")
    stuck, free = house.job(days=9), house.job(days=8)
    mount = house.work(stuck)
    os.system(f"mount -t tmpfs tmpfs {mount}")
    if not mount.is_mount():
        pytest.skip("nothing can be mounted here")
    try:
        swept = house.sweep(work_days=1.0)
        assert gone(swept) == [("work", free)]
        assert [path for path, _ in swept.failed] == [mount]
        assert "busy" in swept.failed[0][1]
    finally:
        os.system(f"umount {mount}")
    assert gone(house.sweep(work_days=1.0)) == [("work", stuck)]


def _killed_at(step: int, sweep: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Runs it in a child that kills itself before its step-th change of the disk; False: it had fewer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads of libraries that other tests have loaded
        child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _: Any) -> None:
            nonlocal left
            if event in ("os.rename", "os.remove", "os.rmdir", "expire"):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        told = Queue.expire

        def expire(*arguments: Any) -> None:
            count("expire", ())
            told(*arguments)

        try:
            monkeypatch.setattr(Queue, "expire", expire)
            sys.addaudithook(count)
            sweep()
            os._exit(0)
        finally:
            os._exit(1)  # or this copy of the tests would go on with the next one
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the sweep failed"
    return os.WIFSIGNALED(status)


def test_a_sweep_that_is_killed_anywhere_is_completed_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules: dict[str, Any] = {"work_days": 7.0, "results_size": 150}
    killed = 0
    while True:
        old, _, new = house.job(days=40 - killed / 10), house.job("failed", days=9), house.job()

        def sweep() -> None:
            queue = Queue(house.config.database, now=house.clock)  # a connection does not bear a fork
            house.sweep(queue=queue, **rules)

        was_killed = _killed_at(killed, sweep, monkeypatch)
        house.sweep(**rules)
        house.sweep(**rules)
        assert house.files() == sorted(
            ["jobs", f"jobs/{new}", f"jobs/{new}/job.log", f"jobs/{new}/work", "results"]
            + [
                f"jobs/{new}/{WORK}/lipsync-0123456789ab{name}"
                for name in ("", "/artifact.json", "/chunk-000000.npz")
            ]
            + [f"results/{new}.{suffix}" for suffix in ("mp4", "srt")]
        ), killed
        row = house.queue.get(old)
        assert row.output is None and len(row.notes) == 1, (killed, row.notes)
        assert "disk.results_size" in row.notes[0]
        assert house.queue.get(new).output == str(house.video(new))
        house.sweep(results_days=1e-9, work_days=1e-9)
        house.clock.now = NOW
        _clear(house)
        if not was_killed:
            break
        killed += 1
    assert killed >= 12


def _clear(house: House) -> None:
    """Everything finished before goes, so that the next round begins with nothing."""
    house.clock.now = NOW + DAY
    house.sweep(results_days=0.1, work_days=0.1)
    house.clock.now = NOW
    assert house.files() == ["jobs", "results"]


@pytest.fixture
def in_memory(clock: Clock, spec: JobSpec) -> Iterator[House]:
    """Where making many thousand files takes no time."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        config = Config(data_dir=Path(name) / "data")
        queue = Queue(config.database, now=clock)
        yield House(config, queue, clock, spec)
        queue.close()


def test_a_thousand_jobs_are_looked_through_in_a_second(in_memory: House) -> None:
    house = in_memory
    for job in _cloned(house, house.job(work=0), 1000):
        for stage in ("probe", "speech", "lipsync", "captions", "compose", "verify"):
            folder = house.work(job) / f"{stage}-0123456789ab"
            folder.mkdir(parents=True)
            for name in ("artifact.json", "a", "b"):
                (folder / name).touch()
        house.video(job).touch()

    def once() -> float:
        began = time.perf_counter()
        assert house.sweep(work_days=7.0, work_size=10**9).removed == []
        return time.perf_counter() - began

    assert min(once() for _ in range(3)) < 1.0


def _cloned(house: House, job: str, count: int) -> list[str]:
    ids = [f"{number:08d}" for number in range(count)]
    with sqlite3.connect(house.config.database) as db:
        columns = [name for name in JobRow.model_fields if name not in ("number", "id")]
        wanted = ", ".join(columns)
        db.executemany(
            f"INSERT INTO job (id, {wanted}) SELECT ?, {wanted} FROM job WHERE id = ?",
            [(new, job) for new in ids],
        )
    db.close()
    return ids


# ---------------------------------------------------------------- what the killed have left


def test_a_job_is_tidied_in_all_its_places_and_in_no_others(house: House, tmp_path: Path) -> None:
    job, other = house.job(), house.job()
    out, near = tmp_path / "final.mp4", tmp_path / "final2.mp4"
    ours = [temporary(p) for p in (house.video(job), house.video(job).with_suffix(".jpg"), out)]
    ours += [temporary(out.with_suffix(".srt")), house.work(job) / "hdr-abc"]
    theirs = [temporary(house.video(other)), temporary(near), tmp_path / ".final.mp4.part", out]
    for path in (*ours, *theirs):
        path.write_bytes(b"half")
    tidy_job(house.config, job, out)
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in theirs)
    assert house.video(job).exists() and house.video(job).with_suffix(".srt").exists()
    tidy_job(house.config, "unknown0", Path("/nowhere/at/all.mp4"))


def test_the_scratch_folder_is_emptied_without_following_links(config: Config, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    (precious / "deep").mkdir(parents=True)
    empty_scratch(config)
    (config.scratch / "tmp123" / "deep").mkdir(parents=True)
    (config.scratch / "file").touch()
    (config.scratch / "link").symlink_to(precious)
    empty_scratch(config)
    assert list(config.scratch.iterdir()) == []
    config.scratch.rmdir()
    config.scratch.symlink_to(precious)
    empty_scratch(config)
    assert config.scratch.is_dir() and not config.scratch.is_symlink()
    assert config.scratch.stat().st_mode & 0o777 == 0o700
    assert (precious / "deep").exists()


def test_a_scratch_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    with pytest.raises(Unavailable) as caught:
        empty_scratch(Config(data_dir=tmp_path / "data"))
    assert caught.value.code == "data_dir_unwritable"


# ---------------------------------------------------------------- room


def test_there_is_room_or_a_reason_with_both_numbers(config: Config) -> None:
    config.data_dir.mkdir()
    assert room(config) == ""
    full = config.model_copy(update={"disk": DiskSettings(min_free=ByteSize(10**18))})
    assert "1,000,000,000,000 MB" in room(full)
    assert str(config.data_dir) in room(full)
    assert "\n" not in room(full)


def test_a_data_folder_that_is_gone_is_a_reason(tmp_path: Path) -> None:
    assert "cannot be written" in room(Config(data_dir=tmp_path / "no"))


def test_a_job_needs_room_for_the_pictures_put_aside() -> None:
    assert room_needed() > spill.BYTES


# ---------------------------------------------------------------- the command


def test_clean_says_what_it_removes(house: House, cli: Cli) -> None:
    job = house.job(days=40)
    long_ago = (dt.datetime.now(dt.UTC) - NOW).days
    variables = {"VIGENTD_DISK__RESULTS_DAYS": str(20 + long_ago), "VIGENTD_DISK__WORK_DAYS": "0"}
    said = cli("clean", "--dry-run", "--json", **variables)
    assert said.json["dry_run"] is True and house.video(job).exists()
    assert [(r["what"], r["job"], r["bytes"]) for r in said.json["removed"]] == [("result", job, 100)]
    said = cli("clean", "--dry-run", **variables)
    assert "1 would be removed, 100 B would be freed." in said.out
    said = cli("clean", **variables)
    assert (said.code, said.err) == (0, "")
    assert job in said.out and "1 removed, 100 B freed." in said.out
    assert not house.video(job).exists()
    assert cli("clean", **variables).out == "Nothing to remove.\n"
    assert cli("clean", "--json", **variables).json["freed"] == 0


# ---------------------------------------------------------------- the daemon's own


def test_the_daemons_sweep_is_told_in_its_log_and_so_is_one_that_cannot_be(house: House) -> None:
    """While a job is at work: its files stay."""
    old, at_work = house.job(days=10_000), house.job("running", days=10_000)
    log = Written()
    sweep(house.config, house.queue, log)
    assert not house.work(old).exists() and house.work(at_work).exists()
    assert log.lines[-1] == ("swept", {"removed": 1, "freed_mb": 0})
    house.queue.close()
    house.config.database.write_bytes(b"garbage" * 1000)
    sweep(house.config, house.queue, log)
    name, facts = log.lines[-1]
    assert name == "not_swept" and "it is not a database" in str(facts["error"])


# ---------------------------------------------------------------- what is still to be published


def published(house: House, job: str, target: str = "site") -> None:
    book = Book(house.queue.database, now=house.clock)
    number, _ = book.propose(house.queue.get(job), target, Proposal({"title": "x"}))
    claim = book.claim(_due(book, target), searchable=True)
    assert claim is not None and claim.number == number
    book.published(claim, Receipt("1"))


def _due(book: Book, target: str) -> Rules:
    rules = Rules(target)
    book.fall_due(rules)
    return rules


@pytest.mark.parametrize("rule", [{"results_days": 7.0}, {"results_size": 50}])
def test_a_video_that_is_still_to_be_published_stays(house: House, rule: dict[str, Any], cli: Cli) -> None:
    house.spec = house.spec.model_copy(update={"publish": ("site", "tube")})
    job = house.job(days=50)  # done, and no daemon has looked at it yet
    swept = house.sweep(work_days=7.0, **rule)
    assert gone(swept) == [("work", job)] and swept.awaited == [job]
    assert house.video(job).exists() and house.log(job).exists()
    published(house, job)
    swept = house.sweep(**rule)
    assert gone(swept) == [] and swept.awaited == [job]  # there is the other target
    published(house, job, "tube")
    swept = house.sweep(**rule)
    assert ("result", job) in gone(swept) and swept.awaited == []
    assert house.queue.get(job).output is None
    with house.queue.database.reading() as s:  # what was told of it stays whole
        assert s.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_what_is_published_while_a_sweep_runs_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the plan and the removing somebody wants it at a target."""
    job = house.job(days=50)
    planned = retention.plan

    def then(*said: Any) -> Any:
        steps = planned(*said)
        row = house.queue.get(job)
        Book(house.queue.database).propose(row, "site", Proposal({"title": "x"}, approval=None))
        return steps

    monkeypatch.setattr(retention, "plan", then)
    assert gone(house.sweep(results_days=7.0)) == [] and house.video(job).exists()


def test_clean_says_why_a_video_stays(house: House, cli: Cli) -> None:
    house.spec = house.spec.model_copy(update={"publish": ("site",)})
    job = house.job(days=50, work=0)
    said = cli("clean", VIGENTD_DISK__RESULTS_DAYS="7")
    assert said.code == 0 and f"1 video stays until published ({job})" in said.err
    assert cli("clean", "--json", VIGENTD_DISK__RESULTS_DAYS="7").json["awaited"] == [job]


def test_a_video_that_is_still_to_be_published_is_not_written_over(queue: Queue, spec: JobSpec) -> None:
    spec = spec.model_copy(update={"publish": ("site",), "out": Path("/videos/one.mp4")})
    first = queue.submit(spec)
    claim = queue.claim("me", first.id)
    assert claim is not None
    queue.finish(claim, Path("/videos/one.mp4"))
    with pytest.raises(BadInput, match="still to be published") as caught:
        queue.submit(spec)
    assert caught.value.code == "out_taken"
    book = Book(queue.database)
    number, _ = book.propose(queue.get(first.id), "site", Proposal({"title": "x"}))
    book.skip(number, "me")
    queue.submit(spec)
