"""What the courier has to do, in the order in which it should be done.

A chat has two lanes, in each of which one thing is done at a time: what is said, in order, and files that
take long, so that they hold up nothing that is said. What somebody waits for goes before what they do not,
but nothing is overtaken by what was wanted much later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.chats import ChatMessage, MessageState
from handlers.telegram.content import Rank
from handlers.telegram.courier.pacing import What
from handlers.telegram.courier.sending import LIGHT_BYTES

STUBBORN = 4  # tries after which a message lets the others of its chat pass
PATIENCE = dt.timedelta(minutes=1)  # so much later a message may be wanted, for each rank, and still go first


@dataclass(frozen=True)
class Lane:
    chat_id: int
    uploads: bool


@dataclass(frozen=True)
class Task:
    """due_at: not before; None: now."""

    row: ChatMessage
    what: What
    lane: Lane
    rank: int

    @property
    def due_at(self) -> str | None:
        return self.row.due_at


def in_order(rows: Iterable[ChatMessage], busy: Collection[Lane]) -> Sequence[Task]:
    """Every task that may be the next one of its lane, the most urgent first; none of busy lanes."""
    waiting: dict[Lane, list[ChatMessage]] = {}
    tasks = []
    for row in rows:
        lane = Lane(row.chat_id, _is_first(row) and _takes_long(row))
        if lane in busy:
            continue
        if _is_first(row):
            waiting.setdefault(lane, []).append(row)
        else:
            tasks.append(Task(row, "delete" if row.wanted is None else "edit", lane, row.rank))
    for lane, first in waiting.items():
        first.sort(key=_place)
        if lane.uploads:
            tasks += [Task(row, "send", lane, row.rank) for row in first]
        else:  # the others come after it, so it is as urgent as the most urgent of them
            head = next((row for row in first if row.attempts < STUBBORN), first[0])
            tasks.append(Task(head, "send", lane, min(row.rank for row in first)))
    return sorted(tasks, key=_urgency)


def _takes_long(row: ChatMessage) -> bool:
    """A file; a small one only where nobody is waiting for it, and tries may follow each other slowly."""
    if row.wanted is None or row.wanted["file"] is None:
        return False
    try:
        return row.rank == Rank.RESULT or Path(row.wanted["file"]).stat().st_size > LIGHT_BYTES
    except OSError:
        return False


def _is_first(row: ChatMessage) -> bool:
    return row.state == MessageState.DUE


def _place(row: ChatMessage) -> tuple[dt.datetime, int]:
    """The parts of one answer stay in the order in which they were wanted."""
    return dt.datetime.fromisoformat(row.at) + row.rank * PATIENCE, _number(row)


def _urgency(task: Task) -> tuple[int, str, int]:
    """What was changed longest ago comes first: no progress message waits for ever behind another."""
    return task.rank, task.row.changed_at, _number(task.row)


def _number(row: ChatMessage) -> int:
    assert row.number is not None, "it is in the database"
    return row.number
