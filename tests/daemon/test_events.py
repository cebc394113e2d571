"""The event bus: nobody who publishes waits, and a slow listener loses nothing that matters."""

from __future__ import annotations

import datetime as dt
import threading

from daemon.control.events import Event, Events

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def brief(events: list[Event]) -> list[tuple[str, object]]:
    return [(e.name, e.facts.get("progress", e.facts.get("state"))) for e in events]


def test_every_listener_gets_everything_in_order() -> None:
    events = Events(now=lambda: NOON)
    events.publish("job", state="queued")  # before anybody listens
    with events.subscribe() as one, events.subscribe() as two:
        events.publish("job", id="a", state="running")
        events.publish("milestone", job="a", name="claimed", facts={"attempt": 1})
        for listener in (one, two):
            job, milestone = listener.take(0)
            assert job == Event("job", "2026-11-22T12:00:00.000Z", {"id": "a", "state": "running"})
            assert milestone.facts == {"job": "a", "name": "claimed", "facts": {"attempt": 1}}
            assert listener.take(0) == []


def test_only_the_newest_progress_of_a_job_is_kept_behind_what_came_before_it() -> None:
    events = Events()
    with events.subscribe() as listener:
        events.publish("progress", job="a", progress=0.1)
        events.publish("progress", job="b", progress=0.7)
        events.publish("job", id="a", state="queued")
        events.publish("job", id="a", state="running")
        for step in range(10_000):
            events.publish("progress", job="a", progress=step / 10_000)
        assert brief(listener.take(0)) == [
            ("progress", 0.7),
            ("job", "queued"),
            ("job", "running"),
            ("progress", 0.9999),
        ]


def test_one_who_is_too_slow_is_told_to_look_again_and_goes_on_from_there() -> None:
    events = Events()
    with events.subscribe(size=4) as slow, events.subscribe() as quick:
        for number in range(11):
            events.publish("job", state=number)
        lagged, *rest = slow.take(0)
        assert (lagged.name, lagged.facts) == ("lagged", {"dropped": 11 - len(rest)})
        assert brief(rest)[-1] == ("job", 10)
        assert len(quick.take(0)) == 11, "another one does not suffer"
        events.publish("job", state="done")
        assert brief(slow.take(0)) == [("job", "done")], "nothing of the past sticks"


def test_take_waits_for_the_first_event_and_ends_when_it_is_closed() -> None:
    events = Events()
    taken: list[list[Event]] = []
    with events.subscribe() as listener:
        waiting = threading.Thread(target=lambda: taken.append(listener.take(30)))
        waiting.start()
        events.publish("queue", why="no room")
        waiting.join(60)
        waiting = threading.Thread(target=lambda: taken.append(listener.take(30)))
        waiting.start()
    waiting.join(60)
    assert not waiting.is_alive()
    assert [len(t) for t in taken] == [1, 0]


def test_notify_is_called_once_for_what_is_taken_at_once_and_may_fail() -> None:
    events, calls = Events(), []

    def notify() -> None:
        calls.append(1)
        raise RuntimeError("the event loop is closed")

    with events.subscribe(notify) as listener:
        for _ in range(3):
            events.publish("job", state="queued")
        assert (len(calls), len(listener.take(0))) == (1, 3)
        events.publish("job", state="running")
        assert len(calls) == 2
    events.publish("job", state="done")
    assert len(calls) == 2, "it is closed"


def test_many_threads_publish_and_nothing_is_lost() -> None:
    events = Events()

    def publish() -> None:
        for number in range(500):
            events.publish("job", state=number)

    with events.subscribe(size=10_000) as listener:
        threads = [threading.Thread(target=publish) for _ in range(8)]
        for thread in threads:
            thread.start()
        got = 0
        while any(thread.is_alive() for thread in threads):
            got += len(listener.take(0.01))
        got += len(listener.take(0))
    assert got == 8 * 500
