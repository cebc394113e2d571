"""The course of what was taken up: each intake goes as far as it can come now.

What one of them waits for, or breaks over, is its own; the others go on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.intakes import Intake, IntakeState
from handlers.inbox.claim.take import left_over, put_back
from handlers.inbox.house import House
from handlers.inbox.ledger import Ledger
from handlers.inbox.names import shown
from handlers.inbox.places import Places
from handlers.inbox.reception import Reception, Wait
from handlers.inbox.results.departure import Departure
from models.beats import beat
from models.errors import Unavailable

LOOK_S = 5.0  # how late it is noticed that a job has ended, should nobody say so
SOON_S = 1.0  # until what waits is tried again
MOVING_S = 20.0  # so long a job waits for files that are being moved


class Course:
    """tell: gets what happened, with facts. stopping: whether to leave off."""

    def __init__(
        self,
        inbox: str,
        places: Places,
        ledger: Ledger,
        reception: Reception,
        departure: Departure,
        house: House,
        tell: Callable[..., None],
        stopping: Callable[[], bool],
    ) -> None:
        self._inbox = inbox
        self._places = places
        self._ledger = ledger
        self._reception = reception
        self._departure = departure
        self._house = house
        self._tell = tell
        self._stopping = stopping
        self._moving = threading.Lock()  # files of intakes that are settled, or being settled
        self._whys: dict[str, str] = {}  # intake → what it waits for, beside its jobs
        self._due = float("-inf")

    @property
    def why(self) -> str:
        """What the first of those waits for that cannot go on; "" when all can."""
        return next(iter(self._whys.values()), "")

    def look_soon(self) -> None:
        """From any thread: a job may have ended."""
        self._due = float("-inf")

    def go_on(self) -> None:
        """With all of them, if it is time. Raises Unavailable of the database, and Wait when nobody can."""
        now = self._house.clock()
        if now < self._due:
            return
        self._due = now + LOOK_S
        self._whys.clear()
        for intake in self._ledger.movable(self._inbox):
            if self._stopping():
                return
            self.advance(intake)
        if self._whys:
            self._due = min(self._due, now + SOON_S)

    def advance(self, intake: Intake) -> None:
        """Raises Wait when it is nothing of its own that it waits for."""
        beat()
        try:
            if intake.state == IntakeState.TAKEN:
                self._examine(intake)
            self._leave(intake)
        except Wait as e:
            self._whys[intake.id] = str(e)
            self._due = min(self._due, self._house.clock() + SOON_S)
            if e.for_all:
                raise
        except OSError as e:
            self._whys[intake.id] = f"Results wait to be put into their place: {told(e, self._places.root)}"
        except Unavailable:  # the database
            raise
        except Exception as e:
            self._whys[intake.id] = f"{intake.name} met a fault of vigentd; its log says more"
            self._house.log.error("inbox_fault", inbox=self._inbox, id=intake.id, error=repr(e), trace=e)

    def bring_back(self, intake: Intake) -> list[str]:
        """A job of it is about to be made again: its files have to be where it expects them.

        Returns those that are gone. Raises OSError, and Unavailable while they are being moved.
        """
        if intake.state in (IntakeState.TAKEN, IntakeState.AT_WORK):
            return []  # they never left
        if not self._moving.acquire(timeout=MOVING_S):
            raise Unavailable("The files of the job are still being moved", code="inbox_moving")
        try:
            return self._departure.bring_back(self._ledger.again(intake))
        finally:
            self._moving.release()

    def clear_up(self, owner: str) -> None:
        """What the database does not know goes back: a daemon was killed, or could not write it down.

        owner: the data folder.
        """
        there = frozenset(path.name for path in self._places.work.iterdir())
        known = self._ledger.known(there)
        for intake in self._ledger.adopt(known, self._inbox):
            self._tell("adopted", id=intake.id, name=intake.name, from_inbox=intake.inbox)
        left = left_over(self._places, known, owner)
        for folder in left:
            for lost in put_back(folder, self._places):
                self._tell("put_aside", file=shown(lost.name))
            self._tell("put_back", id=folder.name)
        for name in sorted(there - known - {folder.name for folder in left}):
            self._tell("not_ours", file=shown(str(self._places.work / name)))
        with self._moving:
            for intake in self._ledger.settled_of(known):
                self._departure.send_after(intake)
        self._due = float("-inf")

    def _examine(self, intake: Intake) -> None:
        for job_id in self._reception.examine(intake, self._places.work / intake.id):
            self._house.changed(job_id)

    def _leave(self, intake: Intake) -> None:
        with self._moving:
            left = self._departure.leave(self._ledger.again(intake))
        if left is None:
            return
        settlement, lines = left
        facts = {"id": intake.id, "name": intake.name, "outcome": settlement.outcome}
        if settlement.outcome == "failed":
            facts["because"] = " ".join((settlement.words or "").split("\n\n")[1].split())
        self._tell("settled", **facts)
        for line in lines:
            self._house.log.warning("inbox_note", inbox=self._inbox, id=intake.id, message=line)


def told(error: OSError, otherwise: Path) -> str:
    """Where, and what; otherwise: the place to name when the error names none."""
    where: Any = error.filename2 or error.filename or otherwise
    return f"{shown(os.fsdecode(where))}: {error.strerror or error}"
