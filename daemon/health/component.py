"""How a part of the daemon is: what it does, since when nothing has come of it, and how long that may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["loading", "idle", "busy", "stalled", "dead"]
MADE = {"lipsync": "chunks", "speech": "sentences"}  # by replicas; so it is called in their facts


@dataclass(frozen=True)
class Component:
    """name:     "loop", "database", "worker", "queue", "disk", "scheduler", "telegram", "cluster",
              "inbox:…", "host:…";
              of several lanes "worker.1", ….
    age_s:    since its last real progress. budget_s: how long that may be now; None: without limit.
    trouble:  why it is not well, one plain sentence; "" when it is. hint: what to do about that.
    vital:    while this one is stalled or dead, the daemon is down.
    """

    name: str
    state: State
    age_s: float = 0.0
    budget_s: float | None = None
    trouble: str = ""
    hint: str = ""
    vital: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return not self.trouble and self.state not in ("stalled", "dead")
