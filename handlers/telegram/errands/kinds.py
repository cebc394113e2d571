"""The errands by kind: what does each, in which lane, and what is done when it cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from daemon.chats import Errand
from handlers.telegram.errands import (
    calendar,
    deliver,
    examine,
    fetch,
    files,
    fit,
    keep,
    listen,
    preview,
    sample,
    tidy,
)
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import VigentdError

# What is slow for a reason of its own keeps only its own kind waiting.
Lane = Literal["network", "door", "speech", "encoder"]
LANES: dict[Lane, int] = {"network": 2, "door": 3, "speech": 1, "encoder": 1}  # at most so many at a time


@dataclass(frozen=True)
class Kind:
    """given_up: within a turn, instead of its outcome. patient: it is worth something later, too, so it waits
    for as long as the machine lacks something."""

    do: Callable[[Work, Errand], Awaitable[None]]
    given_up: Callable[[Turn, House, Errand, VigentdError], None]
    lane: Lane
    patient: bool = True


# Of those that are due in a lane, the first here go first.
KINDS: dict[str, Kind] = {
    "fetch": Kind(fetch.fetch, fetch.given_up, "network"),
    "examine": Kind(examine.examine, examine.given_up, "door"),
    "deliver": Kind(deliver.deliver, deliver.given_up, "door"),
    "preview": Kind(preview.preview, preview.given_up, "door"),
    "files": Kind(files.files, files.given_up, "door", patient=False),
    "sample": Kind(sample.sample, sample.given_up, "door", patient=False),
    "calendar": Kind(calendar.calendar, calendar.given_up, "door", patient=False),
    "keep": Kind(keep.keep, keep.given_up, "door"),
    "listen": Kind(listen.listen, listen.given_up, "speech", patient=False),
    "fit": Kind(fit.fit, fit.given_up, "encoder"),
    "tidy": Kind(tidy.tidy, tidy.given_up, "door"),
}
