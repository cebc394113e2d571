"""What is said about a job in files: in the script, at its head, in a file beside it, in a row of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.folders import absolute
from models.errors import BadInput
from pipeline.front_matter import TO_BE_SPOKEN, split
from pipeline.options import check_options, shown
from pipeline.script import decode_script
from pipeline.spec import NONE, Settings

BYTES_PER_CHARACTER = 4  # at most, in UTF-8, UTF-16 and GB18030
HEAD_CHARS = 8192  # as much front matter is read beside what may be spoken


@dataclass(frozen=True)
class Said:
    """Options from a file.

    where:    the file in words, for mistakes: "monday.toml", "row 3 of batch.csv".
    by_owner: it is the machine's owner who wrote them. Only then music may be a file: what others drop
              must not name the files of this machine.
    """

    options: Mapping[str, Any]
    where: str
    by_owner: bool = False


def checked(said: Said, settings: Settings) -> dict[str, Any]:
    """The options by name, as JobSpec takes them. Raises BadInput: option_unknown, option_invalid,
    music_unknown."""
    values = check_options(said.options, said.where)
    if "music" in values and said.by_owner:
        values["music"] = track_path(values["music"])
    elif "music" in values:
        _check_track(values["music"], said.where, settings)
    return values


def checked_head(said: Said, settings: Settings) -> dict[str, Any]:
    """The same of front matter, which may be no front matter but the text itself."""
    try:
        return checked(said, settings)
    except BadInput as e:
        hint = f"{e.hint} {TO_BE_SPOKEN}" if e.code == "option_unknown" else e.hint
        raise BadInput(e.message, code=e.code, hint=hint) from e


def track_path(music: str) -> str:
    """A file for music is kept by its absolute path; a name stays a name."""
    path = Path(music)
    is_file = "/" in music or (path.suffix and path.is_file())
    return str(absolute(path)) if is_file else music


def _check_track(music: str, where: str, settings: Settings) -> None:
    from pipeline.music import tracks

    names = [NONE, *(track.name for track in tracks(settings))]
    if music.lower() not in ("", *(name.lower() for name in names)):
        raise BadInput(
            f"music in {where} must be the name of a track or {NONE}, not {shown(music)}",
            code="music_unknown",
            hint=f"There is: {', '.join(names)}. Your own files go into the folder music/ of `assets`.",
        )


def read_script(data: bytes, limit_chars: int, where: str) -> tuple[Said, str]:
    """What is said at the head of a script, and the text below it; that there is one is not checked.

    data: not more than `limit_bytes`. Raises BadInput: script_not_text, script_encoding, script_too_long,
    front_matter_invalid.
    """
    cut = len(data) >= limit_bytes(limit_chars)  # where reading stopped, perhaps within a character
    try:
        text = decode_script(data)
    except BadInput as e:
        if e.code == "script_encoding" and cut:
            raise _too_long(limit_chars) from e
        raise
    if cut:
        raise _too_long(limit_chars)
    options, spoken = split(text)
    return Said(options, where), spoken


def limit_bytes(limit_chars: int) -> int:
    """Enough of a script to tell that it is too long. A multiple of four, so that UTF-16 stays whole."""
    return BYTES_PER_CHARACTER * (HEAD_CHARS + limit_chars + 1024)


def _too_long(limit_chars: int) -> BadInput:
    return BadInput(
        f"The script has more than the {limit_chars:,} characters that are allowed",
        code="script_too_long",
        hint="Make several videos of it, or raise limits.script_chars in the configuration.",
    )
