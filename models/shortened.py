"""Long text for a place with little room."""

from __future__ import annotations


def shortened(text: str, chars: int) -> str:
    """At most so many characters; an ellipsis stands for what is left out."""
    return text if len(text) <= chars else text[: chars - 1] + "…"
