"""Each alarm is told once, whoever raises it and however often, and so is its end."""

from __future__ import annotations

import threading

from daemon.alarms import AGAIN_S, Alarms, Notice


class Heard:
    def __init__(self) -> None:
        self.now = 0.0
        self.notices: list[Notice] = []
        self.alarms = Alarms(self.notices.append, lambda: self.now)


def test_an_alarm_is_told_once_and_its_end_once() -> None:
    heard = Heard()
    for _ in range(3):
        heard.alarms.raise_alarm("disk", "It is full", "Delete something")
    assert heard.alarms.raised() == (Notice("disk", "It is full", "Delete something"),)
    heard.alarms.clear("disk")
    heard.alarms.clear("disk")
    assert heard.notices == [
        Notice("disk", "It is full", "Delete something"),
        Notice("disk", "It is full", over=True),
    ]
    assert heard.alarms.raised() == ()


def test_what_is_well_needs_no_word() -> None:
    heard = Heard()
    heard.alarms.clear("disk")
    assert heard.notices == []


def test_it_is_told_again_after_an_hour_in_its_newest_words() -> None:
    heard = Heard()
    heard.alarms.raise_alarm("disk", "1.2 GB are free")
    for heard.now in (AGAIN_S / 2, AGAIN_S - 1):
        heard.alarms.raise_alarm("disk", "1.1 GB are free")
    assert len(heard.notices) == 1
    heard.now = AGAIN_S
    heard.alarms.raise_alarm("disk", "0.9 GB are free")
    heard.alarms.raise_alarm("disk", "0.8 GB are free")
    assert [notice.message for notice in heard.notices] == ["1.2 GB are free", "0.9 GB are free"]


def test_after_its_end_it_is_told_at_once() -> None:
    heard = Heard()
    for _ in range(2):
        heard.alarms.raise_alarm("host:speech", "It does not load")
        heard.alarms.clear("host:speech")
    assert [notice.over for notice in heard.notices] == [False, True, False, True]


def test_what_comes_and_goes_is_no_stream_of_messages() -> None:
    """A host that loads, and is lost with its next job, all night long."""
    heard = Heard()
    for minute in range(55):
        heard.now = 60.0 * minute
        heard.alarms.raise_alarm("host:speech", "It has ended too often")
        heard.alarms.clear("host:speech")
    told = [notice.over for notice in heard.notices]
    assert told == [False, True, False, True, False]  # nobody is left to believe that it is well
    heard.now = 2 * AGAIN_S
    heard.alarms.raise_alarm("host:speech", "It has ended too often")
    heard.alarms.clear("host:speech")
    assert [notice.over for notice in heard.notices[5:]] == [False, True]


def test_what_came_and_went_and_stays_is_told_within_the_hour() -> None:
    heard = Heard()
    for _ in range(5):
        heard.alarms.raise_alarm("disk", "It is full")
        heard.alarms.clear("disk")
    before = len(heard.notices)
    for heard.now in (1.0, AGAIN_S - 1, AGAIN_S):
        heard.alarms.raise_alarm("disk", "It is full")
    assert len(heard.notices) == before + 1
    assert heard.alarms.raised() == (Notice("disk", "It is full"),)


def test_alarms_of_different_keys_know_nothing_of_each_other() -> None:
    heard = Heard()
    heard.alarms.raise_alarm("disk", "It is full")
    heard.alarms.raise_alarm("loop", "It is blocked")
    heard.alarms.clear("disk")
    assert [notice.key for notice in heard.alarms.raised()] == ["loop"]


def test_many_threads_that_raise_it_tell_it_once() -> None:
    heard = Heard()
    together = threading.Barrier(8)

    def shout() -> None:
        together.wait()
        for _ in range(200):
            heard.alarms.raise_alarm("disk", "It is full")

    threads = [threading.Thread(target=shout) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard.notices) == 1
