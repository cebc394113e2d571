"""What was measured once on a machine, and decides how everything sounds from then on: so it is kept."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from models.durable import written


class Decided:
    """path: of the file, made when needed; None: nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def get(self, where: str) -> str | None:
        """where: the machine and the versions that it was measured with."""
        found = self._all().get(where)
        return found if isinstance(found, str) else None

    def put(self, where: str, what: str) -> None:
        """Does nothing when the disk is full or the folder cannot be used."""
        if self._path is not None:
            with suppress(OSError):
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                written(self._path, json.dumps(self._all() | {where: what}, indent=1).encode())

    def last(self, *parts: str) -> str | None:
        """What was measured last where all these are named."""
        found = [what for where, what in self._all().items() if all(part in where for part in parts)]
        return found[-1] if found and isinstance(found[-1], str) else None

    def _all(self) -> dict[str, object]:
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text("utf-8")) if self._path is not None else {}
            return found if isinstance(found, dict) else {}
        return {}
