"""Where everything of an intake goes when all its jobs have ended.

It is decided here, and kept in the database; then it is carried out (`carrying.py`).

    outbox/monday.mp4 …        results, copied
    done/monday.txt …          the sources, moved; or in failed/ or duplicates/, with a note beside them
    done/monday-2.txt …        what has come under one name more than once: nothing is ever overwritten
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

from handlers.inbox.claim.rollback import FOLDER
from handlers.inbox.claim.take import Taken
from handlers.inbox.contents.texts import read_bytes
from handlers.inbox.names import fitted, stem_of
from handlers.inbox.places import Places
from handlers.inbox.results import notes, outbox
from handlers.inbox.results.outbox import Result
from models.errors import BadInput

Outcome = Literal["done", "failed", "duplicate"]

NOTES: dict[Outcome, str] = {
    "done": ".duplicate.txt",  # of rows of a batch that had been made before
    "failed": ".error.txt",
    "duplicate": ".duplicate.txt",
}


@dataclass(frozen=True)
class Settlement:
    """place:   absolute: the folder that the sources go to.
    name:    of the intake; its note is called so.
    sources: (relative to .work/ID, original name) of each file; of a folder bundle only the folder.
    dropped: relative to .work/ID: notes of ours that had come back with the sources.
    linked:  the sources name one another (a batch and its files), so they must keep their names: when
             these are taken, they go into a folder of their own, `batch-2/`.
    number:  one for all of them: monday-2.txt, monday-2.mp4.
    words:   of the note.
    """

    outcome: Outcome
    place: str
    name: str
    sources: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...] = ()
    linked: bool = False
    number: int = 1
    results: tuple[Result, ...] = ()
    words: str | None = None

    @property
    def apart(self) -> bool:
        """Whether the sources go into a folder of their own."""
        return self.linked and self.number > 1

    @property
    def folder(self) -> Path:
        """Where the sources and their note go: the place, or that folder in it."""
        return Path(self.place, fitted(self.name, "", self.number) if self.apart else "")

    @property
    def moves(self) -> tuple[tuple[str, str], ...]:
        """(relative to .work/ID, absolute target) of each source."""
        names = [name for _, name in self.sources]
        if self.number > 1 and not self.apart:
            names = _numbered(names, self.number, whole=self.sources[0][0] == FOLDER)
        return tuple(
            (kept, str(self.folder / name)) for (kept, _), name in zip(self.sources, names, strict=True)
        )

    @property
    def note(self) -> tuple[str, str] | None:
        """Its path, absolute, and its text."""
        if self.words is None:
            return None
        name = fitted(self.name, NOTES[self.outcome], 1 if self.apart else self.number)
        return str(self.folder / name), self.words

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Settlement:
        tuples = {
            "sources": tuple((kept, name) for kept, name in said["sources"]),
            "dropped": tuple(said["dropped"]),
            "results": tuple(Result(**result) for result in said["results"]),
        }
        return cls(**{**said, **tuples})


def decide(
    places: Places, taken: Taken, outcome: Outcome, videos: Sequence[tuple[str, str]], note: str | None
) -> Settlement:
    """Chooses names that are free now. videos: (job's id, stem of its result). note: its text."""
    place = {"done": places.done, "failed": places.failed, "duplicate": places.duplicates}[outcome]
    results: list[Result] = []
    for job_id, stem in videos:
        results.append(outbox.free(Result(job_id, str(places.outbox), _as_name(stem)), results))
    dropped = _our_notes(places.work / taken.id, taken)
    sources = [(kept.kept, kept.name) for kept in taken.files if kept.kept not in dropped]
    settlement = Settlement(
        outcome,
        str(place),
        _as_name(taken.name),
        sources=tuple(sources) if taken.folder is None else ((FOLDER, taken.folder),),
        dropped=dropped,
        linked=taken.folder is None and any(kept.role == "batch" for kept in taken.files),
        results=tuple(results),
        words=note,
    )
    return free_names(settlement)


def _our_notes(folder: Path, taken: Taken) -> tuple[str, ...]:
    """Not what only has the name of one."""
    ours = []
    for kept in taken.files:
        with contextlib.suppress(BadInput):
            if kept.role == "note" and notes.is_ours(read_bytes(folder / kept.kept, kept.name, 2**20)):
                ours.append(kept.kept)
    return tuple(ours)


# ---------------------------------------------------------------- names


def free_names(settlement: Settlement) -> Settlement:
    """With the first number, from its own on, whose names nobody has."""
    for number in count(settlement.number):
        found = replace(settlement, number=number)
        targets = [target for _, target in found.moves] + ([found.note[0]] if found.note else [])
        if not any(map(os.path.lexists, [found.folder] if found.apart else targets)):
            return found
    raise AssertionError("the numbers have come to an end")


def _numbered(names: Sequence[str], number: int, *, whole: bool) -> list[str]:
    """monday-2.txt, monday-2.mp4: what had one stem has one again. whole: there are no suffixes."""
    suffixes = ["" if whole else name[len(stem_of(name)) :] for name in names]
    longest = max(suffixes, key=lambda suffix: len(os.fsencode(suffix)))
    return [
        fitted(name.removesuffix(suffix), longest, number).removesuffix(longest) + suffix
        for name, suffix in zip(names, suffixes, strict=True)
    ]


def _as_name(text: str) -> str:
    """What people wrote into a batch may be anything; a file name is never hidden, or in another folder."""
    name = text.replace("/", "_").replace("\0", "_").lstrip(".")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # a half of a character that JSON spelled out
        name = name.encode("utf-8", "replace").decode()
    return name or "video"
