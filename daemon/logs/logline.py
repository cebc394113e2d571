"""How an event is written down: one line, readable by people and by `grep`, the same in every log.

    2026-11-21T22:39:25.612Z stage name=speech seconds=1.210 reused=false

A secret never gets into a line: bot tokens are known by their look, others by having been named.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator, Mapping
from urllib.parse import quote

MASKED = "**********"  # as pydantic shows a secret
_BOT_TOKEN = re.compile(r"\d+(?::|%3A)[A-Za-z0-9_-]{30,}", re.IGNORECASE)
_SHORTEST_SECRET = 4  # characters; to mask fewer would make holes in every line


def line(name: str, facts: Mapping[str, object]) -> str:
    """Without its time and without a line end."""
    return " ".join((name, *(f"{key}={_plain(value)}" for key, value in facts.items())))


def trace(error: BaseException) -> str:
    """The traceback, indented below its line. With a line end."""
    lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return "".join(f"    {line}\n" for line in lines)


class Mask:
    """Takes secrets out of finished lines, so that it does not matter how they came in: as a fact, in a
    URL, in the text of an exception, in a library's warning."""

    def __init__(self) -> None:
        self._forms: list[str] = []

    def add(self, secret: str) -> None:
        """One that is to be masked from now on, also as it stands in a URL, in JSON, in a list, in a list
        within JSON."""
        if len(secret) < _SHORTEST_SECRET:
            return
        forms = {secret, quote(secret), quote(secret, safe="")}
        for _ in range(2):
            forms |= {escaped for form in forms for escaped in _escaped(form)}
        # What holds another form goes before it.
        self._forms = sorted(forms | set(self._forms), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASKED)
        return _BOT_TOKEN.sub(MASKED, text)


def _escaped(text: str) -> Iterator[str]:
    for quoted in (repr(text), json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield quoted[1:-1]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = str(value)
    if text and text.isprintable() and not any(c in ' "=' for c in text):
        return text
    # What could command a terminal, or end the line, is spelled out.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)
