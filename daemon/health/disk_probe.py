"""Is there room for a job in the data folder? Asked in a thread: a disk that is away does not answer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from daemon.config import Config
from daemon.disk.housekeeping import too_little, watermark
from daemon.folders import unwritable
from daemon.health.probe import About, Finding, Probe
from daemon.logs.tell import Tell

ABOUT = About(
    "disk",
    every_s=5.0,
    budget_s=30.0,
    stuck="The disk of the data folder does not answer",
    hint="Is it a network disk that is away? `df` on that folder shows it.",
)
HINT = "`vigentd clean` says what can be removed; disk.min_free is what has to stay free."


def free_of(folder: Path) -> int:
    """Bytes. Raises OSError."""
    return shutil.disk_usage(folder).free


def disk_probe(
    config: Callable[[], Config],
    log: Tell,
    clock: Callable[[], float] = time.monotonic,
    free_of: Callable[[Path], int] = free_of,
) -> Probe:
    """config: the present one."""

    def look() -> Finding:
        now = config()
        try:
            free = free_of(now.data_dir)
        except OSError as e:
            raise unwritable(now.data_dir, e) from e
        why = too_little(now, free)
        facts = {"free": free, "needed": watermark(now)}
        return Finding(why, HINT if why else "", facts)

    return Probe(ABOUT, look, log, clock)
