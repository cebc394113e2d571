"""What a person and a program see: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from models.errors import VigentdError

if TYPE_CHECKING:
    from rich.console import Console


def out(line: str) -> None:
    print(line)


def out_json(value: Any) -> None:
    """The one JSON value of a command with --json."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not unicode, indent=2))


def tell(line: str) -> None:
    """For the person, beside the result."""
    with contextlib.suppress(OSError):  # nobody can be told; the work goes on
        print(printable(line), file=sys.stderr, flush=True)


def tell_error(error: VigentdError) -> None:
    tell(f"error: {error.message}")
    if error.hint:
        tell(f"hint: {error.hint}")


def printable(text: str) -> str:
    """Without control characters: a title with an escape sequence in it must not command the terminal."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc")


def console(*, stderr: bool = False) -> Console:
    """rich's console. Into a pipe or a file it writes whole lines, however narrow the terminal is."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 200)


def duration(seconds: float) -> str:
    """ "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(number: int, what: str) -> str:
    """ "1 job", "2 jobs"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def local_time(iso: str | None, *, seconds: bool = False) -> str:
    """A moment (ISO 8601) as the clock here shows it: "2026-11-21 22:39"; "" for none."""
    import datetime as dt

    if not iso:
        return ""
    return format(dt.datetime.fromisoformat(iso).astimezone(), "%Y-%m-%d %H:%M" + ":%S" * seconds)
