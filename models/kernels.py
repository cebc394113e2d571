"""Where torch's compiler keeps kernels over restarts. It is told by variables, of which some count only when
they are set before its import: so this is a file of its own, without torch."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.beats import beat

LOOK_EVERY_S = 0.2


def keep_kernels(folder: Path) -> None:
    """For this process and those that it starts."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    os.environ["TRITON_CACHE_DIR"] = str(folder / "triton")


@contextmanager
def compiled_by_one(folder: Path) -> Generator[None]:
    """Meanwhile nobody else compiles there. Who comes later finds kernels, and makes with them what the first
    one makes, to the last bit: replicas of one machine start at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        with suppress(OSError):  # of a network that knows no locks: then each compiles for itself
            _wait_for(lock.fileno())
        yield


def _wait_for(lock: int) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            beat()  # the one that compiles is watched, too
            time.sleep(LOOK_EVERY_S)
        else:
            return
