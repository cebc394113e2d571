"""The runner: whatever a stage does, the job ends in a clear state, and its log says what happened."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer

from daemon.app import App, stopping
from daemon.commands.follow import follow
from daemon.commands.jobs import finish
from daemon.config import Config
from daemon.engines.roster import EngineAway
from daemon.jobs import JobRow, State
from daemon.queue import Queue
from daemon.runner import Runner
from daemon.stop import Stop
from daemon.store.lock import WorkerLock
from models.errors import BadInput, StageFailed
from models.gpu_faults import Fault
from models.host_errors import gpu_fault, stalled
from models.xid import Kind
from pipeline.deliver import deliver
from pipeline.job import Job
from pipeline.progress import JobProgress, Snapshot
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

STEPS = (Stage("captions", 1.0), Stage("compose", 1.0))


@dataclass
class TinyPipeline:
    """Two stages, through the real workspace. `during` happens in the second."""

    during: Callable[[Any], object] = lambda _: None
    made: list[str] = field(default_factory=list)
    delivered: list[Path] = field(default_factory=list)

    def names(self, spec: JobSpec) -> dict[str, str]:
        return {"speech": "none", "lipsync": "none"}

    def notes(self, spec: JobSpec) -> list[str]:
        return ["Nobody speaks"]

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings)

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        return workspace.folder(stage.name, {})

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        if (found := workspace.find(stage.name, {})) is not None:
            return Made(found, reused=True)

        def work(folder: Path) -> None:
            if stage.name == "compose":
                self.during(job.progress)
            self.made.append(stage.name)
            (folder / "video.mp4").touch()
            (folder / f"{stage.name}.json").write_text(json.dumps({"notes": [f"{stage.name} made"]}))

        return Made(workspace.make(stage.name, {}, work), reused=False)

    def deliver(self, compose: Path, captions: Path, out: Path) -> None:
        out.write_text(f"{compose.name} {captions.name}")
        self.delivered.append(out)


Work = Callable[..., JobRow]


@pytest.fixture
def work(queue: Queue, config: Config, spec: JobSpec) -> Work:
    """Submit a job (or take `job`), work it, and return its row."""

    def run(
        pipeline: TinyPipeline, *, stop: Stop | None = None, job: str | None = None, **changes: Any
    ) -> JobRow:
        job = job or queue.submit(spec.model_copy(update=changes)).id
        claim = queue.claim("tests", job)
        assert claim is not None
        Runner(queue, config, pipeline, pipeline.deliver, stop or Stop(), steps=STEPS).work(claim)
        return queue.get(job)

    return run


def log_of(config: Config, row: JobRow) -> str:
    return config.job_log(row.id).read_text("utf-8")


def test_a_job_that_works(work: Work, config: Config) -> None:
    row = work(TinyPipeline())
    assert (row.state, row.output) == ("done", str(config.results / f"{row.id}.mp4"))
    assert row.engines == {"speech": "none", "lipsync": "none"}
    assert row.notes == ["Nobody speaks", "captions made", "compose made"]
    assert row.timings.keys() == {"captions", "compose"}
    log = log_of(config, row)
    assert re.search(r"^\S+Z stage name=compose seconds=\d+\.\d+ reused=false artifact=compose-", log, re.M)
    assert log.count("\n") == 5


def test_the_log_tells_how_fast_was_spoken(queue: Queue, config: Config, spec: JobSpec) -> None:
    """How much came of how many seconds; nothing of what was there already."""

    class Speaking(TinyPipeline):
        def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
            made = super().make(stage, job, workspace)
            if stage.name == "speech":
                (made.artifact / "speech.json").write_text(json.dumps({"duration_s": 2.5, "notes": []}))
            return made

    pipeline, claim = Speaking(), queue.claim("tests", queue.submit(spec).id)
    assert claim is not None
    steps = (Stage("speech", 1.0), *STEPS)
    ticks = iter(range(10**6))
    Runner(
        queue, config, pipeline, pipeline.deliver, Stop(), steps=steps, clock=lambda: float(next(ticks))
    ).work(claim)
    said = [
        line for line in config.job_log(claim.job_id).read_text("utf-8").splitlines() if " stage " in line
    ]
    (told,) = (re.search(r"seconds=(\S+) .* spoken_s=(\S+) spoken_s_per_s=(\S+)$", line) for line in said[:1])
    assert told is not None and float(told[2]) == 2.5
    assert float(told[3]) == pytest.approx(2.5 / float(told[1]), abs=0.001)
    assert "spoken" not in "".join(said[1:])


def test_what_was_loaded_is_no_time_of_the_stage(queue: Queue, config: Config, spec: JobSpec) -> None:
    """Else the next job, of a daemon, would be expected to take as long."""
    now = 0.0

    def load(told: JobProgress) -> None:
        nonlocal now
        with told.loading("Qwen3-TTS"):
            now += 90.0
        now += 2.0

    pipeline, claim = TinyPipeline(load), queue.claim("tests", queue.submit(spec).id)
    assert claim is not None
    Runner(queue, config, pipeline, pipeline.deliver, Stop(), steps=STEPS, clock=lambda: now).work(claim)
    row = queue.get(claim.job_id)
    assert row.timings["compose"] == 2.0
    assert re.search(r" stage name=compose seconds=2\S* .* loading_s=90\S*$", log_of(config, row), re.M)


def test_the_result_is_kept_and_copied_to_out(work: Work, config: Config, tmp_path: Path) -> None:
    pipeline = TinyPipeline()
    row = work(pipeline, out=tmp_path / "final.mp4")
    assert row.output == str(tmp_path / "final.mp4")
    assert pipeline.delivered == [config.results / f"{row.id}.mp4", tmp_path / "final.mp4"]


def test_a_result_that_cannot_be_copied_is_named_where_it_lies(work: Work, config: Config) -> None:
    class Homeless(TinyPipeline):
        def deliver(self, compose: Path, captions: Path, out: Path) -> None:
            deliver(compose, captions, out)

    row = work(Homeless(), out=Path("/nowhere/final.mp4"))
    assert row.error is not None and row.error["code"] == "out_unwritable"
    kept = config.results / f"{row.id}.mp4"
    assert kept.exists() and str(kept) in row.error["hint"] and "--wait" in row.error["hint"]


def test_an_expected_failure_is_told_in_its_own_words(work: Work, config: Config) -> None:
    def fail(_: JobProgress) -> None:
        raise BadInput("No face is in the clip", code="no_face", hint="Use another clip.")

    row = work(TinyPipeline(fail))
    assert (row.state, row.error) == (
        "failed",
        {"code": "no_face", "message": "No face is in the clip", "hint": "Use another clip."},
    )
    assert "Traceback" not in log_of(config, row)


def test_a_bug_is_one_sentence_and_its_traceback_is_in_the_log(work: Work, config: Config) -> None:
    row = work(TinyPipeline(lambda _: 1 / 0))
    assert row.error is not None
    assert (row.state, row.error["code"]) == ("failed", "internal")
    assert "\n" not in row.error["message"] and "ZeroDivisionError" in row.error["message"]
    assert str(config.job_log(row.id)) in row.error["hint"]
    assert "ZeroDivisionError: division by zero" in log_of(config, row)


def test_a_full_disk_is_named(work: Work) -> None:
    def fill(_: JobProgress) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    row = work(TinyPipeline(fill))
    assert row.error is not None and row.error["code"] == "disk_full"


def test_a_missing_library_is_named(work: Work) -> None:
    def miss(_: JobProgress) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    row = work(TinyPipeline(miss))
    assert row.error is not None and row.error["code"] == "installation_broken"
    assert "doctor" in row.error["hint"]


def test_retry_uses_the_artifacts_that_are_there(work: Work, queue: Queue) -> None:
    failing = TinyPipeline(lambda _: 1 / 0)
    row = work(failing)
    assert failing.made == ["captions"]
    queue.retry(row.id)
    second = TinyPipeline()
    done = work(second, job=row.id)
    assert second.made == ["compose"]
    assert (done.state, done.reused) == (State.DONE, ["captions"])
    assert done.timings["captions"] == row.timings["captions"] > 0, "the time of the attempt that made it"


def test_cancel_from_elsewhere_stops_the_work_at_its_next_report(work: Work, queue: Queue) -> None:
    steps = []

    def long_work(told: JobProgress) -> None:
        running = queue.running()
        assert running is not None
        queue.cancel(running.id)
        told._every_s = 0.0  # the report of the next step is due
        for step in range(1000):
            steps.append(step)
            told.step(step, 1000)

    row = work(TinyPipeline(long_work))
    assert (row.state, row.error, row.cancel_asked) == ("cancelled", None, False)
    assert len(steps) <= 2


def test_told_to_go_the_job_returns_to_its_place_untried(work: Work, queue: Queue) -> None:
    stop = Stop()

    def long_work(told: JobProgress) -> None:
        stop.asked = "requeue"
        told.step(1, 2)

    row = work(TinyPipeline(long_work), stop=stop)
    assert (row.state, row.attempts) == ("queued", 0)


def test_what_breaks_on_the_way_out_is_not_the_reason(work: Work) -> None:
    """Ctrl-C in a terminal may reach a child program first; its death is not a failure of the job."""
    stop = Stop()

    def killed(_: JobProgress) -> None:
        stop.asked = "cancel"
        raise StageFailed("ffmpeg was ended from outside")

    assert work(TinyPipeline(killed), stop=stop).state == State.CANCELLED


def test_a_second_ctrl_c_ends_the_work_at_once_and_clearly(
    queue: Queue, config: Config, spec: JobSpec
) -> None:
    def interrupt(_: JobProgress) -> None:
        raise KeyboardInterrupt

    pipeline = TinyPipeline(interrupt)
    job = queue.submit(spec).id
    claim = queue.claim("tests")
    assert claim is not None
    with pytest.raises(KeyboardInterrupt):
        Runner(queue, config, pipeline, pipeline.deliver, steps=STEPS).work(claim)
    assert queue.get(job).state == State.CANCELLED


def test_a_report_that_cannot_be_written_does_not_end_the_work(
    queue: Queue, config: Config, spec: JobSpec
) -> None:
    """Somebody keeps the database locked (a backup, say) for longer than we wait."""
    impatient = Queue(config.database, busy_s=0.05)

    def locked(told: JobProgress) -> None:
        told._every_s = 0.0  # every step is reported
        with queue._db.writing() as s:
            s.connection()  # only now does the transaction begin
            told.step(1, 2)

    pipeline = TinyPipeline(locked)
    job = queue.submit(spec).id
    claim = impatient.claim("tests")
    assert claim is not None
    Runner(impatient, config, pipeline, pipeline.deliver, steps=STEPS).work(claim)
    impatient.close()
    row = queue.get(job)
    assert (row.state, row.error) == ("done", None)
    assert "unreported code=database_busy" in log_of(config, row)


def test_what_a_job_leaves_is_for_its_owner_only(tmp_path: Path, spec: JobSpec) -> None:
    """Also in a folder that was there before and is open to everybody, as it must stay."""
    config = Config(data_dir=tmp_path / "shared")
    config.data_dir.mkdir()
    config.data_dir.chmod(0o755)
    umask = os.umask(0o022)
    try:
        app = TinyApp(config, TinyPipeline())
        job = app.queue.submit(spec).id
        assert follow(app, job, Stop()).state == State.DONE
        app.close()
    finally:
        os.umask(umask)
    assert stat.S_IMODE(config.data_dir.stat().st_mode) == 0o755
    made = [*config.data_dir.iterdir(), config.job_dir(job), *config.job_dir(job).glob("*.log")]
    assert {path.name for path in made} >= {"vigentd.db", "worker.lock", "jobs", "results", "job.log"}
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_superseded_worker_says_nothing_and_delivers_nothing(work: Work, queue: Queue) -> None:
    taken = []

    def lose(_: JobProgress) -> None:
        queue.recover()
        taken.append(queue.claim("another"))

    pipeline = TinyPipeline(lose)
    row = work(pipeline)
    assert (row.state, row.owner) == ("running", "another")
    assert pipeline.delivered == []


# ---------------------------------------------------------------- waiting in the foreground


class TinyApp(App):
    def __init__(self, config: Config, pipeline: TinyPipeline) -> None:
        super().__init__(config)
        self.pipeline = pipeline

    def _runner(self, watch: Callable[[Snapshot], None], stop: Stop) -> Runner:
        tiny = self.pipeline
        return Runner(self.queue, self.config, tiny, tiny.deliver, stop, watch, steps=STEPS)


def test_waiting_works_the_job_off_though_others_are_before_it(
    queue: Queue, config: Config, spec: JobSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    first, mine = queue.submit(spec).id, queue.submit(spec).id
    app = TinyApp(config, TinyPipeline())
    assert follow(app, mine, Stop()).state == State.DONE
    assert queue.get(first).state == State.QUEUED
    said = capsys.readouterr()
    assert said.out == "" and "compose: 50%" in said.err
    assert said.err.startswith("starting") and "line" not in said.err, "it does not wait for its number"
    app.close()


def test_an_id_may_be_written_carelessly(
    queue: Queue, config: Config, spec: JobSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_long(_: int, __: object) -> None:
        raise TimeoutError("nobody takes the job up")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(10)
    app = TinyApp(config, TinyPipeline())
    job = queue.submit(spec).id
    try:
        row = finish(app, f" {job.upper()} ", as_json=False)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    app.close()
    assert row.state == State.DONE
    assert capsys.readouterr().out == f"{row.output}\n"


@pytest.mark.parametrize(
    ("number", "state"), [(signal.SIGINT, "cancelled"), (signal.SIGTERM, "queued"), (signal.SIGHUP, "queued")]
)
def test_signals_while_working_in_the_foreground(
    queue: Queue, config: Config, spec: JobSpec, number: signal.Signals, state: str
) -> None:
    steps = []

    def signalled(told: JobProgress) -> None:
        os.kill(os.getpid(), number)
        for step in range(1000):
            steps.append(step)
            told.step(step, 1000)

    app = TinyApp(config, TinyPipeline(signalled))
    row = follow(app, queue.submit(spec).id, Stop())
    assert row.state == state
    assert len(steps) == 1, "the next heartbeat is the last"
    assert app.queue.claim("next") is None if state == "cancelled" else app.queue.claim("next")
    app.close()


def test_ctrl_c_while_another_process_works_only_ends_the_watching(
    queue: Queue, config: Config, spec: JobSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    job = queue.submit(spec).id
    queue.claim("another process")
    app = TinyApp(config, TinyPipeline())
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with WorkerLock(config.data_dir) as lock:
            assert lock.take()
            with pytest.raises(typer.Exit):
                finish(app, job, as_json=False)
    finally:
        signal.signal(signal.SIGALRM, before)
    app.close()
    said = capsys.readouterr().err
    assert "goes on in another process" in said and f"`vigentd cancel {job}` would stop it" in said


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping(Stop()):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_else_works_on_a_job_ends_before_its_files_are_tidied(
    queue: Queue, config: Config, spec: JobSpec
) -> None:
    """The next job's speech is made ahead: tidied away under it, both would fail."""
    part = config.job_dir(queue.submit(spec).id) / "work" / "speech-0123456789ab.part"
    claim, there = queue.claim("tests"), []
    assert claim is not None
    part.mkdir(parents=True)

    def fail(_: Any) -> None:
        raise StageFailed("No")

    tiny = TinyPipeline(during=fail)
    runner = Runner(
        queue, config, tiny, tiny.deliver, steps=STEPS, settle=lambda _: there.append(part.exists())
    )
    runner.work(claim)
    assert queue.get(claim.job_id).state == State.FAILED
    assert there == [True] and not part.exists()


@pytest.mark.parametrize(("away", "state"), [(True, "queued"), (False, "failed")])
def test_a_job_whose_files_are_away_waits_for_them(
    queue: Queue, config: Config, spec: JobSpec, away: bool, state: str
) -> None:
    job = queue.submit(spec).id
    claim = queue.claim("tests")
    assert claim is not None

    def gone(_: JobProgress) -> None:
        raise FileNotFoundError(2, "No such file", str(spec.clip))

    pipeline = TinyPipeline(gone)
    Runner(queue, config, pipeline, pipeline.deliver, steps=STEPS, absent=lambda _: away).work(claim)
    row = queue.get(job)
    assert (row.state, row.attempts) == (state, 0 if away else 1)


# ---------------------------------------------------------------- work that gets nowhere


@dataclass
class Sticking(TinyPipeline):
    """Its second stage gets nowhere, so many times."""

    stalls: int = 1
    then: Callable[[], object] = lambda: None

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        if stage.name == "compose" and self.stalls:
            self.stalls -= 1
            self.then()
            raise stalled("media", Path("/logs/host-media.log"), 123.4)
        return super().make(stage, job, workspace)


def test_a_job_that_stalls_once_is_asked_for_again(work: Work, queue: Queue, config: Config) -> None:
    row = work(Sticking())
    assert (row.state, row.attempts, queue.times(row.id, "stalled")) == ("done", 1, 1)
    assert "stalled stage=compose silent_s=123.4" in log_of(config, row)


def test_a_job_that_stalls_twice_is_set_aside_and_the_next_one_is_made(work: Work) -> None:
    pipeline = Sticking(stalls=2)
    row = work(pipeline)
    assert row.state == "failed" and row.error == {
        "code": "job_stalled",
        "message": "The work on this job got nowhere twice, the last time in the compose stage for 123 s, "
        "so it was set aside",
        "hint": "Where it was stuck is written in /logs/host-media.log. "
        f"`vigentd retry {row.id} --wait` goes on from what is made.",
    }
    assert work(pipeline).state == "done"


def test_stalls_are_counted_over_daemons_until_the_job_is_retried(work: Work, queue: Queue) -> None:
    stop = Stop()

    def leave() -> None:
        stop.asked = "requeue"

    row = work(Sticking(then=leave), stop=stop)
    assert (row.state, queue.times(row.id, "stalled")) == ("queued", 1)
    other = work(Sticking())  # of another job they are counted apart
    assert other.state == "done"
    assert work(Sticking(), job=row.id).error_code == "job_stalled"
    queue.retry(row.id)
    assert queue.times(row.id, "stalled") == 0
    assert work(Sticking(), job=row.id).state == "done"


def test_a_person_who_cancels_meanwhile_is_obeyed(work: Work, queue: Queue) -> None:
    def cancel() -> None:
        running = queue.running()
        assert running is not None
        queue.cancel(running.id)

    row = work(Sticking(stalls=2, then=cancel))
    assert (row.state, row.error) == ("cancelled", None)


# ---------------------------------------------------------------- a GPU that fails


@dataclass
class OnGpu(TinyPipeline):
    """Its second stage meets a fault of the GPU, so many times; then, perhaps, the engine is away."""

    kind: Kind = "context"
    faults: int = 1
    away: bool = False

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        if stage.name == "compose" and self.faults:
            self.faults -= 1
            raise gpu_fault(Fault(self.kind, "device-side assert"))
        if stage.name == "compose" and self.away:
            raise EngineAway("The GPU cannot be used")
        return super().make(stage, job, workspace)


@pytest.mark.parametrize("kind", ["memory", "context", "ecc", "lost"])
def test_after_a_fault_of_the_gpu_the_job_goes_on(
    work: Work, queue: Queue, config: Config, kind: Kind
) -> None:
    row = work(OnGpu(kind=kind))
    assert (row.state, row.attempts, queue.times(row.id, f"gpu_{kind}")) == ("done", 1, 1)
    assert f"gpu_{kind} stage=compose" in log_of(config, row)


@pytest.mark.parametrize("kind", ["memory", "context"])
def test_a_job_that_fails_the_gpu_twice_is_set_aside_and_the_next_is_made(work: Work, kind: Kind) -> None:
    pipeline = OnGpu(kind=kind, faults=2)
    row = work(pipeline)
    assert row.state == "failed" and row.error is not None and row.error["code"] == f"gpu_{kind}"
    assert "twice" in row.error["message"] and "nvidia-smi" in row.error["hint"]
    assert work(pipeline).state == "done"


def test_no_job_is_to_blame_for_a_gpu_that_is_lost(work: Work, queue: Queue) -> None:
    """It waits, with all its attempts."""
    row = work(OnGpu(kind="lost", away=True))
    assert (row.state, row.attempts, row.error) == ("queued", 0, None)
    again = work(OnGpu(kind="lost", faults=3), job=row.id)
    assert again.state == "done" and again.attempts == 1


def test_even_so_it_does_not_go_on_for_ever(work: Work) -> None:
    assert work(OnGpu(kind="lost", faults=9)).error_code == "gpu_lost"
