"""What went wrong, in the person's language and for somebody who has a chat and no command line."""

from __future__ import annotations

from handlers.telegram.misfits import in_language
from handlers.telegram.texts import Marked, catalogue, plain, say

OTHER = "error.other"


def in_words(language: str, error: dict[str, str]) -> Marked:
    """error: VigentdError.as_dict(), or with more that stands in its text. A sentence with what to do; of a
    code that the catalogue does not know, the English sentence that came with it, without hints for the
    command line."""
    key = f"error.{error['code']}"
    message = error["message"].rstrip(".")
    if error["code"] == "does_not_fit":
        message = in_language(language, message)
    if key in catalogue():
        values = error | (_of_the_head(language, error) if "option" in error else {})
        return say(language, key, **(values | {"message": message}))
    hint = error["hint"] if "`" not in error["hint"] and "--" not in error["hint"] else ""
    return say(language, OTHER, message=message, hint=f" {hint}" if hint else "")


def _of_the_head(language: str, error: dict[str, str]) -> dict[str, str]:
    """error: as door/head.py tells it: option, value, near, known (may be empty) and place."""
    option, near, known = error["option"], error["near"], error["known"]
    wanted = f"wanted.{option}" if f"wanted.{option}" in catalogue() else "wanted.text"
    what = f"note_what.{option}"
    listed = plain(language, "mend.known", known=known) if known else ""
    return {
        "wanted": plain(language, wanted, known=known),
        "what": plain(language, what) if what in catalogue() else option,
        "known": plain(language, "mend.near", near=near) if near else listed,
        "mend": plain(language, f"mend.{error['place']}"),
    }
