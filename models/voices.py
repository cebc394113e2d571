"""Voices that people saved: a recording of somebody, with what is said in it, or a description in words.

A folder each (voice_files.py), which appears whole or not at all. Names that people gave are never paths.

    <folder>/lock          held for a moment by whoever saves or removes
    <folder>/_k3v9x1a2     a voice, under its id: begins with _, as no name does

A name stands for one voice, whoever saved it, whatever is written large or small in it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.audio import faded, levelled, resampled
from models.durable import flushed, moved
from models.engine import Audio
from models.errors import BadInput, Unavailable
from models.voice_files import (
    EVERYBODY,
    OWNER,
    RATE,
    By,
    Record,
    SavedVoice,
    UnreadableVoice,
    hash_of,
    read,
    saved,
    write,
)
from models.voice_names import (
    DESCRIPTION_CHARS,
    checked_name,
    checked_text,
    name_taken,
    no_such_voice,
    same_name,
)

__all__ = ["EVERYBODY", "OWNER", "By", "SavedVoice", "UnreadableVoice", "Voices"]


class Voices:
    """All of them, in `folder`, which is made when the first is saved.

    Whatever looks into it raises Unavailable `voices_unusable` when it cannot be read.
    """

    def __init__(
        self, folder: Path, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self.folder = folder
        self._now = now

    def all(self) -> list[SavedVoice]:
        """The oldest first."""
        voices = (voice for voice in self._read() if isinstance(voice, SavedVoice))
        return sorted(voices, key=lambda voice: (voice.at, voice.id))

    def unreadable(self) -> list[UnreadableVoice]:
        """Those of which not even the name is known for sure. `remove` takes their ids."""
        voices = (voice for voice in self._read() if isinstance(voice, UnreadableVoice))
        return sorted(voices, key=lambda voice: voice.folder.name)

    def find(self, name: str) -> SavedVoice | None:
        return next((voice for voice in self.all() if same_name(voice.name, name)), None)

    def save_recording(
        self,
        name: str,
        wav: Audio,
        rate: int,
        *,
        text: str = "",
        language: str = "",
        chat_id: int | None = None,
    ) -> SavedVoice:
        """wav: mono, at any rate; it is brought to RATE and to the level of all voices.

        A voice of this name is replaced, unless it is another chat's; whoever reads it meanwhile has the one
        or the other. Raises BadInput `voice_name_invalid`, `voice_name_taken`, `voice_text_invalid`.
        """
        sound = faded(levelled(resampled(wav, rate, RATE), RATE), RATE)
        facts: dict[str, Any] = {"name": checked_name(name), "text": checked_text(text), "language": language}
        facts |= {"seconds": round(len(sound) / RATE, 3), "chat_id": chat_id, "sound": hash_of(sound)}
        return self._save(facts, sound)

    def save_description(self, name: str, description: str) -> SavedVoice:
        """description: in words, for an engine that can follow them. Replaces and raises as above."""
        words = checked_text(description, DESCRIPTION_CHARS, "description")
        if not words:
            raise BadInput(
                "The description of the voice is empty",
                code="voice_text_invalid",
                hint="Say how it is to sound: a deep, calm voice of an older man.",
            )
        return self._save({"name": checked_name(name), "description": words, "chat_id": None}, None)

    def remove(self, name: str) -> SavedVoice | UnreadableVoice:
        """name: or the id of what cannot be read. Returns what it was. Raises BadInput `voice_unknown`."""
        with self._alone():
            damaged = (voice for voice in self.unreadable() if voice.folder.name == name)
            voice = self.find(name) or next(damaged, None)
            if voice is None:
                raise no_such_voice(name, [other.name for other in self.all()])
            if voice.folder.is_symlink():
                voice.folder.unlink()  # what it leads to is somebody else's
            else:  # at once, and not file by file: whoever reads meanwhile finds it whole or not at all
                voice.folder.rename(self.folder / f".{voice.folder.name}.part")
        return voice

    def _read(self) -> Iterator[SavedVoice | UnreadableVoice]:
        try:
            with os.scandir(self.folder) as entries:
                folders = [Path(entry) for entry in entries if _may_be_one(entry)]
        except FileNotFoundError:
            return
        except OSError as e:
            raise _unusable(self.folder, e, "read") from e
        yield from (voice for voice in map(read, folders) if voice is not None)

    def _save(self, facts: dict[str, Any], sound: Audio | None) -> SavedVoice:
        with self._alone():
            before = self.find(facts["name"])
            if before is not None and before.chat_id != facts["chat_id"]:
                raise name_taken(before.name, hint="Or remove that voice first with `vigentd voices rm`.")
            # Who is the oldest stays so.
            at = self._now().astimezone(dt.UTC) if before is None else dt.datetime.fromisoformat(before.at)
            record = Record(at=at, **facts)
            if before is not None:
                folder = before.folder
                write(folder, record, sound)
            else:
                part = Path(tempfile.mkdtemp(prefix="._", suffix=".part", dir=self.folder))
                write(part, record, sound)
                flushed(part)
                folder = self.folder / part.name.removeprefix(".").removesuffix(".part")
                moved(part, folder)
            return saved(folder, record)

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Nobody else saves or removes meanwhile; what one that was killed has left is taken away."""
        try:
            for folder in (*reversed(self.folder.parents), self.folder):
                folder.mkdir(mode=0o700, exist_ok=True)  # `parents=True` would leave those open to everybody
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                _remove_strays(self.folder)
                try:
                    yield
                finally:
                    _remove_strays(self.folder)
            finally:
                os.close(lock)
        except OSError as e:
            raise _unusable(self.folder, e, "kept") from e


def _may_be_one(entry: os.DirEntry[str]) -> bool:
    return entry.name[0] != "." and (entry.is_symlink() or entry.is_dir())


def _unusable(folder: Path, error: OSError, what: str) -> Unavailable:
    return Unavailable(
        f"Voices cannot be {what} in {folder}: {error.strerror or error}",
        code="voices_unusable",
        hint="Make room there or give the folder to the user that vigentd runs as.",
    )


def _remove_strays(folder: Path) -> None:
    for stray in folder.glob(".*.part"):
        shutil.rmtree(stray, ignore_errors=True)
