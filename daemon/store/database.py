"""The SQLite file: how it is opened, locked, versioned, and how its troubles are told.

WAL with `synchronous=FULL`: what was committed is there after a power cut. Every write transaction is
BEGIN IMMEDIATE: a transaction that reads first and then writes would fail at once with "database is
locked", however long the busy timeout is, because its snapshot may be old.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from daemon.chats import ChatMessage
from daemon.folders import make_private, unwritable
from daemon.intakes import Intake
from daemon.publications.tables import Publication
from daemon.store.upgrades import UPGRADES, Upgrade
from models.errors import Unavailable, VigentdError

TABLES = Intake.metadata  # those of jobs.py, chats.py and publications are in it, too
assert ChatMessage.metadata is TABLES and Publication.metadata is TABLES
ROOM = 2**20  # bytes: when less is free, an error of the disk means that it is full


class Database:
    """path: made with its folder when missing; the file is for its owner only.

    Raises Unavailable: `data_dir_unwritable`, `database_newer`, `database_damaged`, `database_busy`,
    `disk_full`, `disk_failed`.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_s: float = 10.0,
        upgrades: Sequence[Upgrade] = UPGRADES,
    ) -> None:
        self._path = path
        self._upgrades = upgrades
        try:
            make_private(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as e:
            raise unwritable(path.parent, e) from e
        self._writer = _engine(path, busy_s)
        self._reader = self._writer.execution_options(begin="BEGIN")
        self._open = threading.local()  # .session: of the write transaction that this thread is in
        try:
            with told(path):
                self._prepare()
        except BaseException:
            self.close()  # else it keeps its connection, and room on a full disk
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view, which never waits for a writer; within this thread's own transaction, that."""
        if (own := self._own) is not None:
            yield own
            return
        with told(self._path), Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One write transaction: all of it at the end of the block, or nothing when the block raises.

        A block within a block of the same thread is a part of it: what that one writes is there when the
        outer one is, and when the inner one raises, only what it wrote is taken back.
        """
        if (own := self._own) is not None:
            with _savepoint(own):
                yield own
            return
        with told(self._path), Session(self._writer, expire_on_commit=False) as session, session.begin():
            self._open.session = session
            try:
                yield session
            finally:
                self._open.session = None

    @property
    def _own(self) -> Session | None:
        return getattr(self._open, "session", None)

    def check(self) -> None:
        """Reads the whole file. Raises Unavailable `database_damaged`."""
        with told(self._path), self._reader.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise _trouble(self._path, sqlite3.SQLITE_CORRUPT)

    def close(self) -> None:
        self._writer.dispose()

    def _prepare(self) -> None:
        newest = len(self._upgrades) + 1
        with self._reader.connect() as connection:
            version = _version(connection)
        if version > newest:
            raise Unavailable(
                f"The database {self._path} was made by a newer vigentd: "
                f"it has version {version}, and this one knows {newest}",
                code="database_newer",
                hint="Upgrade vigentd, or use another data folder.",
            )
        if version == newest:
            return
        with _folder_lock(self._path.parent):  # first starts at the same moment take turns
            _use_wal(self._writer)
            with self._writer.begin() as connection:
                version = _version(connection)
                if version == 0:
                    TABLES.create_all(connection)
                for upgrade in self._upgrades[max(version - 1, 0) :] if version else ():
                    upgrade(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {newest}")


@contextmanager
def _savepoint(session: Session) -> Iterator[None]:
    nested = session.begin_nested()
    try:
        yield
        nested.commit()
    except BaseException:
        # When the disk is full, SQLite itself has taken everything back, and knows no savepoint any more;
        # what is to be told is what came first.
        with suppress(DBAPIError):
            nested.rollback()
        raise


def _engine(path: Path, busy_s: float) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_s})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions on its own
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN IMMEDIATE"))

    return engine


def _use_wal(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")  # stays with the file
    finally:
        raw.close()


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


_TROUBLES = {
    sqlite3.SQLITE_FULL: ("disk_full", "the disk is full", "Free some disk space and try again."),
    sqlite3.SQLITE_BUSY: ("database_busy", "another process keeps it locked", "Try again in a moment."),
    sqlite3.SQLITE_NOTADB: (
        "database_damaged",
        "it is not a database",
        "Move the file away; a new one is made.",
    ),
    sqlite3.SQLITE_CORRUPT: ("database_damaged", "it is damaged", "Move the file away; a new one is made."),
    sqlite3.SQLITE_READONLY: (
        "data_dir_unwritable",
        "it is read-only",
        "Give its owner the right to write it.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "data_dir_unwritable",
        "it cannot be opened",
        "Check the rights of its folder.",
    ),
    sqlite3.SQLITE_IOERR: ("disk_failed", "the disk reports errors", "Check the disk and its free space."),
}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what SQLite reports about the file or the disk into a plain sentence. Bugs stay bugs."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as e:
        reported = e.orig if isinstance(e, DBAPIError) else e
        number = getattr(reported, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind of error
        if number == sqlite3.SQLITE_IOERR and _is_full(path.parent):
            number = sqlite3.SQLITE_FULL  # SQLite says so only of some of its files
        if number not in _TROUBLES:
            raise
        raise _trouble(path, number) from e


def _trouble(path: Path, number: int) -> VigentdError:
    code, what, hint = _TROUBLES[number]
    return Unavailable(f"The database {path} cannot be used: {what}", code=code, hint=hint)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM
    except OSError:
        return False
