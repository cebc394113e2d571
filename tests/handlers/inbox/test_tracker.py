"""When something has stopped changing; with a clock of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.inbox.look.scan import Entry, Found, Mark, scan
from handlers.inbox.look.tracker import Tracker

SETTLE = 3.0


def at(size: int, *inner: int, ctime: int = 0) -> Found:
    """A file of that size; or a folder, with files of these sizes in it."""
    entries = tuple(
        Entry(f"{place}.txt", "file", Mark(1, place + 2, inside, 0, 0), 1)
        for place, inside in enumerate(inner)
    )
    return Found(Entry("monday", "folder" if inner else "file", Mark(1, 1, size, 0, ctime), 1), entries)


def settled_at(looks: list[tuple[float, Found | None]]) -> list[float]:
    """The times of the looks at which it was settled."""
    tracker, times = Tracker(SETTLE), []
    for now, found in looks:
        tracker.observe({"monday": found} if found else {}, now)
        if tracker.settled("monday"):
            times.append(now)
    return times


def test_what_does_not_change_settles() -> None:
    assert settled_at([(10.0, at(1)), (12.9, at(1)), (13.0, at(1)), (20.0, at(1))]) == [13.0, 20.0]


def test_what_is_there_at_the_start_has_to_settle_too() -> None:
    assert settled_at([(0.0, at(1))]) == []


def test_each_change_begins_anew() -> None:
    assert settled_at([(0, at(0)), (2, at(1)), (4, at(2)), (6.5, at(2)), (7, at(2))]) == [7]


def test_a_pause_longer_than_settle_and_then_more() -> None:
    looks: list[tuple[float, Found | None]] = [(0, at(1)), (4, at(1)), (5, at(2)), (7, at(2)), (8, at(2))]
    assert settled_at(looks) == [4, 8]


def test_metadata_alone_is_a_change() -> None:
    """A hard link that is written elsewhere with its mtime put back: ctime cannot be."""
    assert settled_at([(0, at(1)), (2, at(1, ctime=5)), (3, at(1, ctime=5)), (5, at(1, ctime=5))]) == [5]


@pytest.mark.parametrize("after", [at(1, 1, 3), at(1, 1, 2, 0), at(1, 1), at(2, 1, 2)])
def test_a_folder_begins_anew_when_anything_in_it_changes(after: Found) -> None:
    assert settled_at([(0, at(1, 1, 2)), (2, after), (3, after), (5, after)]) == [5]


def test_what_was_gone_begins_anew() -> None:
    assert settled_at([(0, at(1)), (1, None), (2, at(1)), (4, at(1)), (5, at(1))]) == [5]


def test_another_file_under_the_same_name_begins_anew_but_the_name_was_there_before() -> None:
    tracker = Tracker(SETTLE)
    tracker.observe({"monday": at(1)}, 10.0)
    tracker.observe({"monday": at(2)}, 11.0)
    assert (tracker.first_seen("monday"), tracker.since("monday")) == (10.0, 11.0)
    tracker.observe({}, 12.0)
    with pytest.raises(KeyError):
        tracker.since("monday")
    with pytest.raises(KeyError):
        tracker.first_seen("monday")
    assert not tracker.settled("monday")


def test_it_says_when_to_look_again() -> None:
    tracker = Tracker(SETTLE)
    told = [(tracker.next_at(), tracker.restless)]
    for now, names in ((10.0, "a"), (12.0, "ab"), (13.5, "ab"), (15.0, "ab")):
        tracker.observe({name: at(1) for name in names}, now)
        told.append((tracker.next_at(), tracker.restless))
    assert told == [(None, False), (13.0, True), (13.0, True), (15.0, True), (None, False)]


@given(st.floats(0, 1e9), st.floats(0.1, 3600))
def test_at_the_time_that_it_says_it_is_settled(first: float, settle: float) -> None:
    """Were it not, by a rounding, whoever waits for that time would look without a pause."""
    tracker = Tracker(settle)
    tracker.observe({"monday": at(1)}, first)
    due = tracker.next_at()
    assert due is not None
    tracker.observe({"monday": at(1)}, due)
    assert tracker.settled("monday")
    assert tracker.next_at() is None


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[tuple[Path, Tracker]]:
    yield tmp_path, Tracker(SETTLE)


@pytest.mark.parametrize("stamp", [0, 2**33, -(2**31)])
def test_a_file_from_the_future_or_the_past_settles_like_any_other(
    inbox: tuple[Path, Tracker], stamp: int
) -> None:
    root, tracker = inbox
    (root / "monday.txt").write_text("Hello.")
    os.utime(root / "monday.txt", (stamp, stamp))
    tracker.observe(scan(root, frozenset()), 100.0)
    assert not tracker.settled("monday.txt")
    tracker.observe(scan(root, frozenset()), 103.0)
    assert tracker.settled("monday.txt")


def test_writing_without_growing_is_seen(inbox: tuple[Path, Tracker]) -> None:
    """As with downloads whose room is reserved first."""
    root, tracker = inbox
    path = root / "monday.mp4"
    path.write_bytes(bytes(100))
    tracker.observe(scan(root, frozenset()), 0.0)
    with path.open("r+b") as f:
        f.write(b"x")
    os.utime(path, (1, 1))  # so that the test does not depend on how fine the clock is
    tracker.observe(scan(root, frozenset()), 3.0)
    assert not tracker.settled("monday.mp4")
