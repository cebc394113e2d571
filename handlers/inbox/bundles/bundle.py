"""What belongs together in an inbox: a bundle, which becomes a job (or, with a batch, many)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# script, clip, speech, options (job.toml), batch: what a job is made of. note: one of our own notes that
# came back with its files. passing: a name that programs give to what is not finished. junk: what file
# managers leave behind. unknown: anything else.
Role = Literal["script", "clip", "speech", "options", "batch", "note", "passing", "junk", "unknown"]


@dataclass(frozen=True)
class Source:
    """name: in the inbox; of a file within a folder bundle, relative to that folder."""

    name: str
    role: Role


@dataclass(frozen=True)
class Bundle:
    """Files that are complete and belong together; nothing is missing.

    name:     what people call it, the stem or the folder's name; results are named after it.
    sources:  the files in the inbox; of a folder, those within it that are used.
    folder:   the name of the folder in the inbox; None for files that lie in the inbox itself.
    complete: when the last of it was changed (the largest st_ctime_ns): the order in which they are taken.
    """

    name: str
    sources: tuple[Source, ...]
    folder: str | None
    complete: int


@dataclass(frozen=True)
class Held:
    """Why something stays in the inbox.

    name: of the file or folder. why: one plain sentence. hint: what to do about it.
    helpless: waiting will not help (an unknown kind of file, a link, one that cannot be read): a note is
    left at once. Otherwise (its clip may yet come) the person is reminded after `remind` seconds.
    """

    name: str
    why: str
    hint: str = ""
    helpless: bool = False
