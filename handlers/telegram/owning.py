"""Whose button it is. In a group one member cannot press another's, unless they are an admin."""

from __future__ import annotations

from handlers.telegram.talk import Talk


def mine(talk: Talk, owner_id: int) -> bool:
    """Of a press. When it is not theirs, they are told so, and nothing else is to be done."""
    if talk.admin or talk.who.id == owner_id:
        return True
    talk.tell("owning.not_yours")
    return False
