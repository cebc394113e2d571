"""Write transactions within one another: what belongs together is there together, or not at all."""

from __future__ import annotations

import threading

import pytest
from sqlmodel import select

from daemon.chats import HandledUpdate
from daemon.jobs import State
from daemon.queue import Queue
from models.errors import BadInput, Unavailable
from pipeline.spec import JobSpec


class Trouble(Exception):
    pass


def updates(queue: Queue) -> list[int]:
    with queue.database.reading() as s:
        return sorted(row.update_id for row in s.exec(select(HandledUpdate)))


def test_what_the_queue_is_told_within_a_transaction_is_a_part_of_it(queue: Queue, spec: JobSpec) -> None:
    with pytest.raises(Trouble), queue.database.writing() as s:
        s.add(HandledUpdate(update_id=1, at="2026"))
        queue.submit(spec)
        raise Trouble
    assert queue.count() == 0 and updates(queue) == []
    with queue.database.writing() as s:
        s.add(HandledUpdate(update_id=2, at="2026"))
        job_id = queue.submit(spec).id
        assert queue.get(job_id).state == State.QUEUED  # it sees what it wrote itself
    assert queue.count() == 1 and updates(queue) == [2]


def test_an_inner_block_that_fails_takes_back_what_it_wrote_and_no_more(queue: Queue, spec: JobSpec) -> None:
    with queue.database.writing() as s:
        s.add(HandledUpdate(update_id=1, at="2026"))
        with pytest.raises(Trouble), queue.database.writing() as inner:
            inner.add(HandledUpdate(update_id=2, at="2026"))
            queue.submit(spec)
            raise Trouble
        with pytest.raises(BadInput):
            queue.cancel("nobody")
    assert queue.count() == 0 and updates(queue) == [1]


def test_another_thread_has_transactions_of_its_own(queue: Queue) -> None:
    began, seen = threading.Event(), threading.Event()
    found: list[list[int]] = []

    def look() -> None:
        began.wait(60)
        found.append(updates(queue))
        seen.set()

    thread = threading.Thread(target=look)
    thread.start()
    with queue.database.writing() as s:
        s.add(HandledUpdate(update_id=1, at="2026"))
        s.flush()
        began.set()
        assert seen.wait(60)
    thread.join()
    assert found == [[]] and updates(queue) == [1]


def test_a_disk_that_fills_within_an_inner_block_is_told_as_that(queue: Queue) -> None:
    """SQLite takes everything back by itself then, and knows no savepoint any more."""
    with pytest.raises(Unavailable) as caught, queue.database.writing() as s:
        cursor = s.connection().connection.cursor()
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        with queue.database.writing() as inner:
            for update_id in range(300):
                inner.add(HandledUpdate(update_id=update_id, at="x" * 2000))
    assert caught.value.code == "disk_full"
    with queue.database.writing() as s:
        s.connection().connection.cursor().execute("PRAGMA max_page_count = 1000000")
        s.add(HandledUpdate(update_id=1, at="2026"))
    assert updates(queue) == [1]
