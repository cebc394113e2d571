"""Publishing within the daemon: the book, the desk of the configuration in force, the publisher; and what the
admins are told of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from daemon.alarms import Alarms
from daemon.config import Config
from daemon.health.component import Component
from daemon.logs.tell import Tell
from daemon.publications.book import Book
from daemon.publications.desk import Desk
from daemon.publications.publisher import Publisher
from daemon.publications.tables import Publication, Standing
from daemon.store.database import Database
from models.errors import Unavailable

FOR_A_PERSON = (Standing.HELD, Standing.ASKED)
OPEN = (Standing.PROPOSED, Standing.APPROVED, Standing.SENDING, Standing.UNSURE, *FOR_A_PERSON)
SEE_PLAN = "`vigentd publish plan` shows what is to be done"


class Publishing:
    """changed: called when something became of a publication; from any thread.

    Raises BadInput as `checked`."""

    def __init__(
        self,
        config: Config,
        database: Database,
        log: Tell,
        alarms: Alarms,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.book = Book(database)
        self.desk = self.checked(config)
        self._alarms = alarms
        self._changed = changed
        self._publisher = Publisher(self.book, self.desk, log, changed=self._moved)
        self._open: Sequence[Publication] = ()

    def checked(self, config: Config) -> Desk:
        """For `use`. Raises BadInput `config_invalid`, `unknown_kind`."""
        desk = Desk(config, self.book)
        desk.check_settings()
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

    def stop(self) -> None:
        self._publisher.stop()

    # ------------------------------------------------------------ how it is

    def health(self) -> Iterable[Component]:
        """From memory, at once."""
        yield from self._publisher.health()
        waiting = [row for row in self._open if row.state in FOR_A_PERSON]
        facts = {"counts": dict(Counter(str(row.state) for row in self._open))}
        if self._open or self.desk.names:
            trouble = _waiting(waiting)
            yield Component("publications", "idle", trouble=trouble, hint=trouble and SEE_PLAN, facts=facts)

    def status(self) -> dict[str, Any]:
        """For `vigentd status`. From memory."""
        counts = Counter(str(row.state) for row in self._open)
        return {"targets": self.desk.names, "counts": dict(counts)}

    def _moved(self) -> None:
        self._count()
        self._changed()

    def _count(self) -> None:
        try:
            self._open = self.book.all(*OPEN)
        except Unavailable:  # the publisher tells that
            return
        waiting = [row for row in self._open if row.state in FOR_A_PERSON]
        if waiting:
            self._alarms.raise_alarm("publications", _waiting(waiting), SEE_PLAN)
        else:
            self._alarms.clear("publications")


def _waiting(rows: Sequence[Publication]) -> str:
    """ "" for none."""
    if not rows:
        return ""
    first = rows[0]
    why = (
        "nobody knows whether it has arrived"
        if first.state == Standing.ASKED
        else (first.error or {}).get("message", "").rstrip(".")
    )
    told = f"Job {first.job_id} was not published to {first.target}: {why}"
    return told if len(rows) == 1 else f"{len(rows)} publications wait for somebody. {told}"
