"""How a video and what belongs to it get into a folder: whole or not at all, and only once.

1. Copies under hidden names, each brought to the disk:  .KEY.mp4.part  .KEY.srt.part …
2. A note of the name that they are to get:              .vigentd/KEY.json
3. Each gets its name in one step that replaces nothing, the video last.
4. The note says that it is there.

However far it came, what is there says how to go on: without a note, anew from 1. With one, whatever still
has its hidden name has not got the other. So it is known for certain whether the video is there: also when
the process is killed between any two steps, and when somebody takes the video away at once.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from handlers.inbox.claim.files import move
from handlers.publish.errors import NotSent
from handlers.publish.file_names import numbered
from handlers.publish.target import Text, Video
from models.beats import heard
from models.durable import written
from models.progress import Progress
from pipeline.copying import copy_bytes
from pipeline.workspace import sync_folder

NOTES = ".vigentd"
VIDEO = ".mp4"
SUFFIXES = (".srt", ".jpg", ".json", VIDEO)  # in this order they get their names


class NotKnown(OSError):
    """The video may have got its name, and whether it has cannot be told now."""


@dataclass(frozen=True)
class _Note:
    """suffixes: of the files that get this name."""

    stem: str
    suffixes: tuple[str, ...]
    there: bool = False


@dataclass(frozen=True)
class Place:
    """Where the video of this key is, or is to be."""

    folder: Path
    key: str

    def part(self, suffix: str) -> Path:
        return self.folder / f".{self.key}{suffix}.part"

    def file(self, stem: str, suffix: str) -> Path:
        return self.folder / (stem + suffix)

    def published(self) -> str | None:
        """The name without suffix under which the video is there, or was put there. Raises OSError."""
        note = self.note()
        if note is None:
            return None
        return note.stem if note.there or self.has_name(note.stem, VIDEO) else None

    def has_name(self, stem: str, suffix: str) -> bool:
        """Of one that has a note. (Where a file gets a name by a second one, it has both for a moment.)"""
        try:
            part = self.part(suffix).lstat()
        except FileNotFoundError as e:
            if not self._note.exists():  # it is not in this folder any more that it was looked for
                raise NotKnown(errno.ENOENT, "the folder is not the one that it just was") from e
            return True
        try:
            return os.path.samestat(part, self.file(stem, suffix).lstat())
        except FileNotFoundError:
            return False

    def note(self) -> _Note | None:
        try:
            note = json.loads(self._note.read_bytes())
            return _Note(note["stem"], tuple(note["suffixes"]), note["there"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as e:
            raise NotKnown(errno.EIO, f"the note {self._note} is damaged") from e

    def take_note(self, note: _Note) -> None:
        written(self._note, json.dumps(asdict(note), ensure_ascii=False).encode())

    def forget(self) -> None:
        self._note.unlink(missing_ok=True)
        sync_folder(self._note.parent)

    @property
    def _note(self) -> Path:
        return self.folder / NOTES / f"{self.key}.json"


@dataclass(frozen=True)
class Placing:
    """Of a video that is not there yet."""

    place: Place
    video: Video
    text: Text
    progress: Progress
    now: dt.datetime
    mode: int | None = None  # of the files

    def finish(self, choose: Callable[[], str]) -> str:
        """Returns the name without suffix. choose: the one that it should have, if that is free.

        Raises NotKnown, and OSError or Cancelled when it is certainly not there.
        """
        note = self.place.note()
        if note is None:
            self._copy_all()
            note = _Note(self._free(choose()), tuple(self._sources()))
            self.place.take_note(note)
        self._give_names(note)
        with suppress(OSError):  # it is there, and from what is left that can be seen as well
            self.place.take_note(replace(note, there=True))
            self._clean()
        return note.stem

    def _sources(self) -> dict[str, Path | None]:
        """By the suffix, in the order in which they get their names. None: made here."""
        sources = {".srt": self.video.subtitles, ".jpg": self.video.cover}
        return {
            **{suffix: path for suffix, path in sources.items() if path},
            ".json": None,
            VIDEO: self.video.path,
        }

    def _copy_all(self) -> None:
        self._clean()
        try:
            for suffix, source in self._sources().items():
                if source is None:
                    written(self.place.part(suffix), self._facts())
                else:
                    self._copy(source, suffix)
                if self.mode is not None:
                    self.place.part(suffix).chmod(self.mode)
        except BaseException:
            with suppress(OSError):  # what went wrong is more than what is left
                self._clean()
            raise

    def _copy(self, source: Path, suffix: str) -> None:
        with source.open("rb") as read, self.place.part(suffix).open("xb") as write:

            def step() -> None:
                if suffix == VIDEO:
                    self.progress.step(write.tell(), self.video.size)

            with heard(step):
                copy_bytes(read, write)

    def _clean(self) -> None:
        """Only while there is no note that needs them, or none any more."""
        for suffix in SUFFIXES:
            self.place.part(suffix).unlink(missing_ok=True)

    def _free(self, stem: str) -> str:
        number = 1
        while any(os.path.lexists(self.place.file(numbered(stem, number), suffix)) for suffix in SUFFIXES):
            number += 1
        return numbered(stem, number)

    def _give_names(self, note: _Note) -> None:
        stem = note.stem
        for suffix in note.suffixes:
            try:
                if not self.place.has_name(stem, suffix):
                    move(self.place.part(suffix), self.place.file(stem, suffix))
            except FileExistsError as e:
                self._take_back(note)
                raise NotSent(
                    f"Another file has got the name {stem}{suffix} in the meantime", wait_s=1.0
                ) from e
            except OSError as e:
                if suffix == VIDEO and not self._certainly_not(stem):
                    raise NotKnown(*e.args) from e
                raise
        sync_folder(self.place.folder)

    def _certainly_not(self, stem: str) -> bool:
        try:
            return not self.place.has_name(stem, VIDEO)
        except OSError:
            return False

    def _take_back(self, note: _Note) -> None:
        """What has its name already gets a hidden one again, so that all of it can begin anew."""
        for suffix in note.suffixes:
            part, file = self.place.part(suffix), self.place.file(note.stem, suffix)
            if suffix != VIDEO and self.place.has_name(note.stem, suffix):
                with suppress(FileNotFoundError):  # somebody took it
                    file.unlink() if os.path.lexists(part) else file.rename(part)
        self.place.forget()
        self._clean()

    def _facts(self) -> bytes:
        facts = {
            "key": self.place.key,
            "title": self.text.title,
            "description": self.text.description,
            "tags": list(self.text.tags),
            "language": self.text.language,
            "job": self.text.facts.job if self.text.facts else "",
            "published_at": self.now.isoformat(timespec="seconds"),
            "duration_s": round(self.video.duration_s, 3),
            "width": self.video.width,
            "height": self.video.height,
            "size": self.video.size,
        }
        return (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode()
