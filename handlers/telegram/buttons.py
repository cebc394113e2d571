"""What a button says when it is pressed: "verb:id:argument", at most 64 bytes.

What it is about is an id of ours, and everything else is in the database: so a button works after a restart,
and an old one is understood for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from handlers.telegram.content import CALLBACK_BYTES


@dataclass(frozen=True)
class Press:
    """verb: what is to be done. about: id of a draft, a job, a message. argument: a choice."""

    verb: str
    about: str = ""
    argument: str = ""


def press(verb: str, about: object = "", argument: object = "") -> str:
    """For Button.data. An argument that is too long has to be a number instead: raises ValueError."""
    data = f"{verb}:{about}:{argument}"
    if len(data.encode()) > CALLBACK_BYTES:
        raise ValueError(f"a button cannot say as much as {data!r}")
    return data


def pressed(data: str) -> Press:
    """Whatever comes in: an unknown verb is the handlers' business."""
    verb, _, rest = data.partition(":")
    about, _, argument = rest.partition(":")
    return Press(verb, about, argument)
