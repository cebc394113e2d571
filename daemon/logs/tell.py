"""What the doors need of the daemon's log."""

from __future__ import annotations

from typing import Protocol


class Tell(Protocol):
    """daemon.logs.log.Log."""

    def event(self, name: str, /, **facts: object) -> None: ...

    def warning(self, name: str, /, **facts: object) -> None: ...

    def error(self, name: str, /, *, trace: BaseException | None = None, **facts: object) -> None: ...
