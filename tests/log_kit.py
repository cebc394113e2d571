"""A log for tests: what was told stays in memory."""

from __future__ import annotations

from typing import Any


class Written:
    """The daemon's log, kept."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, /, **facts: object) -> None:
        self.lines.append((name, facts))

    def warning(self, name: str, /, **facts: object) -> None:
        self.lines.append((name, facts))

    def error(self, name: str, /, *, trace: BaseException | None = None, **facts: object) -> None:
        self.lines.append((name, facts))
