"""What people call themselves and their things, as it may be shown where others decide by it."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co"))  # also what turns the direction of the text around it


def clean(name: str) -> str:
    """Only what can be seen, in one line; "" when that is nothing."""
    seen = (c for c in name if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    return " ".join("".join(seen).split())
