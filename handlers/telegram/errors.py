"""What went wrong, in the person's language and for somebody who has a chat and no command line."""

from __future__ import annotations

from handlers.telegram.texts import Marked, catalogue, say

OTHER = "error.other"


def in_words(language: str, error: dict[str, str]) -> Marked:
    """error: VigentdError.as_dict(). A sentence with what to do; of a code that the catalogue does not know,
    the English sentence that came with it, without hints for the command line."""
    key = f"error.{error['code']}"
    message = error["message"].rstrip(".")
    if key in catalogue():
        return say(language, key, message=message)
    hint = error["hint"] if "`" not in error["hint"] and "--" not in error["hint"] else ""
    return say(language, OTHER, message=message, hint=f" {hint}" if hint else "")
