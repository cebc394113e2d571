"""How running work is asked to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Stop:
    """Looked at with every heartbeat. Set from signal handlers, so only by assignment.

    cancel: the person gave the job up. requeue: this process has to go, and the job waits for another.
    """

    asked: Literal["", "cancel", "requeue"] = ""
