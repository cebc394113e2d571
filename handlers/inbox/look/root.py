"""The watched folder itself: is it there, is it the one that it was, and may we work in it?

A folder that was there before and is gone is not made anew: its disk may not be mounted, and what was
written in its place would be hidden when it is back.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from daemon.folders import make_private
from handlers.inbox.look.mounts import mount_of
from handlers.inbox.places import Places
from models.errors import BadInput, Unavailable
from pipeline.workspace import write_atomic

Identity = tuple[int, int]  # st_dev, st_ino


class Root:
    """memory: a file in which is kept what the folder was when it was last seen."""

    def __init__(self, places: Places, memory: Path) -> None:
        self._places = places
        self._memory = memory
        self._entered: Identity | None = None

    def enter(self) -> bool:
        """Whether it is another folder than at the last call: then all that was known of it is void.

        Raises Unavailable `inbox_away`, `inbox_unwritable`, and BadInput `inbox_no_folder`.
        """
        path = self._places.root
        identity = _identity(path)
        if identity is not None and identity == self._entered and os.access(path, os.W_OK):
            return False
        self._entered = None
        if identity is None:
            self._make()
        elif not path.is_dir():
            raise BadInput(
                f"The inbox {path} is not a folder", code="inbox_no_folder", hint="Move the file away."
            )
        self._check_mount()
        self._check_rights()
        self._remember()
        self._entered = _identity(path)
        return True

    def _make(self) -> None:
        path = self._places.root
        if self._remembered() is not None:
            raise Unavailable(
                f"The inbox {path} is gone",
                code="inbox_away",
                hint="Mount its disk, or make the folder again; what was taken up goes on then.",
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise _unwritable(path, e) from e

    def _check_mount(self) -> None:
        remembered = self._remembered()
        point = str(mount_of(self._places.root).point)
        if remembered in (None, point) or self._places.work.is_dir():
            return
        raise Unavailable(
            f"The inbox {self._places.root} was on the disk that is mounted at {remembered}, "
            "and that is not mounted now",
            code="inbox_away",
            hint=f"Mount it. If the folder has moved for good, make an empty folder {self._places.work}.",
        )

    def _check_rights(self) -> None:
        try:
            self._places.work.mkdir(mode=0o700, exist_ok=True)
        except OSError as e:
            raise _unwritable(self._places.root, e) from e
        if not os.access(self._places.root, os.W_OK):  # a disk that was mounted read-only, too
            raise _unwritable(self._places.root, PermissionError(0, "writing there is not allowed"))

    # ------------------------------------------------------------ what it was

    def _remembered(self) -> str | None:
        """The place at which its disk was mounted."""
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(self._memory.read_text("utf-8"))
            if isinstance(told, dict) and told.get("path") == str(self._places.root):
                return str(told["mount"])
        return None

    def _remember(self) -> None:
        told = {"path": str(self._places.root), "mount": str(mount_of(self._places.root).point)}
        if told["mount"] == self._remembered():
            return
        with contextlib.suppress(OSError):  # then it is not known the next time, and no harm is done
            make_private(self._memory.parent)
            write_atomic(self._memory, json.dumps(told).encode())


def _identity(path: Path) -> Identity | None:
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"The inbox {path} cannot be written: {error.strerror}",
        code="inbox_unwritable",
        hint="Give vigentd's user the right to write there; files have to be moved to be taken up.",
    )
