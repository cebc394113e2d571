"""How the daemon is as a whole, of how its parts are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.health.component import Component

Verdict = Literal["healthy", "degraded", "down"]
EXIT_CODES: Mapping[Verdict, int] = {"healthy": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True)
class Report:
    """pid: of the daemon; None when there is none. gathered_s: how old the parts' answers are."""

    components: tuple[Component, ...]
    pid: int | None = None
    gathered_s: float = 0.0

    @property
    def verdict(self) -> Verdict:
        if any(part.vital and part.state in ("stalled", "dead") for part in self.components):
            return "down"
        return "degraded" if self.unwell else "healthy"

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    @property
    def unwell(self) -> tuple[Component, ...]:
        """The vital ones first."""
        return tuple(sorted((part for part in self.components if is_unwell(part)), key=lambda p: not p.vital))

    @property
    def why(self) -> str:
        """The first trouble, or what still loads; "" when there is nothing to say."""
        if bad := self.unwell:
            return bad[0].trouble or f"{bad[0].name} is {bad[0].state}"
        loading = [part.name for part in self.components if part.state == "loading"]
        return f"still loading: {', '.join(loading)}" if loading else ""

    def as_dict(self) -> dict[str, Any]:
        """As `vigentd health --json` prints it; only what JSON knows."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "why": self.why,
            "pid": self.pid,
            "gathered_s": round(self.gathered_s, 1),
            "components": [_told(part) for part in self.components],
        }


def is_unwell(part: Component) -> bool:
    """What loads for longer than it may is not well either."""
    late = part.state == "loading" and part.budget_s is not None and part.age_s > part.budget_s
    return late or not part.well


def named(components: Iterable[Component], name: str) -> Component | None:
    return next((part for part in components if part.name == name), None)


def _told(part: Component) -> dict[str, Any]:
    return {
        "name": part.name,
        "state": part.state,
        "well": not is_unwell(part),
        "vital": part.vital,
        "age_s": round(part.age_s, 1),
        "budget_s": None if part.budget_s is None else round(part.budget_s, 1),
        "trouble": part.trouble,
        "hint": part.hint,
        "facts": json.loads(json.dumps(dict(part.facts), default=str)),
    }
