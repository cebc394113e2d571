"""What is remembered between two runs of a command: a small JSON file, and times since the machine booted.

A file that is damaged, or of an earlier boot, counts as none: its times mean nothing any more.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST = 10_000_000  # bytes; the report of a daemon with hundreds of inboxes has 100 kB
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Moment:
    """boot: which boot of the machine. at_s: seconds since then, those of its sleep too; no clock that is
    set changes them."""

    boot: str
    at_s: float


def now() -> Moment:
    try:
        boot = _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        boot = ""
    return Moment(boot, time.clock_gettime(time.CLOCK_BOOTTIME))


def recall(file: Path, boot: str) -> dict[str, Any]:
    """What was kept in this boot; {} when there is nothing that can be used."""
    try:
        kept = json.loads(file.read_bytes()[:MOST])
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict) or kept.pop("boot", None) != boot:
        return {}
    return kept


def keep(file: Path, boot: str, facts: dict[str, Any]) -> None:
    """Whole or not at all, for its owner only. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            json.dump(facts | {"boot": boot}, f)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
