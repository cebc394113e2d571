"""The shape of what a program asks for over the control socket; what it means is admission's to say.

{"clip": "/clips/anna.mp4", "script": "Good morning.", "out": "/videos/today.mp4",
 "key": "2026-11-22", "priority": 0, "voice": "default", "subtitles": "clean", …}
"""

from __future__ import annotations

from typing import Any

from models.errors import BadInput

PATHS = ("clip", "speech", "out")
PRIORITIES = range(-1000, 1001)
KEY_CHARS = 200


def check_wish(wish: Any) -> dict[str, Any]:
    """As it was; null means "not said", and is left out. Raises BadInput `wish_invalid`."""
    if not isinstance(wish, dict):
        raise _wrong("The request must be an object", 'Send {"clip": "/path", "script": "text"}.')
    said = {key: value for key, value in wish.items() if value is not None}
    for name, value in said.items():
        _check_text(name)
        if isinstance(value, str):
            _check_text(value)
        elif not isinstance(value, bool | int | float):
            raise _wrong(f"{name} must be a text, a number or true or false")
    for name in ("script", "key", *PATHS):
        if not isinstance(said.get(name, ""), str):
            raise _wrong(f"{name} must be a text")
    for name in PATHS:
        _check_path(name, said.get(name))
    if "clip" not in said:
        raise _wrong("clip is missing: which video or photo shows the presenter?")
    if not 0 < len(said.get("key", "-")) <= KEY_CHARS:
        raise _wrong(f"key must have 1 to {KEY_CHARS} characters")
    priority = said.get("priority", 0)
    if type(priority) is not int or priority not in PRIORITIES:
        raise _wrong(f"priority must be a whole number from {PRIORITIES[0]} to {PRIORITIES[-1]}")
    return said


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as e:  # JSON can say half a character: "\ud83d"
        raise _wrong("The request has text in it that is not valid Unicode") from e


def _check_path(name: str, path: str | None) -> None:
    if path is None:
        return
    if not path.startswith("/") or "\0" in path:
        raise _wrong(
            f"{name} must be a whole path, not {path!r}",
            "The daemon does not know which folder you are in; begin it with a slash.",
        )


def _wrong(message: str, hint: str = "") -> BadInput:
    return BadInput(message, code="wish_invalid", hint=hint)
