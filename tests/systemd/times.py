"""How long it took from a fault until it worked again: a table at the end of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Times:
    rows: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def add(self, fault: str, **seconds: float) -> None:
        """seconds: of each step, named; in their order."""
        self.rows.append((fault, seconds))

    def table(self) -> list[str]:
        width = max(len(fault) for fault, _ in self.rows)
        return [
            f"{fault:<{width}}  " + ", ".join(f"{step} {s:.1f} s" for step, s in seconds.items())
            for fault, seconds in self.rows
        ]
