"""A word that must not be lost is said until it is heard, or until there is no more time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from daemon.config import Config
from daemon.queue import Queue
from daemon.store.patience import FIRST_PAUSE_S, LONGEST_PAUSE_S, persist
from models.errors import Unavailable, VigentdError
from pipeline.spec import JobSpec


def failing(*codes: str) -> Callable[[], str]:
    waiting = list(codes)

    def action() -> str:
        if waiting:
            raise Unavailable(f"Trouble {len(waiting)}", code=waiting.pop(0))
        return "said"

    return action


def never() -> bool:
    return False


def test_what_passes_is_waited_for_with_growing_pauses() -> None:
    pauses: list[float] = []
    action = failing(*["database_busy", "disk_full", "disk_failed"] * 3)
    assert persist(action, never, pauses.append) == "said"
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE_S


def test_the_last_trouble_is_raised_when_there_is_no_more_time() -> None:
    pauses: list[float] = []
    with pytest.raises(Unavailable, match="Trouble 7"):
        persist(failing(*["disk_full"] * 9), lambda: len(pauses) == 2, pauses.append)


@pytest.mark.parametrize("code", ["database_damaged", "database_newer", "data_dir_unwritable"])
def test_what_does_not_pass_is_raised_at_once(code: str) -> None:
    with pytest.raises(VigentdError, match="Trouble 1"):
        persist(failing(code), never, lambda _: pytest.fail("it waited"))


def test_a_locked_database_is_outlasted(config: Config, queue: Queue, spec: JobSpec) -> None:
    impatient = Queue(config.database, busy_s=0.01)
    free = threading.Event()
    with queue._db.writing() as s:
        s.connection()
        refused: list[float] = []

        def sleep(seconds: float) -> None:
            refused.append(seconds)
            s.rollback()  # the other one lets go
            free.set()

        row = persist(lambda: impatient.submit(spec), never, sleep)
        assert free.is_set() and refused == [FIRST_PAUSE_S]
    assert impatient.get(row.id).state == "queued"
    impatient.close()
