"""A memo in a file: what was put is there for another process, when this one is killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Kept:
    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self) -> dict[str, Any]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}

    def put(self, **facts: Any) -> None:
        whole = {**self.get(), **facts}
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({name: value for name, value in whole.items() if value is not None}))
        part.replace(self._path)
