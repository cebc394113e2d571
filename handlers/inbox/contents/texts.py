"""Reads a text file that somebody dropped: of a bounded size, of any usual encoding, and a real file."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from models.errors import BadInput
from pipeline.script import decode_script


def read_bytes(path: Path, name: str, limit: int) -> bytes:
    """Not more than `limit` of them. name: what people call the file. Raises BadInput `file_unreadable`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as f:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise BadInput(f"{name} is not a file", code="file_unreadable", hint="Put a file there.")
            return f.read(limit)
    except OSError as e:
        raise BadInput(
            f"{name} cannot be read: {e.strerror}", code="file_unreadable", hint="Check its permissions."
        ) from e


def read_text(path: Path, name: str, limit: int) -> str:
    """All of it, without a byte order mark.

    Raises BadInput: file_unreadable, file_too_large, file_encoding.
    """
    data = read_bytes(path, name, limit + 1)
    if len(data) > limit:
        raise BadInput(
            f"{name} has more than {limit // 1000:,} kB",
            code="file_too_large",
            hint="Make several files of it.",
        )
    try:
        return _decoded(data)
    except (BadInput, UnicodeDecodeError) as e:
        raise BadInput(
            f"{name} is not a text, or in an encoding that is not known",
            code="file_encoding",
            hint="Save it as UTF-8 (in Excel: CSV UTF-8).",
        ) from e


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = decode_script(data)  # GB18030, if it reads as Chinese
    if "\0" in text:
        text = decode_script(data)  # UTF-16 without a mark, or no text at all
    return text
