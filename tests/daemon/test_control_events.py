"""The stream of events: everybody hears what matters, and nobody waits for one who does not listen."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.control import server as control_module
from daemon.control.client import Client
from daemon.queue import Queue
from pipeline.spec import JobSpec
from tests.daemon.control_kit import WISH, TinyOffice, listening, serving, until


def test_the_stream_begins_with_hello_and_has_everything(client: Client, office: TinyOffice) -> None:
    with client.events() as stream:
        assert next(stream)["event"] == "hello"
        job = client.post("/jobs", WISH)
        office.events.publish("milestone", job=job["id"], name="claimed", facts={"event": "x", "at": "y"})
        office.events.publish("host", name="speech", state="ready", event="no fact hides this")
        told = [next(stream) for _ in range(3)]
    assert [event["event"] for event in told] == ["job", "milestone", "host"]
    assert told[0].items() > job.items() and told[0]["at"].endswith("Z")


def test_the_stream_of_one_job(client: Client, office: TinyOffice, queue: Queue, spec: JobSpec) -> None:
    mine, other = queue.submit(spec).id, queue.submit(spec).id
    with client.events(f" {mine.upper()} ") as stream:
        assert next(stream)["job"] == mine
        for job in (other, mine):
            office.events.publish("progress", job=job, stage="speech", progress=0.5, eta_s=None)
            office.events.publish("milestone", job=job, name="stage", facts={})
            office.tell(queue.get(job))
        office.events.publish("queue", why="no room")
        told = [next(stream) for _ in range(4)]
    assert [(e["event"], e.get("job", e.get("id"))) for e in told] == [
        ("progress", mine),
        ("milestone", mine),
        ("job", mine),
        ("queue", None),
    ]


def test_a_listener_that_does_not_read_holds_up_nobody(
    client: Client, served: Path, office: TinyOffice
) -> None:
    text = "x" * 10_000
    with listening(served) as slow, client.events() as quick:
        next(quick)
        began = time.monotonic()
        for number in range(1000):
            office.events.publish("job", id="a", number=number, text=text)
            if number % 50 == 0:
                while next(quick)["number"] != number:
                    pass
        assert time.monotonic() - began < 30
        office.events.publish("job", id="a", number=-1)
        slow.settimeout(10)
        received = b""
        while b'"number": -1' not in received[-5000:]:
            received += slow.recv(2**20)
    assert b'"lagged"' in received, "and is told that it has missed something"
    assert received.count(text.encode()) < 1000


def test_listeners_that_go_are_let_go_at_once(served: Path, office: TinyOffice) -> None:
    with listening(served), Client(served).events() as stream:
        next(stream)
        assert len(office.events._subscriptions) == 2
    until(lambda: office.events._subscriptions == ())


def test_an_empty_line_now_and_then(
    served: Path, office: TinyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "KEEP_ALIVE_S", 0.05)
    with listening(served) as raw, Client(served, read_timeout_s=0.5).events() as stream:
        received = b""
        while received.count(b"\r\n1\r\n\n") < 3:
            received += raw.recv(65536)
        assert next(stream)["event"] == "hello"
        threading.Timer(0.8, office.events.publish, ("queue",)).start()
        assert next(stream)["event"] == "queue", "empty lines are no silence"


def test_what_happens_to_other_jobs_is_no_reason_to_be_silent(
    served: Path, office: TinyOffice, monkeypatch: pytest.MonkeyPatch, queue: Queue, spec: JobSpec
) -> None:
    monkeypatch.setattr(control_module, "KEEP_ALIVE_S", 0.1)
    job, done = queue.submit(spec).id, threading.Event()

    def others() -> None:
        while not done.wait(0.02):
            office.events.publish("progress", job="another", progress=0.5)

    with Client(served, read_timeout_s=0.5).events(job) as stream:
        next(stream)
        thread = threading.Thread(target=others)
        thread.start()
        threading.Timer(0.8, office.events.publish, ("queue",)).start()
        try:
            assert next(stream)["event"] == "queue"
        finally:
            done.set()
            thread.join(60)


def test_a_listener_that_reads_nothing_for_long_is_let_go(
    served: Path, office: TinyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "UNREAD_S", 0.2)
    with listening(served):
        for number in range(200):
            office.events.publish("job", id="a", number=number, text="x" * 100_000)
        until(lambda: office.events._subscriptions == ())
    assert Client(served).get("/jobs") == []


def test_streams_end_when_the_daemon_stops_also_one_that_does_not_read(
    office: TinyOffice, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "STOP_S", 0.2)
    with serving(office, config.socket):
        stuck, stream = listening(config.socket), Client(config.socket).events()
        for number in range(50):
            office.events.publish("milestone", job="a", name=str(number), facts={"x": "y" * 100_000})
        while next(stream).get("name") != "49":
            pass
    assert list(stream) == [], "a clean end"
    stream.close()
    stuck.close()
