"""A stage that is begun early saves time and changes nothing: no artifact, no error, no stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.budgets import even
from models.errors import Cancelled, ProcessDied, StageFailed
from models.progress import Progress
from pipeline import stages
from pipeline.early import Early
from pipeline.job import Job
from pipeline.patches import CHUNK, read_patches, write_chunk
from pipeline.progress import JobProgress
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace, unfinished

LIPS, VIDEO = Stage("lipsync", 1.0, resumable=True), Stage("compose", 1.0, follows=True, floors=even(0.4))
SOON_S = 20.0  # for what happens at once


def nothing(*_: object) -> None:
    pass


@dataclass
class Two:
    """Two stages, the second of which follows the first; what each does beside leaving an artifact."""

    space: Workspace
    lips: Callable[[Progress], None] = nothing
    video: Callable[[Progress], None] = nothing
    at: str = "same"
    made: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    progress: JobProgress = field(default_factory=lambda: JobProgress({"lipsync": 1.0, "compose": 1.0}))

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        return workspace.folder(stage.name, {"at": self.at})

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        takes = str(job.artifacts.get("lipsync", "")) if stage is not LIPS else ""
        inputs = {"at": "same"} if stage is LIPS else {"takes": takes}

        def work(_: Path) -> None:
            self.made.append(stage.name)
            (self.lips if stage is LIPS else self.video)(job.progress)

        return Made(workspace.make(stage.name, inputs, work), reused=False)

    def run(self) -> Job:
        job = Job(JobSpec(script="a", clip=Path("c.mp4")), Settings())
        how = Early(self.folder, self.make, lambda stage, why: self.dropped.append(f"{stage}: {why}"))
        return stages.run(job, self.space, self.progress, make=self.make, steps=(LIPS, VIDEO), early=how)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def until(event: threading.Event) -> None:
    assert event.wait(SOON_S), "nobody began early"


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "early"]


def test_it_works_while_the_stage_before_it_does(space: Workspace) -> None:
    at_work = threading.Event()

    two = Two(space, lambda _: until(at_work), lambda _: at_work.set())
    job = two.run()
    assert sorted(two.made) == ["compose", "lipsync"], "each once"
    assert job.artifacts["compose"].is_dir() and not threads()


def test_it_takes_from_where_the_artifact_will_lie(space: Workspace) -> None:
    takes = {"takes": str(space.folder("lipsync", {"at": "same"}))}
    assert Two(space).run().artifacts["compose"] == space.folder("compose", takes)


def test_its_errors_are_told_once_in_its_turn(space: Workspace) -> None:
    """What fails when nothing is waited for any more fails for good: a second encode would cost as much."""
    two = Two(space)
    begun, waited_for = threading.Event(), threading.Event()
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += two.progress.snapshot().stage == "compose"
        if asked > 1:  # once when its turn comes
            waited_for.set()
        return False

    def fails(_: Progress) -> None:
        begun.set()
        until(waited_for)
        raise StageFailed("no sound")

    two.progress = JobProgress({"lipsync": 1.0, "compose": 1.0}, cancelled=stopped)
    two.lips, two.video = lambda _: until(begun), fails
    with pytest.raises(StageFailed, match="no sound"):
        two.run()
    assert two.made.count("compose") == 1 and two.dropped == []


@pytest.mark.parametrize("error", [OSError("not yet"), ProcessDied("the media process died")])
def test_what_failed_early_is_made_in_its_turn(space: Workspace, error: Exception) -> None:
    tried = threading.Event()

    def fails_once(_: Progress) -> None:
        if not tried.is_set():
            tried.set()
            raise error

    two = Two(space, lambda _: until(tried), fails_once)
    assert two.run().artifacts["compose"].is_dir()
    assert two.made.count("compose") == 2
    assert two.dropped == [f"compose: {error}"], "or nobody would ever learn of it"


@pytest.mark.parametrize("error", [StageFailed("no face"), Cancelled(), KeyboardInterrupt()])
def test_it_is_over_when_the_stage_before_it_fails(space: Workspace, error: BaseException) -> None:
    at_work, ended = threading.Event(), threading.Event()

    def lips(_: Progress) -> None:
        until(at_work)
        raise error

    def waits(progress: Progress) -> None:
        at_work.set()
        try:
            while True:
                progress.check()
                ended.wait(0.01)
        finally:
            ended.set()

    with pytest.raises(type(error)):
        Two(space, lips, waits).run()
    assert ended.is_set() and not threads(), "nobody works on a job that has failed"


def test_what_was_taken_from_elsewhere_is_made_again(space: Workspace) -> None:
    """The engine's process was replaced meanwhile, say, and the artifact is another one."""
    two = Two(space, at="elsewhere")
    job = two.run()
    takes = {"takes": str(space.folder("lipsync", {"at": "same"}))}
    assert job.artifacts["compose"] == space.folder("compose", takes)
    assert "another one" in two.dropped[0]


def test_it_is_given_up_when_it_is_stuck(space: Workspace) -> None:
    def stuck_once(progress: Progress) -> None:
        while two.made.count("compose") == 1:
            progress.check()
            threading.Event().wait(0.01)

    two = Two(space, video=stuck_once)
    assert two.run().artifacts["compose"].is_dir()
    assert two.made.count("compose") == 2 and "got nowhere" in two.dropped[0]


def test_it_is_waited_for_as_long_as_its_heart_beats(space: Workspace) -> None:
    """An encoder empties itself: the pictures are all counted, and there is no more to tell."""

    def flushes(progress: Progress) -> None:
        for _ in range(60):
            progress.step(1, 1)
            threading.Event().wait(0.02)  # 1.2 s in all, three times its patience

    two = Two(space, video=flushes)
    two.run()
    assert two.made.count("compose") == 1


def test_both_are_told_of_a_stop_at_once(space: Workspace) -> None:
    """A stage in native code may take a second to come back; two of them must not take two."""
    asked, told = threading.Event(), threading.Event()
    two = Two(space)
    two.progress = JobProgress({"lipsync": 1.0, "compose": 1.0}, cancelled=asked.is_set)

    def lips(progress: Progress) -> None:
        asked.set()
        try:
            progress.check()
        finally:
            assert told.wait(SOON_S), "it hears of it only when the lips have come back"

    def video(progress: Progress) -> None:
        try:
            while True:
                progress.check()
                asked.wait(0.01)
        finally:
            told.set()

    two.lips, two.video = lips, video
    with pytest.raises(Cancelled):
        two.run()


def test_a_stop_is_noticed_while_it_is_waited_for(space: Workspace) -> None:
    two = Two(space)
    asked = threading.Event()
    two.progress = JobProgress({"lipsync": 1.0, "compose": 1.0}, cancelled=asked.is_set)

    def asks(progress: Progress) -> None:
        progress.step(0.5, 1.0)
        asked.set()
        while True:
            progress.check()
            asked.wait(0.01)

    two.video = asks
    with pytest.raises(Cancelled):
        two.run()
    assert not threads()


def test_without_its_folder_it_is_made_in_its_turn(space: Workspace) -> None:
    two = Two(space)

    def gone(*_: object) -> Path:
        raise ProcessDied("the lip-sync process died")

    two.folder = gone  # type: ignore[method-assign,assignment]
    assert two.run().artifacts["compose"].is_dir()
    assert two.made == ["lipsync", "compose"] and "died" in two.dropped[0]


def test_a_machine_without_more_threads_makes_one_after_the_other(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    two = Two(space)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        two.run()
    assert two.made == ["lipsync", "compose"] and "thread" in two.dropped[0]


def test_what_fails_later_is_not_told_with_what_failed_before(space: Workspace) -> None:
    two = Two(space)

    def gone(*_: object) -> Path:
        raise ProcessDied("the lip-sync process died")

    def fails(_: Progress) -> None:
        raise ValueError("a bug")

    two.folder, two.lips = gone, fails  # type: ignore[method-assign,assignment]
    with pytest.raises(ValueError, match="a bug") as caught:
        two.run()
    assert caught.value.__context__ is None


# ---------------------------------------------------------------- what lips leave


def test_chunks_are_read_as_they_come(tmp_path: Path) -> None:
    artifact = tmp_path / "lipsync-1"
    part, waited = unfinished(artifact), 0
    part.mkdir()
    write_chunk(part, 0, [None] * CHUNK)

    def wait() -> None:
        nonlocal waited
        waited += 1
        write_chunk(part, 1, [None] * CHUNK)
        write_chunk(part, 2, [None] * 3)
        part.rename(artifact)

    patches = read_patches(artifact, 2 * CHUNK + 3, wait)
    assert [next(patches) for _ in range(CHUNK)] == [None] * CHUNK and waited == 0
    assert list(patches) == [None] * (CHUNK + 3) and waited == 1


def test_a_chunk_that_will_never_come_is_not_waited_for(tmp_path: Path) -> None:
    artifact = tmp_path / "lipsync-1"
    artifact.mkdir()
    write_chunk(artifact, 0, [None] * CHUNK)
    patches = read_patches(artifact, 2 * CHUNK, lambda: pytest.fail("waited for nothing"))
    with pytest.raises(StageFailed, match="no chunk 1"):
        list(patches)
