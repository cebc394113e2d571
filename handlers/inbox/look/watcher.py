"""Hints that something happened in a folder.

Hints only: events are lost in silence, and none comes when the folder itself is replaced. Whoever listens
has to look by itself from time to time, and to call `check` then.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.polling import PollingObserverVFS

from handlers.inbox.look.mounts import is_remote, mount_of
from handlers.inbox.names import shown

POLL_S = 1.0
STOP_S = 2.0

# Not that a file was read, which we do ourselves; nor each time that something was written to it: with a
# large file those are thousands, and it was heard that it came, and will be heard that it was closed.
_HEARD: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileMovedEvent, FileClosedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]

# watchdog takes an event that comes while its observer is being stopped for an error, and logs it.
logging.getLogger("watchdog.observers.inotify").addFilter(
    lambda record: "when the thread is inactive" not in record.getMessage()
)

Way = Literal["inotify", "polling"]


class Log(Protocol):
    def event(self, name: str, /, **facts: object) -> None: ...


class Watcher:
    """Watches one folder, which may go away and come back. start, check and stop are for one thread.

    poll: True: by polling; False: by inotify as long as that works at all; None: as is best for the folder.
    wake: called from another thread, once or more for whatever happens in the folder; must return at once.
    """

    def __init__(self, path: Path, poll: bool | None, wake: Callable[[], None], log: Log) -> None:
        self._path, self._poll, self._log = path, poll, log
        self._handler = _Wake(wake)
        self._wanted = False
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None  # device and inode of what is watched
        self.way: Way = "polling" if poll else "inotify"
        self.why = ""  # polling, though nobody asked for it

    def start(self) -> None:
        """A folder that is not there is no error; it is watched from the `check` on at which it is."""
        self._wanted = True
        self.check()

    def check(self) -> None:
        """Sees to it that the folder that is there now is watched. Cheap when it already is."""
        if not self._wanted:
            return
        there = self._there()
        if there is not None and there == self._watched and self._is_alive():
            return
        self._end()
        if there is not None:
            self._begin(there)

    def stop(self) -> None:
        """Does not wait long for a file system that does not answer."""
        self._wanted = False
        self._end()

    def _there(self) -> tuple[int, int] | None:
        try:
            there = self._path.stat()
        except OSError:
            return None
        return there.st_dev, there.st_ino

    def _is_alive(self) -> bool:
        """The emitter ends by itself when the folder is deleted, and its observer goes on without it."""
        observer = self._observer
        if observer is None or not observer.is_alive():
            return False
        return bool(observer.emitters) and all(emitter.is_alive() for emitter in observer.emitters)

    def _begin(self, there: tuple[int, int]) -> None:
        # watchdog takes a folder that may not be read for one in which nothing happens.
        if not os.access(self._path, os.R_OK | os.X_OK):
            return
        way, why = self._best_way()
        observer = self._started(way)
        if isinstance(observer, OSError) and way == "inotify":
            way, why = "polling", f"inotify does not work: {observer.strerror or observer}"
            observer = self._started(way)
        if isinstance(
            observer, OSError
        ):  # it has gone away meanwhile, most likely; the next check tries again
            return
        self._observer, self._watched = observer, there
        if why and why != self.why:
            self._log.event("inbox_polled", folder=shown(str(self._path)), because=why)
        self.way, self.why = way, why

    def _best_way(self) -> tuple[Way, str]:
        if self._poll is not None:
            return "polling" if self._poll else "inotify", ""
        mount = mount_of(self._path)
        if is_remote(mount.kind):
            return "polling", f"{mount.kind} does not tell what other machines do"
        return "inotify", ""

    def _started(self, way: Way) -> BaseObserver | OSError:
        try:
            observer = _observer(way)
        except OSError as e:
            return e
        try:
            observer.schedule(self._handler, self._path, event_filter=_heard(way), follow_symlink=True)
            observer.start()
        except OSError as e:
            observer.stop()  # it may have threads already
            return e
        return observer

    def _end(self) -> None:
        observer, self._observer, self._watched = self._observer, None, None
        if observer is None:
            return
        # It waits for its threads, and those for the file system: on a dead network share, for ever.
        end = threading.Thread(target=_stop, args=(observer,), name="watcher-end", daemon=True)
        end.start()
        end.join(STOP_S)


def _observer(way: Way) -> BaseObserver:
    """Raises OSError: there are no inotify instances left."""
    if way == "inotify":
        return InotifyObserver()
    return PollingObserverVFS(os.lstat, os.scandir, polling_interval=POLL_S)


def _heard(way: Way) -> list[type[FileSystemEvent]]:
    return _HEARD if way == "inotify" else [*_HEARD, FileModifiedEvent]  # polling never tells of closing


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    observer.join()


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Hidden names are our own (.work) or temporary ones."""
        names = [Path(os.fsdecode(path)).name for path in (event.src_path, event.dest_path) if path]
        if not all(name.startswith(".") for name in names):
            self._wake()
