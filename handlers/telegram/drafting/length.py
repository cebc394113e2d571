"""A script that is longer than is allowed: what of it is kept, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

from daemon.said import HEAD_CHARS
from handlers.telegram.draft import Contents, Part

FRONT_MATTER = "---"


def over_limit(contents: Contents, most: int) -> dict[str, str] | None:
    """What is wrong, as `Findings.error`. With options at its head only the door can count, if it has all."""
    characters, text = contents.characters, contents.text
    if characters <= most or (len(text) == characters and text.lstrip().startswith(FRONT_MATTER)):
        return None
    return {
        "code": "script_over_limit",
        "message": f"The script has {characters:,} characters, and at most {most:,} are allowed",
        "hint": "Make several videos of it.",
        "characters": f"{characters:,}",
        "limit": f"{most:,}",
    }


def with_part(contents: Contents, part: Part, most: int) -> Contents:
    """A further one. What comes when there is far too much already is counted, and not kept."""
    if contents.characters > most + HEAD_CHARS:
        part = replace(part, text="", beyond=part.characters)
    return replace(contents, script=(*contents.script, part))
