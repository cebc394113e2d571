"""Waiting for a job beside a daemon: live while it is there, patient while it is away, never for ever.

What waiting does without a daemon is in test_runner.py.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from daemon.commands import follow as follow_module
from daemon.commands.follow import Bar, Expected, Lines, follow
from daemon.commands.jobs import finish
from daemon.commands.terminal import duration
from daemon.config import Config
from daemon.control import unix_socket
from daemon.jobs import JobRow, State
from daemon.queue import Claim, Queue
from daemon.stop import Stop
from daemon.store.lock import WorkerLock
from pipeline.spec import JobSpec
from tests.daemon.conftest import ROOT
from tests.daemon.control_kit import TinyOffice, serving, until
from tests.daemon.test_runner import TinyApp, TinyPipeline

VIDEO = Path("/videos/final.mp4")


class CountingApp(TinyApp):
    looks = 0

    def job(self, job_id: str) -> tuple[JobRow, int | None]:
        self.looks += 1
        return super().job(job_id)


@pytest.fixture
def app(config: Config) -> Iterator[CountingApp]:
    app = CountingApp(config, TinyPipeline())
    yield app
    app.close()


@contextmanager
def daemon(office: TinyOffice, config: Config) -> Iterator[None]:
    """Holds the lock and serves the socket, as the daemon does, until the end of the block."""
    with WorkerLock(config.data_dir, "daemon") as lock:
        until(lock.take)
        with serving(office, config.socket):
            yield


@contextmanager
def meanwhile(happens: Callable[[], object]) -> Iterator[None]:
    """In another thread: signals come to the one that waits."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            happens()
        except BaseException as e:
            failed.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def claimed(queue: Queue) -> Claim:
    claim = queue.claim("the daemon")
    assert claim is not None
    return claim


def test_progress_is_shown_live_and_the_database_is_left_alone(
    app: CountingApp,
    office: TinyOffice,
    config: Config,
    spec: JobSpec,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_module, "LOOK_S", 60.0)
    job = office.queue.submit(spec).id

    def work() -> None:
        until(lambda: office.events._subscriptions)
        claim = claimed(office.queue)
        office.tell(office.queue.get(job))
        for tenth in range(10):
            office.events.publish(
                "progress", job=job, stage="lipsync", progress=tenth / 10, eta_s=9.0 - tenth
            )
            time.sleep(0.03)
        office.queue.finish(claim, VIDEO)
        office.tell(office.queue.get(job))

    with daemon(office, config), meanwhile(work):
        assert follow(app, job, Stop()).state == State.DONE
    said = capsys.readouterr().err
    assert said.startswith("next in line: 0%\n")
    assert "lipsync: 50%, about 4 s left" in said and "waiting" not in said
    assert app.looks <= 5, "at the start, at hello, at each of two states"
    assert not [thread for thread in threading.enumerate() if thread.name == "live"]


def test_what_is_loaded_is_told_once_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person saw "speech: 1%" for minutes."""
    lines = Lines()
    for loading in ("", "Qwen3-TTS", "Qwen3-TTS", ""):
        lines.update("speech", 0.013, None, loading)
    assert capsys.readouterr().err == "speech: 1%\nspeech: loading Qwen3-TTS …\nspeech: 1%\n"
    now, screen = 0.0, io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(follow_module, "console", lambda **_: console)
    bar = Bar(lambda: now)
    bar._progress.live.auto_refresh = False
    with bar:
        bar.update("speech", 0.013, None, "Qwen3-TTS")
        for now in (41.0, 95.0):
            bar.update("speech", 0.013, None, "Qwen3-TTS")
            bar._progress.refresh()
            assert f"{duration(now):>16}" in screen.getvalue()
        assert "speech: loading Qwen3-TTS" in screen.getvalue()
        screen.truncate(0)
        bar.update("speech", 0.013, 20.0)
        bar._progress.refresh()
        assert "20 s left" in screen.getvalue() and "loading" not in screen.getvalue()


def test_why_a_job_waits_is_told(
    app: CountingApp,
    office: TinyOffice,
    config: Config,
    spec: JobSpec,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else a person sees "next in line" for ever while an engine cannot be loaded."""
    job = office.queue.submit(spec).id
    office.reason = "The lip-sync engine cannot be loaded"

    def work() -> None:
        until(lambda: "waiting: The lip-sync engine cannot be loaded" in capsys.readouterr().err)
        office.reason = ""
        office.events.publish("queue", why="")
        until(lambda: "next in line" in capsys.readouterr().err)
        office.queue.finish(claimed(office.queue), VIDEO)
        office.tell(office.queue.get(job))

    with daemon(office, config), meanwhile(work):
        assert follow(app, job, Stop()).state == State.DONE


def test_a_state_of_which_no_event_told_is_found_in_the_database(
    app: CountingApp,
    office: TinyOffice,
    config: Config,
    spec: JobSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_module, "LOOK_S", 0.6)
    job = office.queue.submit(spec).id

    def work() -> None:
        until(lambda: office.events._subscriptions)
        office.queue.finish(claimed(office.queue), VIDEO)

    began = time.monotonic()
    with daemon(office, config), meanwhile(work):
        assert follow(app, job, Stop()).state == State.DONE
    assert time.monotonic() - began < follow_module.LOOK_S + 10
    assert app.looks <= 4


A_DAEMON = """
import sys, time
from pathlib import Path
from daemon.control.events import Events
from daemon.store.lock import WorkerLock
from daemon.queue import Queue
from tests.daemon.control_kit import TinyOffice, serving, until

folder, name = Path(sys.argv[1]), sys.argv[2]
events, queue, lock = Events(), Queue(folder / "vigentd.db"), WorkerLock(folder, "daemon")
assert lock.take()
queue.recover()
claim = queue.claim(name)
with serving(TinyOffice(queue, events), folder / "control.sock"):
    for _ in range(8 if name == "last" else 400):
        events.publish("progress", job=claim.job_id, stage=name, progress=0.3, eta_s=None)
        time.sleep(0.05)
    queue.finish(claim, Path("/videos/final.mp4"))
    events.publish("job", id=claim.job_id)
"""


def test_a_daemon_that_is_killed_and_restarted_is_waited_for(
    app: CountingApp,
    queue: Queue,
    config: Config,
    spec: JobSpec,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With SIGKILL, so that its socket stays and its job is marked as running."""
    job = queue.submit(spec).id

    def start(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", A_DAEMON, str(config.data_dir), name]
        return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})

    def said() -> str:
        heard.append(capsys.readouterr().err)
        return "".join(heard)

    heard: list[str] = []
    first = start("first")
    until(app.daemon_runs)

    def happens() -> None:
        with first:
            until(lambda: "first: 30%" in said())
            first.send_signal(signal.SIGKILL)
        assert config.socket.exists() and queue.get(job).state == State.RUNNING
        until(lambda: "waiting for the daemon" in said())
        assert start("last").wait(20) == 0

    with meanwhile(happens):
        assert follow(app, job, Stop(), grace_s=15).state == State.DONE
    assert "last: 30%" in said() and "did not come back" not in said()
    assert app.pipeline.made == []


def test_a_daemon_that_does_not_come_back_is_done_without_after_a_while(
    app: CountingApp, office: TinyOffice, config: Config, spec: JobSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    job = office.queue.submit(spec).id
    gone: list[float] = []

    def happens() -> None:
        with daemon(office, config):
            here.set()
            until(lambda: office.events._subscriptions)
            claimed(office.queue)
        gone.append(time.monotonic())

    here = threading.Event()
    with meanwhile(happens):
        here.wait(60)
        assert follow(app, job, Stop(), grace_s=1.0).state == State.DONE
    assert 0.9 < time.monotonic() - gone[0] < 30
    said = capsys.readouterr().err
    assert "waiting for the daemon" in said and "did not come back within 1 s" in said
    assert app.pipeline.made == ["captions", "compose"]
    assert office.queue.get(job).attempts == 2


@pytest.mark.parametrize("away", [False, True], ids=["beside it", "while it is away"])
def test_ctrl_c_beside_a_daemon_only_ends_the_watching(
    app: CountingApp,
    office: TinyOffice,
    config: Config,
    spec: JobSpec,
    away: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_module, "LOOK_S", 0.6)
    job = office.queue.submit(spec).id
    here, go = threading.Event(), threading.Event()

    def happens() -> None:
        with daemon(office, config):
            here.set()
            until(lambda: office.events._subscriptions)
            if not away:
                time.sleep(0.2)
                os.kill(os.getpid(), signal.SIGINT)
                go.wait(60)
        if away:
            until(lambda: "waiting for the daemon" in capsys.readouterr().err)
            os.kill(os.getpid(), signal.SIGINT)

    with meanwhile(happens):
        here.wait(60)
        began = time.monotonic()
        assert follow(app, job, Stop(), grace_s=60).state == State.QUEUED
        assert time.monotonic() - began < 20
        go.set()
    assert office.queue.get(job).state == State.QUEUED


def test_a_daemon_that_hangs_is_watched_through_the_database(
    app: CountingApp, queue: Queue, config: Config, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_module, "LOOK_S", 0.6)
    job = queue.submit(spec).id
    with WorkerLock(config.data_dir, "daemon") as lock, unix_socket.listen(config.socket):
        assert lock.take()
        timer = threading.Timer(0.5, lambda: queue.finish(claimed(queue), VIDEO))
        timer.start()
        began = time.monotonic()
        assert finish(app, job, as_json=False).state == State.DONE
        assert time.monotonic() - began < 20
        timer.join()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "live"])


def test_a_daemon_is_expected_back_only_where_one_was(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    daemon = Expected(5.0, lambda: now[0])

    def look(at: float, runs: bool) -> str:
        now[0] = at
        return daemon.look(runs)

    assert look(0, False) == "none", "there was none"
    assert look(10, True) == "here"
    assert look(90, False) == "missed", "the grace begins when it is found gone"
    assert look(94, True) == "here"
    assert look(96, False) == "missed"
    assert look(100.9, False) == "missed"
    assert capsys.readouterr().err == ""
    assert look(101, False) == "none"
    assert "did not come back" in capsys.readouterr().err
    assert look(102, False) == "none" and capsys.readouterr().err == ""
    assert look(103, True) == "here", "it came after all"
