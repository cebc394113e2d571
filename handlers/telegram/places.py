"""Where the bot keeps files: under ids of ours. Names that people gave are never paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from daemon.chats import ChatFile

VIDEOS, PICTURES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"), (".jpg", ".jpeg", ".png", ".webp")
TEXTS, SOUNDS = (".txt", ".md", ".srt"), (".ogg", ".oga", ".mp3", ".m4a", ".wav", ".flac")
SUFFIXES = frozenset((*VIDEOS, *PICTURES, *TEXTS, *SOUNDS))
BY_KIND = {"photo": ".jpg", "voice": ".ogg", "audio": ".mp3"}


@dataclass(frozen=True)
class Places:
    """root: a folder for the bot alone."""

    root: Path

    def file(self, file: ChatFile) -> Path:
        """A known suffix is kept, for programs that look at it first; nothing else of the name is."""
        given = PurePosixPath(file.name).suffix.lower()
        suffix = given if given in SUFFIXES else BY_KIND.get(file.kind, ".mp4")
        return self.root / "files" / f"{file.id}{suffix}"

    def preview(self, draft_id: str, version: int) -> Path:
        return self.root / "previews" / f"{draft_id}-{version}.jpg"

    def listen(self, errand: int) -> Path:
        return self.root / "listens" / f"{errand}.m4a"

    def result(self, job_id: str, run: int, suffix: str) -> Path:
        """What is made of a result for the way: a thumbnail, a smaller copy, the sound alone."""
        return self.root / "results" / f"{job_id}-{run}{suffix}"

    @property
    def old_voices(self) -> Path:
        """Where voices that people sent lay before there were saved ones (door/old_voices.py)."""
        return self.root / "voices"
