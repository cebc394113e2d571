"""The files of a result, and what they are called while they are still being written."""

from __future__ import annotations

import os
import re
import uuid
import zlib
from pathlib import Path

COMPANIONS = (".srt", ".vtt", ".jpg")
_LONGEST = 40  # characters of a name: the whole temporary one has to fit, whatever is added to it


def files_of(out: Path) -> list[Path]:
    """All that is delivered for a video at `out`: subtitles and cover beside it, the video last."""
    return [*(out.with_suffix(suffix) for suffix in COMPANIONS), out]


def temporary(target: Path) -> Path:
    """Where to write what is to become `target`: beside it, hidden, another one each time."""
    return target.with_name(f".{_stem(target.name)}.{uuid.uuid4().hex[:8]}.part")


def left_by_the_killed(out: Path) -> list[Path]:
    """What a delivery to `out` that was killed has left beside it, and nothing of any other.

    Only while nobody delivers there. A folder that is gone or cannot be read has nothing.
    """
    stems = "|".join(re.escape(_stem(target.name)) for target in files_of(out))
    ours = re.compile(rf"\.(?:{stems})\.[0-9a-f]{{8}}\.part")
    try:
        with os.scandir(out.parent) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []


def _stem(name: str) -> str:
    """The name; or how it begins, with a number that tells it from others that begin so."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{zlib.crc32(os.fsencode(name)):08x}"
