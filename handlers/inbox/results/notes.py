"""The words of the notes: for a person who sees only the folder.

Each begins with one line that says what happened; then why, what to do, and where there is more to read.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from daemon.logs.logline import Mask
from handlers.inbox.bundles.bundle import Held
from handlers.inbox.names import shown

WIDTH = 90
NAMED = 3  # so many files are named; of more, only how many they are
_COMMAND = re.compile("`[^`]+`")  # to be copied, so never over two lines
_AS_IT_IS = "    "  # how a line begins that is not wrapped
LONGEST = 1000  # characters of a reason: there are libraries that tell whole pages

_AGAIN = (
    "To have it made once more, change something (the script, the clip or an option) and move the files "
    'back into the inbox. With `duplicates = "make"` in the configuration of this inbox the same is made '
    "each time that it comes."
)

Error = Mapping[str, str]  # code, message, hint


def failed(names: Sequence[str], error: Error, job_id: str | None, log: Path | str | None) -> str:
    """names: of the sources. job_id, log: None when it did not even become a job."""
    if error["code"] == "cancelled":
        return _note(
            f"The job of {_list(names)} was cancelled.",
            "Somebody asked for that, so no video was made.",
            "To have it made all the same, move the files back into the inbox: then it is tried again.",
            _reference(job_id, log),
        )
    return _note(
        f"No video could be made of {_list(names)}.",
        _sentence(error["message"]),
        _paragraph(error.get("hint", "")),
        "Put it right and move the files back into the inbox: then it is tried again.",
        _reference(job_id, log),
    )


def duplicate(names: Sequence[str], job_id: str, result: Path | str | None, made_at: str | None) -> str:
    """result: of the job that was the same, as far as it is still there. made_at: when it ended."""
    on = f" on {made_at[:10]} at {made_at[11:16]} UTC" if made_at else ""
    where = f"It is:\n{_path(result)}" if result else "It is not kept any more."
    return _note(
        f"A video of {_list(names)} has been made before.",
        f"The same script with the same clip and the same options became a video{on}, "
        "so nothing was made this time.",
        where,
        _AGAIN,
        _reference(job_id, None),
    )


class Repeated(NamedTuple):
    """A row of a batch whose video had been made before.

    result: where it is, as far as it is still there. like: an earlier row of the same batch that is the same.
    """

    row: str
    result: Path | None = None
    like: str = ""


def batch(
    names: Sequence[str], total: int, failures: Sequence[tuple[str, Error]], repeated: Sequence[Repeated]
) -> str:
    """total: rows. failures: (row's name, why)."""
    made = total - len(failures) - len(repeated)
    were = "None was" if made == 0 else "One was" if made == 1 else f"{made} were"
    before = f", {len(repeated)} had been made before" if repeated else ""
    rows = [f"- {shown(row)}: {_reason(error)}" for row, error in failures]
    return _note(
        f"{_so_many(len(failures), total)} of {_list(names)} could not be made.",
        f"{were} made{before}. These failed:",
        "\n".join(rows),
        "Correct those rows and move the files back into the inbox: what has been made is not made again.",
        f"These had been made before:\n{_rows_before(repeated)}" if repeated else "",
    )


def batch_repeated(names: Sequence[str], total: int, repeated: Sequence[Repeated]) -> str:
    """total: rows, of which none failed."""
    return _note(
        f"{_so_many(len(repeated), total)} of {_list(names)} had been made before.",
        "The same script with the same clip and the same options became a video, so nothing was made this "
        "time for:",
        _rows_before(repeated),
        _AGAIN,
    )


def waiting(held: Held, since: str, inbox: Path) -> str:
    """For what stays in the inbox. since: an ISO time. inbox: its folder."""
    return _note(
        f"{shown(held.name)} is still in the inbox, and nothing is being made of it.",
        _sentence(held.why),
        _paragraph(held.hint),
        f"It has been there since {since[:10]} {since[11:16]} UTC:\n{_path(inbox / held.name)}",
        "This note goes away when it does. `vigentd inbox status` says what every inbox is waiting for.",
    )


_OURS = re.compile(
    r"No video could be made of .+\.|The job of .+ was cancelled\.|A video of .+ has been made before\."
    r"|(?:\d+ of the \d+ videos|All \d+ videos|The video) of .+ (?:could not be|had been) made(?: before)?\."
    r"|.+ is still in the inbox, and nothing is being made of it\."
)


def is_ours(text: bytes) -> bool:
    """Whether this is one of our notes, and not a person's file that is called like one."""
    return _OURS.fullmatch(text.partition(b"\n")[0].decode("utf-8", "replace")) is not None


def waits_in(text: bytes, inbox: Path) -> bool:
    """Whether this is our note about something that stays in this inbox."""
    lines = text.decode("utf-8", "replace").splitlines()
    folders = {line.rpartition("/")[0] for line in lines if line.startswith(_AS_IT_IS)}
    return is_ours(text) and _path(inbox) in folders


# ---------------------------------------------------------------- the form


def _note(first: str, *paragraphs: str) -> str:
    """The first line is one line, however long; of the rest, lines of their own stay such."""
    wrapped = ["\n".join(_wrap(line) for line in text.split("\n")) for text in paragraphs if text]
    return Mask()("\n\n".join([first, *wrapped]) + "\n")


def _wrap(line: str) -> str:
    if line.startswith(_AS_IT_IS):
        return line
    indent = "  " if line.startswith("- ") else ""
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", "\0"), line)
    lines = textwrap.fill(
        whole, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.replace("\0", " ")


def _reference(job_id: str | None, log: Path | str | None) -> str:
    if job_id is None:
        return ""
    return f"Job {job_id}" + (f"; its log:\n{_path(log)}" if log else "")


def _path(path: Path | str) -> str:
    """To be copied, so in a line of its own that is not wrapped."""
    return _AS_IT_IS + shown(str(path))


def _so_many(some: int, total: int) -> str:
    if some < total:
        return f"{some} of the {total} videos"
    return "The video" if total == 1 else f"All {total} videos"


def _rows_before(repeated: Sequence[Repeated]) -> str:
    return "\n".join(f"- {shown(one.row)}{_where(one)}" for one in repeated)


def _where(one: Repeated) -> str:
    if one.like:
        return f": the same as {shown(one.like)}."
    return f":\n{_path(one.result)}" if one.result else ": its video is not kept any more."


def _reason(error: Error) -> str:
    return " ".join(filter(None, (_sentence(error["message"]), _paragraph(error.get("hint", "")))))


def _list(names: Iterable[str]) -> str:
    """monday.txt and monday.mp4; or: a.csv, b.mp4, c.mp4 and 7 more."""
    named = [shown(name) for name in names]
    if len(named) > NAMED:
        named[NAMED:] = [f"{len(named) - NAMED} more"]
    *most, last = named or ["what was dropped"]
    return f"{', '.join(most)} and {last}" if most else last


def _sentence(text: str) -> str:
    """A paragraph with a full stop: messages have none."""
    text = _paragraph(text)
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _paragraph(text: str) -> str:
    """In one line; never a traceback, or what could command a terminal."""
    text = shown(" ".join(text.partition("Traceback (most recent call last)")[0].split()))
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + "…"
