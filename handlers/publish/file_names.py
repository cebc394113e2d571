"""What the file of a video is called: the facts of its job, as a name that every file system takes."""

from __future__ import annotations

import re
import unicodedata

from handlers.inbox.names import fitted
from handlers.publish.facts import Facts
from handlers.publish.template import rendered

_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')  # shares of Windows take none of these; only "/" is so for all
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE
)  # to Windows, not files
LONGEST_SUFFIX = ".json"


def file_stem(template: str, facts: Facts) -> str:
    """Without a suffix: neither hidden nor an option nor a path, and "video" when nothing is left of it."""
    return safe(rendered(template, facts)) or "video"


def safe(name: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    name = "".join(c for c in name if unicodedata.category(c) not in _HIDDEN)
    name = _NOT_IN_NAMES.sub("-", name).strip(" .-~")
    return f"_{name}" if _DEVICES.fullmatch(name) else name


def numbered(stem: str, number: int) -> str:
    """From 2 on with its number; short enough for each suffix. Two long stems stay two."""
    return fitted(stem, LONGEST_SUFFIX, number).removesuffix(LONGEST_SUFFIX)
