"""How far the host may run ahead of its GPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch


class Pace:
    """Tells of each step when the device has done it, and lets the host run one step ahead and no more:
    the device never waits, a cancelled job ends within a step, and no heartbeat is sent for work undone."""

    def __init__(self, device: torch.device, on_step: Callable[[], None]) -> None:
        self._on_step = on_step
        self._cuda = device.type == "cuda"
        self._launched: deque[torch.cuda.Event] = deque()

    def mark(self) -> None:
        """A step has been launched."""
        if not self._cuda:
            self._on_step()
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        self._launched.append(event)
        if len(self._launched) > 1:
            self._tell()

    def end(self) -> None:
        """All steps are done."""
        while self._launched:
            self._tell()

    def _tell(self) -> None:
        self._launched.popleft().synchronize()
        self._on_step()
