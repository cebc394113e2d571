"""A control socket that serves for the length of a test: the real server, and an office over a real queue."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.control import unix_socket
from daemon.control.events import Events
from daemon.control.server import Control
from daemon.health.component import Component
from daemon.health.metrics import text
from daemon.health.report import Report
from daemon.jobs import JobRow, job_json
from daemon.queue import Queue
from pipeline.spec import JobSpec

WISH = {"clip": "/clips/anna.mp4", "script": "Good morning."}
NEXT = {"target": "site", "job": "8h1x4k2m", "at": "2126-11-24T18:00:00.000Z"}


class TinyOffice:
    """What is said of a job is published, as the daemon does it. `asked`: the names of its methods."""

    def __init__(self, queue: Queue, events: Events) -> None:
        self.queue = queue
        self.events = events
        self.asked: list[str] = []
        self.during: Callable[[], object] = lambda: None  # happens inside `status`
        self.woken = threading.Event()
        self.reason = ""  # why jobs wait
        self.more: dict[str, Any] = {}  # for `status` to tell instead
        self.cluster: dict[str, Any] = {}

    def why(self) -> str:
        return self.reason

    def status(self) -> dict[str, Any]:
        self.during()
        jobs = [job_json(row, None) for row in self.queue.all_running()]
        host = {"name": "speech", "state": "busy", "engine": "espeak", "device": "cpu", "pid": 7, "job": "ab"}
        more = {"stage": "speech", "heartbeats": 3, "age_s": 0.1, "rss": 2_100_000_000, "vram": 0}
        return {
            "pid": 4123,
            "version": "0.1.0",
            "started_at": "2026-11-22T01:30:00.000Z",
            "data_dir": "/data",
            "state": "waiting",
            "why": "the disk is nearly full",
            "hint": "",
            "not_reloaded": None,
            "health": {"verdict": "healthy", "why": ""},
            "hosts": [host | more | {"versions": {}, "starts": 1}],
            "inboxes": [{"name": "daily", "state": "watching", "why": "", "held": 2}],
            "telegram": {"state": "connected", "why": "", "name": "anna_bot", "waiting": 3},
            "publish": {"targets": ["site", "tube"], "counts": {"approved": 2, "held": 1}, "next": NEXT},
            "job": jobs[0] if jobs else None,
            "jobs": jobs,
            "lanes": 1,
            "counts": self.queue.counts(),
            "oldest_waiting": self.queue.oldest_waiting(),
            "free": 10**9,
        } | self.more

    def health(self) -> Report:
        return Report((Component("queue", "idle"),), os.getpid())

    def metrics_text(self) -> str:
        return text(self.health(), "0", dt.datetime.now(dt.UTC))

    def inbox_status(self) -> list[dict[str, Any]]:
        return []

    def cluster_status(self) -> dict[str, Any]:
        return self.cluster

    def jobs(self, limit: int | None) -> list[dict[str, Any]]:
        return [job_json(row, None) for row in self.queue.list(limit)]

    def job(self, job_id: str) -> dict[str, Any]:
        row = self.queue.get(job_id)
        return job_json(row, self.queue.position(row.id)) | {"spec": row.spec}

    def submit(self, wish: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        before = self.queue.count()
        key, priority = wish.pop("key", None), wish.pop("priority", 0)
        row = self.queue.submit(JobSpec.model_validate(wish), source="api", key=key, priority=priority)
        return self.tell(row), self.queue.count() > before

    def cancel(self, job_id: str) -> dict[str, Any]:
        return self.tell(self.queue.cancel(job_id))

    def retry(self, job_id: str) -> dict[str, Any]:
        return self.tell(self.queue.retry(job_id))

    def wake(self) -> None:
        self.asked.append("wake")
        self.woken.set()

    def reload(self) -> None:
        self.asked.append("reload")

    def tell(self, row: JobRow) -> dict[str, Any]:
        job = job_json(row, None)
        self.events.publish("job", **job)
        return job


@contextmanager
def serving(office: TinyOffice, path: Path) -> Iterator[Control]:
    """The server answers at `path` from a thread, until the end of the block."""
    started, control = threading.Event(), Control(office, office.events, path)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    failed: list[BaseException] = []

    async def serve() -> None:
        try:
            await control.start()
        except BaseException as e:
            failed.append(e)
            return
        finally:
            started.set()
        await stop.wait()
        await control.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(60)
    try:
        if failed:
            raise failed[0]
        yield control
    finally:
        if not failed:
            loop.call_soon_threadsafe(stop.set)
        thread.join(60)
    assert not thread.is_alive(), "it did not stop"


def say(path: Path, sent: bytes, timeout_s: float = 10) -> bytes:
    """Raw bytes to the socket; what comes back until the server closes the connection."""
    with unix_socket.connect(path, timeout_s) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(path: Path, request: str, body: bytes = b"") -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    head = f"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return parsed(say(path, head.encode() + body))


def parsed(answer: bytes) -> tuple[int, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/json" in head and b"aiohttp" not in head
    return int(head.split()[1]), json.loads(body)


def listening(path: Path) -> socket.socket:
    """A stream of events of which only the beginning is read."""
    connection = unix_socket.connect(path, 10)
    connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    while b"hello" not in received:
        received += connection.recv(65536)
    return connection


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)
