"""The text of a file that somebody sent: as it is, or, of subtitles, without their times and markup."""

from __future__ import annotations

import re
from pathlib import Path

import pysubs2

from daemon.said import limit_bytes
from models.errors import BadInput
from models.words import is_han, is_kana
from pipeline.script import decode_script

CUE_CHARS = 2000  # between the times of two subtitles; a reader of markup may take the square of it
OVERHEAD = 8  # a file of subtitles may be so many times as long as what is spoken

_CLOCK = r"(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}"
_TIMES = re.compile(rf"^[ \t]*{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}", re.M)
_VTT = re.compile(r"\ufeff?WEBVTT\b")


def read_script_file(path: Path, limit_chars: int) -> bytes:
    """What is to be admitted as the script. That it is subtitles is seen in it, whatever it is called.

    Raises BadInput `script_not_text`, `script_encoding`, `script_empty`, `script_too_long`, `subtitles_long`.
    """
    longest = OVERHEAD * limit_bytes(limit_chars)
    with path.open("rb") as f:
        data = f.read(longest)
    if b"-->" not in data.replace(b"\0", b""):  # UTF-16 has a zero between the letters
        return data[: limit_bytes(limit_chars)]
    text = decode_script(data)
    if not _TIMES.search(text):
        return data[: limit_bytes(limit_chars)]
    if len(data) == longest:
        raise BadInput(
            f"The subtitles hold more than the {limit_chars:,} characters that are allowed",
            code="script_too_long",
            hint="Make several videos of them.",
        )
    return spoken(text).encode()


def spoken(subtitles: str) -> str:
    """The words of .srt or .vtt, a sentence that goes on in the next subtitle in one line.

    Raises BadInput `script_not_text`, `subtitles_long`.
    """
    _check_cues(subtitles)
    try:
        cues = pysubs2.SSAFile.from_string(subtitles, "vtt" if _VTT.match(subtitles) else "srt")
    except (pysubs2.Pysubs2Error, ValueError) as e:
        raise BadInput(
            "The subtitles cannot be read: they are damaged",
            code="script_not_text",
            hint="Export them again.",
        ) from e
    said: list[str] = []
    for cue in sorted(cues, key=lambda cue: cue.start):
        for line in filter(None, map(str.strip, cue.plaintext.split("\n"))):
            said += [_between(said[-1], line), line] if said else [line]
    return "".join(said)


def _check_cues(subtitles: str) -> None:
    begins = [found.start() for found in _TIMES.finditer(subtitles)]
    ends = [*begins[1:], len(subtitles)]
    if any(end - begin > CUE_CHARS for begin, end in zip(begins, ends, strict=True)):
        raise BadInput(
            f"The subtitles are damaged: one of them has more than {CUE_CHARS:,} characters",
            code="subtitles_long",
            hint="Export them again, or give the text as .txt.",
        )


def _between(before: str, after: str) -> str:
    if before[-1] in '.!?…。！？"”»':
        return "\n"
    return "" if _is_wide(before[-1]) and _is_wide(after[0]) else " "


def _is_wide(letter: str) -> bool:
    """Of the writings that have no spaces between words."""
    return (
        is_han(letter) or is_kana(letter) or "\u3000" <= letter <= "\u303f" or "\uff00" <= letter <= "\uffef"
    )
