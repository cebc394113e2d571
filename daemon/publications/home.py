"""The time zone of this machine: the one of the clock on its wall, as the C library finds it.

$TZ comes first, then /etc/localtime. Where neither tells a zone (a rule such as "CET-1CEST", a broken link),
it is UTC.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

LOCALTIME = Path("/etc/localtime")
_KEPT_IN = "/zoneinfo/"  # zones by name stand below it
_NOT_A_ZONE = (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError)


def home_zone(environment: Mapping[str, str] = os.environ, localtime: Path = LOCALTIME) -> ZoneInfo:
    said = environment.get("TZ")
    if said is None:
        return _of_file(localtime)
    said = said.removeprefix(":")
    if said.startswith("/"):
        return _of_file(Path(said))
    with suppress(*_NOT_A_ZONE):
        return ZoneInfo(said)
    return ZoneInfo("UTC")


def _of_file(path: Path) -> ZoneInfo:
    """With its name where that can be told."""
    with suppress(*_NOT_A_ZONE):
        real = str(path.resolve(strict=True))
        if _KEPT_IN in real:
            name = real.rpartition(_KEPT_IN)[2].removeprefix("posix/")
            with suppress(*_NOT_A_ZONE):
                return ZoneInfo(name)
        with path.open("rb") as file:
            return ZoneInfo.from_file(file, key="local time")
    return ZoneInfo("UTC")
