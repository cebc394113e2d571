"""A stage that is begun early: in a thread, while the stage before it is still at work, it takes what that
one makes as it comes. So the video is encoded while lips are made.

It only saves time. What goes wrong with it before its turn is dropped, and the stage is made again in its
turn; from then on its errors are those of the stage.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.budgets import even
from models.errors import Cancelled, ProcessDied, StageFailed
from models.pulse import Pulse
from pipeline.job import Job
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.progress import JobProgress
    from pipeline.stages import Made, Maker, Stage

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Early:
    """How stages are begun early. folder: where the artifact of a stage will lie. make: see stages.run.
    dropped: told of a stage that has to be made again, and why."""

    folder: Callable[[Stage, Job, Workspace], Path]
    make: Maker
    dropped: Callable[[str, Exception], None] = lambda *_: None

    @contextmanager
    def begun(
        self, stage: Stage, source: Stage, job: Job, workspace: Workspace, progress: JobProgress
    ) -> Generator[Begun | None]:
        """stage: what is begun; in the end nobody works on it any more. source: the one before it, which is
        about to be made. progress: of the job. None: it cannot be begun. Raises what `folder` raises."""
        begun = self._begin(stage, source, job, workspace, progress)
        try:
            yield begun
        finally:
            if begun is not None:
                begun.close()

    def _begin(
        self, stage: Stage, source: Stage, job: Job, workspace: Workspace, progress: JobProgress
    ) -> Begun | None:
        try:
            folder = self.folder(source, job, workspace)
        except ProcessDied as e:  # the source's
            self.dropped(stage.name, e)
            return None
        watch = _Watch(lambda: progress.stopped)
        own = replace(job, artifacts={**job.artifacts, source.name: folder}, progress=watch)
        # Most of its time it waits for the other stage, which has its own heartbeat.
        unhurried = replace(stage, floors=even(math.inf))
        try:
            return Begun(self, stage, source, folder, lambda: self.make(unhurried, own, workspace), watch)
        except RuntimeError as e:  # the machine gives no more threads
            self.dropped(stage.name, e)
            return None


class Begun:
    """One stage, being made. source, folder: the stage it takes from, and where its artifact will lie."""

    def __init__(
        self,
        early: Early,
        stage: Stage,
        source: Stage,
        folder: Path,
        make: Callable[[], Made],
        watch: _Watch,
    ) -> None:
        self._early, self._stage, self._source, self._folder = early, stage, source, folder
        self._make, self._watch = make, watch
        self._result: Made | Exception | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="early", daemon=True)
        self._thread.start()

    def result(self, job: Job, progress: JobProgress) -> Made | None:
        """Now that it is its turn, for the stage before it has left its artifact. None: it has to be made
        again. Raises what the stage raises, and what `progress` raises."""
        ended_early = self._ended.is_set()
        why: Exception | None = None
        if job.artifacts[self._source.name] != self._folder:
            why = StageFailed(f"the {self._source.name} it took from is another one now")
        elif not self._waited_for(progress):
            why = StageFailed(f"it got nowhere for {self._stage.floors.step_s:.0f} s")
        self.close()
        if why is None and isinstance(self._result, Exception):
            if not ended_early and not isinstance(self._result, ProcessDied):
                raise self._result
            why = self._result
        if why is not None:
            self._early.dropped(self._stage.name, why)
            return None
        assert self._result is not None and not isinstance(self._result, Exception)
        return replace(self._result, early=True)

    def close(self) -> None:
        self._watch.unwanted.set()
        self._thread.join()

    def _waited_for(self, progress: JobProgress) -> bool:
        """Until it has ended; False when it is stuck."""
        pulse, beats = Pulse(even(self._stage.floors.step_s), time.monotonic()), -1
        while not self._ended.wait(LOOK_EVERY_S):
            pulse.feed(self._watch.beats, time.monotonic())
            if pulse.stalled:
                return False
            if self._watch.beats != beats:
                beats = self._watch.beats
                progress.step(self._watch.share, 1.0)
            else:
                progress.check()
        return True

    def _run(self) -> None:
        try:
            self._result = self._make()
        except Exception as e:
            self._result = e
        finally:
            self._ended.set()


class _Watch:
    """The Progress of a stage that nobody is shown yet. share: how much of it is done, 0…1. beats: steps.

    stopped: whether the job is; then this stage is told at once, and not after the one before it."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.share, self.beats = 0.0, 0
        self.unwanted = threading.Event()
        self._stopped = stopped

    def step(self, done: float, total: float) -> None:
        self.check()
        self.share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        self.beats += 1

    def check(self) -> None:
        if self.unwanted.is_set() or self._stopped():
            raise Cancelled
