"""Publishing within the daemon: the book, the desk of the configuration in force, the publisher; and what the
admins are told of it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from daemon.alarms import Alarms
from daemon.config import Config
from daemon.health.component import Component
from daemon.logs.tell import Tell
from daemon.publications.book import Book
from daemon.publications.counted import Counted, counted
from daemon.publications.desk import Desk
from daemon.publications.publisher import Publisher
from daemon.publications.tables import Publication, Standing
from daemon.store.database import Database
from models.errors import Unavailable

FOR_A_PERSON = (Standing.HELD, Standing.ASKED)
PATIENCE_S = 3600.0  # for so long a target may be away before somebody is told
APPROVAL_S = 86_400.0  # and for so long somebody may think about it
SEE_PLAN = "`vigentd publish plan` shows what is to be done"


class Publishing:
    """changed: called when something became of a publication; from any thread. mask: gets settings with
    secrets that must not be logged. clock: monotonic seconds. Raises BadInput as `checked`."""

    def __init__(
        self,
        config: Config,
        database: Database,
        log: Tell,
        alarms: Alarms,
        changed: Callable[[], None] = lambda: None,
        mask: Callable[[BaseModel], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._mask = mask
        self.book = Book(database)
        self.desk = self.checked(config)
        self._alarms = alarms
        self._changed = changed
        self._clock = clock
        self._publisher = Publisher(self.book, self.desk, log, changed=self._moved)
        self._counted = Counted()
        self._away: dict[str, float] = {}  # component → since when it is in trouble
        self._told: set[str] = set()  # keys of alarms

    def checked(self, config: Config) -> Desk:
        """For `use`. Raises BadInput `config_invalid`, `unknown_kind`."""
        desk = Desk(config, self.book)
        desk.check_settings()
        for settings in desk.settings():
            self._mask(settings)
        return desk

    def use(self, desk: Desk) -> None:
        self.desk = desk
        self._publisher.use(desk)

    def start(self) -> None:
        """Raises Unavailable when the database does."""
        self._publisher.start()

    def look(self) -> None:
        """What is done is proposed, what is due is sent. Safe to call often, from any thread."""
        self._publisher.look()
        self._count()
        self._tell_admins()

    def stop(self) -> None:
        self._publisher.stop()

    # ------------------------------------------------------------ how it is

    def health(self) -> Iterable[Component]:
        """From memory, at once."""
        yield from self._publisher.health()
        seen = self._counted
        if seen.open or self.desk.names:
            trouble = _waiting(seen.open)
            facts = {"counts": seen.counts, "last_published": seen.last}
            yield Component("publications", "idle", trouble=trouble, hint=trouble and SEE_PLAN, facts=facts)

    def status(self) -> dict[str, Any]:
        """For `vigentd status`. From memory."""
        return self._counted.in_short(self.desk.names)

    def _moved(self) -> None:
        self._count()
        self._tell_admins()
        self._changed()

    def _count(self) -> None:
        with suppress(Unavailable):  # the publisher tells that
            self._counted = counted(self._database, self.book, self.desk.rules, dt.datetime.now(dt.UTC))

    def _tell_admins(self) -> None:
        """Each trouble once, and its end."""
        now: dict[str, tuple[str, str]] = {}
        stuck = [row for row in self._counted.open if row.state in FOR_A_PERSON]
        for target in dict.fromkeys(row.target for row in stuck):
            there = [row for row in stuck if row.target == target]
            now[f"publications:{target}"] = (_of_these(there), SEE_PLAN)
        for part in self._lasting():
            now[f"publications:{part.name}"] = (f"For long nothing could be sent: {part.trouble}", part.hint)
        for key in self._told - now.keys():
            self._alarms.clear(key)
        for key, (message, hint) in now.items():
            self._alarms.raise_alarm(key, message, hint)
        self._told = set(now)

    def _lasting(self) -> list[Component]:
        """Targets that have been in trouble for long."""
        unwell = [part for part in self._publisher.health() if not part.well and part.trouble]
        at = self._clock()
        self._away = {part.name: self._away.get(part.name, at) for part in unwell}
        return [part for part in unwell if at - self._away[part.name] >= PATIENCE_S]


def _waiting(rows: Sequence[Publication]) -> str:
    """ "" when nothing waits for a person, or not for long."""
    late = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=APPROVAL_S)
    stuck = [row for row in rows if row.state in FOR_A_PERSON]
    slow = [row for row in rows if row.state == Standing.PROPOSED and _at(row.created_at) < late]
    waiting = [*stuck, *slow]
    if not waiting:
        return ""
    return _of_these(waiting)


def _of_these(waiting: Sequence[Publication]) -> str:
    first = _why(waiting[0])
    return first if len(waiting) == 1 else f"{len(waiting)} publications wait for a person. {first}"


def _why(row: Publication) -> str:
    if row.state == Standing.PROPOSED:
        return f"Job {row.job_id} waits for somebody to approve it for {row.target}"
    if row.state == Standing.ASKED:
        return f"Job {row.job_id} may have arrived at {row.target}, and only a person can say whether it did"
    why = (row.error or {}).get("message", "a person has to look").rstrip(".")
    return f"Job {row.job_id} was not published to {row.target}: {why}"


def _at(said: str) -> dt.datetime:
    return dt.datetime.fromisoformat(said)
