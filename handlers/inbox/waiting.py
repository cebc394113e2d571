"""What stays in the inbox, and why; and the notes that tell a person who only sees the folder."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from daemon.jobs import iso
from handlers.inbox.bundles.bundle import Held
from handlers.inbox.claim.files import write_new
from handlers.inbox.contents.texts import read_bytes
from handlers.inbox.names import fitted, shown
from handlers.inbox.places import Places, make_place
from handlers.inbox.results import notes
from models.errors import BadInput

SUFFIX = ".waiting.txt"
LONGEST = 2**16  # bytes of a note


class Waiting:
    """The notes go to failed/. remind_s: after so long one is left for what may still be completed.

    now: the time, with its zone.
    """

    def __init__(self, places: Places, remind_s: float, now: Callable[[], dt.datetime]) -> None:
        self._failed, self._root = places.failed, places.root
        self._remind_s = remind_s
        self._now = now
        self._held: dict[str, tuple[Held, dt.datetime]] = {}
        self._noted: dict[str, str] = {}  # name → the reason that its note gives

    def hold(self, held: Sequence[Held], came: Mapping[str, dt.datetime]) -> list[Held]:
        """This is what stays now. came: when each thing did. Returns those of which a person is told now.

        Raises OSError when a note cannot be written; it is tried again the next time.
        """
        self._held = {one.name: (one, came.get(one.name, self._now())) for one in held}
        whys = {one.name: one.why for one in held}
        for name in [name for name, why in self._noted.items() if whys.get(name) != why]:
            self._drop(self._note(name))
            del self._noted[name]
        told = []
        for name, (one, since) in self._held.items():
            if name in self._noted or not self._is_due(one, since):
                continue
            make_place(self._failed, self._root)
            note = notes.waiting(one, iso(since), self._root)
            with contextlib.suppress(FileExistsError):  # somebody's own file, which is not ours to overwrite
                write_new(self._note(name), note.encode("utf-8", "replace"))
            self._noted[name] = one.why
            told.append(one)
        return told

    def forget_old_notes(self) -> None:
        """Those that an earlier daemon left: what still has to be told is told anew."""
        self._noted.clear()
        if self._failed.is_dir():
            for path in self._failed.iterdir():
                if path.name.endswith(SUFFIX):
                    self._drop(path)

    @property
    def number(self) -> int:
        return len(self._held)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"name": shown(name), "why": one.why, "hint": one.hint, "since": iso(since)}
            for name, (one, since) in sorted(self._held.items())
        ]

    def _is_due(self, held: Held, since: dt.datetime) -> bool:
        return held.helpless or (self._now() - since).total_seconds() >= self._remind_s

    def _drop(self, path: Path) -> None:
        """If it is a note of this inbox: the folder may be that of others, too."""
        with contextlib.suppress(BadInput):  # it is gone, or no file
            if notes.waits_in(read_bytes(path, path.name, LONGEST), self._root):
                path.unlink(missing_ok=True)

    def _note(self, name: str) -> Path:
        return self._failed / fitted(name, SUFFIX)
