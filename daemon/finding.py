"""What `vigentd doctor` finds: one thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from models.choose import Choice

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """name: what was looked at. state: "fail" is needed for every job, "warn" for some. fix: "" when ok."""

    name: str
    state: State
    found: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def which_serves(kind: str, choice: Choice) -> Finding:
    """kind: "speech", "lipsync". Which engine it is; if it is not what the person wants, why."""
    state: State = "warn" if choice.note else "ok"
    return Finding(f"{kind} engine", state, choice.note or choice.name, choice.fix if choice.note else "")
