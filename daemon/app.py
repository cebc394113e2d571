"""The only place where everything is put together: configuration → queue → engines → runner."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING

from daemon.config import Config
from daemon.jobs import JobRow
from daemon.queue import Queue
from daemon.recovery import take_back
from daemon.stop import Stop
from daemon.store.lock import WorkerLock, holder
from models.memory import share_one_heap

if TYPE_CHECKING:
    from daemon.runner import Runner
    from pipeline.progress import Snapshot


class App:
    """What a command works with. Nothing is opened before it is asked for; `close` at the end."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.config.database, max_attempts=self.config.queue.max_attempts)

    def close(self) -> None:
        if "queue" in self.__dict__:
            self.queue.close()

    def daemon_runs(self) -> bool:
        held = holder(self.config.data_dir)
        return held is not None and held.kind == "daemon"

    def somebody_works(self) -> bool:
        return holder(self.config.data_dir) is not None

    def look_after_orphans(self) -> None:
        """A job that is marked as running, with nobody holding the worker lock, goes back into line."""
        if self.queue.running() is None:
            return
        with WorkerLock(self.config.data_dir) as lock:
            if lock.take():
                take_back(self.config, self.queue)

    def try_work(self, job_id: str, watch: Callable[[Snapshot], None], stop: Stop) -> bool:
        """Work this one job off here, if nobody else works. False: somebody does, or it is not in line."""
        with WorkerLock(self.config.data_dir) as lock:
            if not lock.take():
                return False
            share_one_heap()
            runner = self._runner(watch, stop)
            take_back(self.config, self.queue)
            claim = self.queue.claim(owner(), job_id)
            if claim is not None:
                from handlers.inbox.inboxes import Foreground

                files = Foreground(self.config, self.queue)
                with suppress(OSError):  # the job itself will say what it lacks
                    files.bring_back(job_id)
                runner.work(claim)
                with suppress(OSError):  # the daemon does it, when it runs
                    files.leave(job_id)
        return claim is not None

    def _runner(self, watch: Callable[[Snapshot], None], stop: Stop) -> Runner:
        from daemon.engines.local import LocalEngines
        from daemon.runner import Runner
        from pipeline.deliver import deliver

        engines = LocalEngines(self.config)
        return Runner(self.queue, self.config, engines, deliver, stop, watch)

    def cancel(self, job_id: str) -> JobRow:
        self.look_after_orphans()  # a dead worker does not hear that it should stop
        return self.queue.cancel(job_id)

    def job(self, job_id: str) -> tuple[JobRow, int | None]:
        """The job and its position in line."""
        row = self.queue.get(job_id)
        return row, self.queue.position(row.id)


def owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """While a person waits for the work in the foreground: Ctrl-C gives the job up, and a second Ctrl-C
    does not wait for the next heartbeat; SIGTERM and a closed terminal put it back into line."""

    def interrupted(_: int, __: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = "cancel"

    def told_to_go(_: int, __: FrameType | None) -> None:
        stop.asked = stop.asked or "requeue"

    handlers = {signal.SIGINT: interrupted, signal.SIGTERM: told_to_go, signal.SIGHUP: told_to_go}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
