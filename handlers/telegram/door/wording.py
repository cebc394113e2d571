"""Mistakes speak of files as the person knows them, and not of where we keep them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import VigentdError


@dataclass(frozen=True)
class Known:
    """A file of ours. kind: "clip", "recording". name: what its sender calls it; "" when it has no name."""

    path: Path
    kind: str
    name: str = ""


@contextmanager
def in_their_words(files: Sequence[Known]) -> Iterator[None]:
    """Whatever expected error is raised within tells of these files in the words of the person."""
    try:
        yield
    except VigentdError as e:
        message, hint = reworded(e.message, files), reworded(e.hint, files)
        raise type(e)(message, code=e.code, hint=hint) from e


def reworded(text: str, files: Sequence[Known]) -> str:
    """ "The clip 3f9k2m1x.mp4 is empty" is "The clip holiday.mov is empty", or "Your clip is empty"."""
    for known in files:
        written = "|".join(re.escape(form) for form in (str(known.path), known.path.name))
        pattern = rf"(?<![\w./-])(?P<the>[Tt]he {known.kind} )?(?:{written})(?![\w/-])"
        text = re.sub(pattern, lambda found, known=known: _called(found, known), text)  # type: ignore[misc]
    return text


def _called(found: re.Match[str], known: Known) -> str:
    if known.name:
        return f"{found['the'] or ''}{known.name}"
    return f"{'Your' if found.start() == 0 else 'your'} {known.kind}"
