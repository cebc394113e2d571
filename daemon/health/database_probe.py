"""Can the database be written? It is, every ten seconds, on a connection that nobody else uses.

What is written is the version that stands there already: SQLite does not look whether a page has changed,
so this goes all the way, through the lock and the log to the disk (one page and one fsync; a few
milliseconds), and changes nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemon.health.probe import About, Finding, Probe
from daemon.logs.tell import Tell
from daemon.store.database import told
from models.errors import Unavailable

EVERY_S = 10.0
BUDGET_S = 30.0
BUSY_S = 2.0  # how long one look waits for a lock
# A backup may hold one for a minute, and no restart takes it away from another process; but it does from a
# daemon that by a fault holds it itself.
LOCKED_S = 180.0
PASSING = "database_busy"


def database_probe(
    path: Path, log: Tell, clock: Callable[[], float] = time.monotonic, busy_s: float = BUSY_S
) -> Probe:
    """path: of the database, which is there. A write that does not end is a stall; a lock is a trouble, and
    a stall when it lasts for minutes."""
    about = About(
        "database",
        EVERY_S,
        BUDGET_S,
        f"The database {path} does not answer",
        "Does its disk answer? `ls` in its folder shows that.",
        vital=True,
        passes_s=LOCKED_S,
    )
    probe = WriteProbe(path, busy_s=busy_s, clock=clock)
    return Probe(about, probe, log, clock, probe.close)


class WriteProbe:
    """One call: one write. For one thread.

    A new connection is made only after a trouble: the last one that closes takes the log with it, and
    that would be work for the queue.
    """

    def __init__(
        self, path: Path, *, busy_s: float = BUSY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._busy_s = busy_s
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode of what it is connected to

    def __call__(self) -> Finding:
        began = self._clock()
        try:
            self._check_place()
            with told(self._path):
                self._write()
        except OSError as e:
            self.close()
            return Finding(
                f"The database {self._path} cannot be looked at: {e.strerror}",
                "Check its folder and its disk.",
                worked=False,
            )
        except Unavailable as e:
            self.close()
            locked = e.code == PASSING
            hint = f"`fuser {self._path}` says which processes use it." if locked else e.hint
            return Finding(e.message, hint, {"code": e.code}, worked=False, passing=locked)
        except BaseException:
            self.close()
            raise
        return Finding(facts={"write_s": round(self._clock() - began, 4)})

    def _check_place(self) -> None:
        """Raises Unavailable when the file is not the one that the daemon has open."""
        there = _identity(self._path)
        if self._file is None:
            self._file = there
        if there != self._file:
            raise Unavailable(
                f"The database {self._path} was moved away or replaced while the daemon uses it",
                code="database_replaced",
                hint="Put it back, or restart vigentd: what it writes now may be lost.",
            )

    def _write(self) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {int(version)}")
        connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        # Never makes the file: an empty database in the place of one that is gone would hide that.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(
            address, uri=True, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")  # an answer only once it is on the disk
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _identity(path: Path) -> tuple[int, int]:
    """Raises OSError."""
    there = path.stat()
    return there.st_dev, there.st_ino
