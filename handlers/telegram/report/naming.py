"""What a video is called in a chat, and what its files are called at the other end: never by an id."""

from __future__ import annotations

import re

from handlers.inbox.names import shown
from handlers.telegram.texts import plain
from pipeline.spec import JobSpec

STEM_CHARS = 60
NAMELESS = "video"
_UNUSABLE = re.compile(r'[\\/:*?"<>|]+')  # somewhere, in the name of a file


def label(language: str, spec: JobSpec) -> str | None:
    """For `Queue.submit_once`. None: as the queue calls it, by its title or its script; a recording has
    neither, and its file here is called by an id."""
    return None if spec.title or spec.script else plain(language, "job.recording")


def stem(label: str) -> str:
    """The name of a file without its suffix, from what the lists show for the job."""
    words = shown(" ".join(_UNUSABLE.sub(" ", label).split()))
    return words[:STEM_CHARS].strip(" .…") or NAMELESS
