"""A result's way into the outbox: the video, with subtitles, cover and a description beside it.

Of one result all have one stem, and nothing is ever overwritten, also no earlier result. The description
(monday.json) goes first: it says whose the name is, so a delivery that was killed knows its own files
again. The video goes last: whoever waits for it finds the rest.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from handlers.inbox.claim.files import StillWritten, digest, move, temporary, write_new
from handlers.inbox.claim.reading import opened
from handlers.inbox.names import fitted, group_key
from pipeline.copying import copy_bytes
from pipeline.workspace import sync_folder

ABOUT = ".json"
VIDEO = ".mp4"
SUFFIXES = (ABOUT, ".srt", ".jpg", VIDEO)  # in this order
_LONGEST_ABOUT = 2**20  # bytes; what is longer is not ours


@dataclass(frozen=True)
class Result:
    """Where the video of a job goes. outbox: absolute. delivered: it is there, or has been."""

    job_id: str
    outbox: str
    stem: str
    number: int = 1
    delivered: bool = False

    @property
    def video(self) -> str:
        return str(self.file(VIDEO))

    def file(self, suffix: str) -> Path:
        stem = fitted(self.stem, ABOUT, self.number).removesuffix(ABOUT)  # the longest; all have one stem
        return Path(self.outbox, stem + suffix)


def free(result: Result, others: Collection[Result] = ()) -> Result:
    """With the first number, from its own on, whose names nobody has: no file, and none of the others."""
    taken = {group_key(other.video) for other in others}
    for number in count(result.number):
        found = replace(result, number=number)
        if group_key(found.video) not in taken and not _taken(found):
            return found
    raise AssertionError("the numbers have come to an end")


def can_be_delivered(result: Result, results: Path) -> bool:
    """Whether its video is still kept in `results`; or is in the outbox, of a delivery that was killed."""
    return VIDEO in _kept(result, results) or (_is_ours(result) and os.path.lexists(result.file(VIDEO)))


def is_at(video: Path, job_id: str) -> bool:
    """Whether there is a video still, and not by now that of another job."""
    return video.is_file() and _owner(video.with_suffix(ABOUT)) in (job_id, None)


def deliver(result: Result, results: Path, about: Mapping[str, Any]) -> None:
    """Copies what is kept of the job in `results` (ID.mp4 …); after a kill, what has not been copied yet.

    about: what the description says. Raises FileExistsError when another has the name, and other OSErrors
    when there is no room, no right, no outbox, or no video any more.
    """
    if not _is_ours(result) and _taken(result):
        raise _exists(result.file(VIDEO))
    if not can_be_delivered(result, results):
        raise FileNotFoundError(
            errno.ENOENT, "it is not kept any more", str(results / (result.job_id + VIDEO))
        )
    kept = _kept(result, results)
    parts = {suffix: _part(result, suffix, results) for suffix in SUFFIXES}
    try:
        for part in parts.values():
            part.unlink(missing_ok=True)  # of a delivery that was killed
        missing = [suffix for suffix, source in kept.items() if not _is_there(source, result.file(suffix))]
        _check_room(result.outbox, sum(kept[suffix].stat().st_size for suffix in missing))
        for suffix in missing:
            _copy(kept[suffix], parts[suffix])
        if not _is_ours(result):
            write_new(result.file(ABOUT), _description(result, about))
        for suffix, part in parts.items():
            if part.exists():
                move(part, result.file(suffix))
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def withdraw(result: Result, results: Path) -> None:
    """What an unfinished delivery has left in the outbox goes: it is to begin again under another name."""
    if not _is_ours(result):
        return
    for suffix, source in _kept(result, results).items():
        if _is_copy(source, result.file(suffix)):
            result.file(suffix).unlink()
    result.file(ABOUT).unlink()  # last: without it the others are not known for ours
    sync_folder(Path(result.outbox))


def _kept(result: Result, results: Path) -> dict[str, Path]:
    paths = {suffix: results / (result.job_id + suffix) for suffix in SUFFIXES if suffix != ABOUT}
    return {suffix: path for suffix, path in paths.items() if path.is_file()}


def _taken(result: Result) -> bool:
    return any(os.path.lexists(result.file(suffix)) for suffix in SUFFIXES)


def _is_ours(result: Result) -> bool:
    """Whether the description that has this name is that of this job."""
    return _owner(result.file(ABOUT)) == result.job_id


def _owner(about: Path) -> object:
    """The id of the job that it describes; None when there is no description."""
    try:
        with opened(about) as f:
            there = json.loads(f.read(_LONGEST_ABOUT))
        return there.get("id") if isinstance(there, dict) else None
    except (OSError, ValueError, RecursionError):
        return None


def _is_there(source: Path, target: Path) -> bool:
    """Raises FileExistsError when it is something else that is there."""
    if not os.path.lexists(target):
        return False
    if not _is_copy(source, target):
        raise _exists(target)
    return True


def _is_copy(source: Path, target: Path) -> bool:
    try:
        return source.stat().st_size == target.lstat().st_size and digest(source) == digest(target)
    except (OSError, StillWritten):
        return False


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _description(result: Result, about: Mapping[str, Any]) -> bytes:
    told = {**about, "id": result.job_id, "output": result.file(VIDEO).name}
    text = json.dumps(told, ensure_ascii=False, indent=2)
    return f"{text}\n".encode("utf-8", "backslashreplace")  # \udc80 is how JSON spells what is no Unicode


def _part(result: Result, suffix: str, results: Path) -> Path:
    """What a copy is called until it is whole: the same under every number, so that it is found again."""
    name = result.job_id + suffix
    return temporary(results / name, Path(result.outbox, name))


def _check_room(outbox: str, size: int) -> None:
    """Before anything is copied: while there is no room, that is tried again and again."""
    disk = shutil.disk_usage(outbox)
    if disk.total and disk.free < size:  # there are file systems that do not say
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), outbox)


def _copy(source: Path, target: Path) -> None:
    """With the rights of a new file: what is kept is for us alone, what is delivered is for everybody."""
    with source.open("rb") as read, target.open("xb") as write:
        copy_bytes(read, write)
