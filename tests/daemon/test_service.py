"""The daemon as it really runs: real engines, real hosts, real SIGKILL."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]
import pytest

from daemon.benches import processes
from daemon.folders import make_private
from daemon.jobs import State
from daemon.store.lock import WorkerLock
from models.errors import BadInput, VigentdError
from models.espeak import EspeakEngine
from pipeline.spec import JobSpec
from tests.daemon.daemon_kit import LONG, RELOADED, SHORT, Daemon, Desk, gone
from tests.face_kit import portrait


@pytest.fixture(scope="module")
def clip(album: Path) -> Path:
    """Of a second: it plays to and fro, and a face is followed only once through it."""
    return portrait(album, (180, 320), 1)


@pytest.fixture
def desk(tmp_path: Path, clip: Path) -> Desk:
    return Desk(tmp_path, clip)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Daemon]:
    """One for all tests that leave it running."""
    with Desk(tmp_path_factory.mktemp("desk"), clip).daemon() as daemon:
        yield daemon


def test_jobs_are_made_one_after_the_other_by_engines_that_stay(daemon: Daemon) -> None:
    """The old system loaded for 30 s before every job."""
    desk = daemon.desk
    first, second = desk.submit(), desk.submit("See you tomorrow.", music="calm")
    assert daemon.until_finished(second).state == State.DONE
    hosts = {host["name"]: host for host in daemon.status()["hosts"]}
    assert {name: host["starts"] for name, host in hosts.items()} == dict.fromkeys(hosts, 1)
    assert (hosts["speech"]["engine"], hosts["lipsync"]["engine"]) == (
        f"espeak/{EspeakEngine.version}",
        "mouthwarp/2",
    )
    for job_id in (first, second):
        row = desk.row(job_id)
        assert row.attempts == 1 and row.output is not None and Path(row.output).stat().st_size > 10_000
        happened = desk.milestones(job_id)
        assert happened == ["submitted", "claimed", *["stage"] * 6, "done"]
    assert desk.row(first).finished_at < desk.row(second).finished_at  # type: ignore[operator]
    assert not list((desk.folder / "tmp").iterdir())


def test_the_daemon_itself_stays_light(daemon: Daemon) -> None:
    """Neither the frameworks nor the decoders: what they leak or break is the hosts' to bear."""
    mapped = processes.maps(daemon.process.pid)
    assert not [name for name in ("torch", "mediapipe", "libav", "cv2", "numpy") if name in mapped]


def test_a_second_daemon_is_refused(daemon: Daemon) -> None:
    said = daemon.desk.vigentd("run")
    assert said.returncode == 2
    assert f"A vigentd daemon (process {daemon.process.pid}) works on" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_command_line_finds_the_daemon(daemon: Daemon) -> None:
    desk = daemon.desk
    script = desk.folder / "hello.txt"
    script.write_text(SHORT)
    said = desk.vigentd("submit", "--script", script, "--clip", desk.clip, "--wait", "--out", "final.mp4")
    assert said.returncode == 0, said.stderr
    assert (desk.folder / "final.mp4").stat().st_size > 10_000
    assert desk.vigentd("status").returncode == 0


def test_cancel_takes_effect_within_two_seconds_in_any_stage(daemon: Daemon) -> None:
    """And `retry` goes on from there."""
    desk = daemon.desk
    job_id, took = desk.submit(LONG), {}
    for stage in ("speech", "captions", "lipsync", "compose"):
        daemon.until_stage(job_id, stage)
        began = time.monotonic()
        row = daemon.cancel(job_id)
        took[stage] = time.monotonic() - began
        assert row.state == State.CANCELLED, stage
        children = psutil.Process(daemon.process.pid).children(recursive=True)
        assert gone(lambda c=children: [one for one in c if one.is_running() and "ffmpeg" in one.name()])  # type: ignore[misc]
        parts = [path.name for path in desk.config.job_dir(job_id).rglob("*.part")]
        assert all(name.startswith("lipsync-") for name in parts)  # that one is gone on with
        if stage != "compose":
            desk.client.post(f"/jobs/{job_id}/retry", {})
    assert median(took.values()) < 2.0 and max(took.values()) < 10.0, took  # the machine may hold one up


def test_the_key_of_a_program_makes_one_job(daemon: Daemon) -> None:
    client, wish = daemon.desk.client, {"clip": str(daemon.desk.clip), "script": SHORT, "key": "today"}
    first, again = client.post("/jobs", wish), client.post("/jobs", wish)
    assert first["id"] == again["id"] and first["source"] == "api"
    with pytest.raises(BadInput, match=r"The clip /nowhere.mp4 does not exist"):
        client.post("/jobs", wish | {"clip": "/nowhere.mp4", "key": "other"})
    assert client.post("/jobs", wish | {"clip": "/nowhere.mp4"})["id"] == first["id"]  # it moved since
    daemon.cancel(first["id"])


def test_a_job_that_nobody_works_on_is_taken_back(daemon: Daemon) -> None:
    """Its worker could not write its last word, say; it must not stand in the way for ever."""
    with daemon.desk.queue() as queue, queue._db.writing():  # the daemon must not be quicker
        job_id = queue.submit(JobSpec(script=SHORT, clip=daemon.desk.clip)).id
        assert queue.claim("a ghost", job_id) is not None
    daemon.until_stage(job_id, "lipsync")
    row = daemon.cancel(job_id)
    assert (row.state, row.attempts) == (State.CANCELLED, 2)


def test_a_killed_host_is_replaced_and_the_job_goes_on(daemon: Daemon) -> None:
    desk, starts = daemon.desk, daemon.host("lipsync")["starts"]
    job_id = desk.submit(LONG)
    daemon.until_stage(job_id, "lipsync")
    os.kill(daemon.host("lipsync")["pid"], signal.SIGKILL)
    daemon.until_stage(job_id, "compose")
    row = daemon.cancel(job_id)
    assert daemon.host("lipsync")["starts"] == starts + 1
    assert (row.attempts, row.reused) == (1, [])
    assert "process_gone" in desk.milestones(job_id)


@pytest.mark.slow
def test_the_process_that_encodes_early_may_die(daemon: Daemon) -> None:
    """The video is encoded in its turn then; the log says why that took longer."""
    desk = daemon.desk
    job_id = desk.submit(LONG)
    daemon.until_stage(job_id, "lipsync")
    daemon.until(lambda _: daemon.host("media")["stage"] == "compose")
    os.kill(daemon.host("media")["pid"], signal.SIGKILL)
    row = daemon.until_finished(job_id)
    assert (row.state, row.attempts) == (State.DONE, 1)
    log = desk.config.job_log(job_id).read_text("utf-8")
    assert "early_dropped stage=compose" in log and "killed by SIGKILL" in log
    assert "name=compose" in log and "early=true" not in log


@pytest.mark.slow
def test_a_job_that_wears_out_its_hosts_fails_and_the_next_one_is_made(daemon: Daemon) -> None:
    poison, good = daemon.desk.submit(LONG), daemon.desk.submit()
    for start in range(3):

        def works(_: object, first: int = daemon.host("lipsync")["starts"], start: int = start) -> bool:
            host = daemon.host("lipsync")
            return bool(host["job"] == poison and (start == 0 or host["starts"] > first))

        daemon.until(works)
        os.kill(daemon.host("lipsync")["pid"], signal.SIGKILL)
    row = daemon.until_finished(poison)
    daemon.until_stage(good, "compose")
    daemon.cancel(good)
    assert row.state == State.FAILED and row.error is not None
    assert row.error["code"] == "host_died" and "SIGKILL" in row.error["message"]


def test_it_waits_for_a_foreground_worker_and_bears_signals_meanwhile(desk: Desk) -> None:
    make_private(desk.config.data_dir)
    with WorkerLock(desk.config.data_dir) as lock:
        assert lock.take()
        with (desk.folder / "daemon.err").open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "run"], env=desk.environment, stderr=err
            )
        assert gone(lambda: "waiting_for_foreground" not in desk.said(), 60)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "Traceback" not in desk.said()


def test_sighup_takes_up_a_new_configuration_and_refuses_a_wrong_one(daemon: Daemon) -> None:
    desk = daemon.desk
    with daemon.configured("[speech]\nlead_s = 0.2\n"):
        file = desk.folder / "vigentd.toml"
        file.write_text("[speech]\nlead_s = 1.5\n")
        before = desk.said().count(RELOADED)
        daemon.process.send_signal(signal.SIGHUP)
        assert gone(lambda: desk.said().count(RELOADED) == before, 60)
        job_id = desk.submit()
        daemon.until_stage(job_id, "lipsync")
        daemon.cancel(job_id)
        file.write_text("[speech]\nlead_s = true\nnonsense = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        assert gone(lambda: "not_reloaded" not in desk.said(), 60)
        with pytest.raises(BadInput, match="nonsense"):
            desk.client.post("/reload")
        assert daemon.process.poll() is None
        refused = daemon.status()["not_reloaded"]
        assert "nonsense" in refused["message"] and refused["hint"]
    assert daemon.status()["not_reloaded"] is None
    (speech,) = desk.config.job_dir(job_id).glob("work/speech-*/speech.json")
    assert '"start_s": 1.5' in speech.read_text()


def test_what_this_machine_lacks_for_a_new_configuration_is_told(daemon: Daemon) -> None:
    """It stood in the log only, and without what to do about it."""
    desk, said = daemon.desk, len(daemon.desk.said())
    with daemon.configured("[speech]\nengine = 'espeak'\n"):
        (desk.folder / "vigentd.toml").write_text("[speech]\nengine = 'qwen3'\n")
        daemon.process.send_signal(signal.SIGHUP)
        assert gone(lambda: daemon.status()["not_reloaded"] is None, 60)
        card = desk.vigentd("status").stdout
        assert "config:    not taken up: The speech engine qwen3 cannot run here" in card
        assert "\nhint:      " in card and 'Or set speech.engine = "auto"' in card
        (line,) = (line for line in desk.said()[said:].splitlines() if "Z not_reloaded" in line)
        assert "code=engine_missing" in line and "set speech.engine" in line
    assert "config:" not in desk.vigentd("status").stdout


def test_the_next_script_is_spoken_ahead(daemon: Daemon) -> None:
    desk = daemon.desk
    with daemon.configured("[queue]\noverlap = true\n"):
        first, second, outdated = desk.submit(), desk.submit("See you."), desk.submit()
        with sqlite3.connect(desk.config.database) as database:
            database.execute("UPDATE job SET spec = '{}' WHERE id = ?", (outdated,))
        database.close()
        daemon.until_stage(first, "compose")
        daemon.cancel(first)
        daemon.until_stage(second, "compose")
        assert daemon.cancel(second).reused == ["speech"]
        daemon.until_finished(outdated)
    assert desk.row(outdated).error_code == "job_outdated"  # and that did not disturb the one before it


@pytest.mark.slow
def test_a_host_that_has_grown_too_large_is_replaced_between_jobs(daemon: Daemon) -> None:
    desk, starts = daemon.desk, daemon.host("lipsync")["starts"]
    with daemon.configured("[models]\nmax_rss = '1MB'\n"):
        first, second = desk.submit(), desk.submit()
        assert daemon.until_finished(first).state == State.DONE
        assert gone(lambda: daemon.host("lipsync")["starts"] == starts, 60), "it is still the same"
    daemon.until_stage(second, "compose")
    daemon.cancel(second)
    assert desk.row(first).attempts == desk.row(second).attempts == 1


def test_with_too_little_room_on_the_disk_jobs_wait_and_none_fails(daemon: Daemon) -> None:
    desk = daemon.desk
    script = desk.folder / "hello.txt"
    script.write_text(SHORT)
    with daemon.configured("[disk]\nmin_free = '900000GB'\n"):
        refused = desk.vigentd("submit", "--script", script, "--clip", desk.clip)
        assert refused.returncode == 2 and "free" in refused.stderr
        job_id = desk.submit()
        daemon.until(lambda _: "free" in daemon.status()["why"])
        assert daemon.status()["state"] == "waiting"
        assert desk.row(job_id).state == State.QUEUED
    daemon.until_stage(job_id, "speech")
    assert daemon.cancel(job_id).attempts == 1


@contextmanager
def programs(desk: Desk) -> Iterator[None]:
    """Four of them submit without a pause, also when there is nobody any more to submit to."""
    enough = threading.Event()

    def submit() -> None:
        while not enough.is_set():
            with contextlib.suppress(VigentdError):
                desk.client.post("/jobs", {"clip": str(desk.clip), "script": SHORT})

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def test_a_job_outlives_its_daemons(desk: Desk) -> None:
    """The first is told to stop and to lose no time, the second is killed, the third told when it is nearly
    done."""
    desk.variables["VIGENTD_QUEUE__STOP_GRACE"] = "0"
    with desk.daemon() as daemon:
        job_id = desk.submit()
        daemon.until_stage(job_id, "lipsync")
        assert daemon.stop() == 0
    row = desk.row(job_id)
    assert (row.state, row.attempts, row.error) == (State.QUEUED, 0, None)

    with desk.daemon() as daemon:
        daemon.until_stage(job_id, "compose")
        daemon.kill()
        assert gone(desk.left), "it takes its hosts along"
    row = desk.row(job_id)
    assert (row.state, row.attempts) == (State.RUNNING, 1)  # nobody could say anything
    assert row.reused == ["probe", "speech", "captions"]

    del desk.variables["VIGENTD_QUEUE__STOP_GRACE"]
    with desk.daemon() as daemon, programs(desk):
        daemon.until_stage(job_id, "verify")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 15
    row = desk.row(job_id)
    assert (row.state, row.attempts) == (State.DONE, 2)
    assert row.reused[:4] == ["probe", "speech", "captions", "lipsync"]
    with desk.queue() as queue:
        assert queue.count() > 1, "one at least of the programs came before the end"
