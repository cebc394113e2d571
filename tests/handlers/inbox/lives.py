"""The steps of an intake's life, each from a known state: to be killed by `test_kills.py`.

As a program it forks one child after the other; each takes a step and is killed at its n-th point.
One line of JSON in: {"step", "folder", "kill_at"}; one line out: {"killed", "points"}.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.daemon.killing import Points, attempt
from tests.handlers.inbox.inbox_kit import SCRIPT, Stand

BATCH = b"name,script,script_file,clip\none,Good morning.,,anna.mp4\ntwo,,say.txt,anna.mp4\n"


@dataclass(frozen=True)
class Step:
    """prepare: makes the state before. act: the step itself."""

    prepare: Callable[[Stand], None]
    act: Callable[[Stand], None]


def look(stand: Stand) -> None:
    """Often enough for what lies there to settle, and to be taken as far as it comes now."""
    now = [0.0]
    stand.inbox = stand.another(clock=lambda: now[0])
    for now[0] in (0.0, 10.0, 20.0):
        stand.inbox.look()


def make_all(stand: Stand) -> None:
    """As the worker does it."""
    for job in stand.jobs():
        if job.state == "queued":
            stand.inbox.bring_back(job.id)
            stand.make(job.id)


# ---------------------------------------------------------------- the states before


def a_pair(stand: Stand) -> None:
    stand.drop_pair("monday")
    stand.drop("monday.toml", b"seed = 7")


def a_folder(stand: Stand) -> None:
    for name, content in (("anna.mp4", stand.clip()), ("say.txt", SCRIPT), ("readme.pdf", b"%PDF")):
        stand.drop(f"monday/{name}", content)


def a_batch(stand: Stand) -> None:
    stand.drop_clip("anna.mp4")
    stand.drop("say.txt")
    stand.drop("week.csv", BATCH)


def a_hard_link(stand: Stand) -> None:
    """Its other name is not for us."""
    a_pair(stand)
    stand.drop("monday.mp4.part").unlink()
    stand.is_taken_away(SCRIPT)
    (stand.root / ".other").hardlink_to(stand.root / "monday.mp4")
    stand.is_dropped(stand.clip())


def what_is_no_clip(stand: Stand) -> None:
    stand.drop("monday.txt")
    stand.drop("monday.mp4", b"This is a text. " * 100)


def a_duplicate(stand: Stand) -> None:
    done(stand)
    for name, content in (("txt", SCRIPT), ("mp4", stand.clip()), ("toml", b"seed = 7")):
        stand.drop(f"tuesday.{name}", content)


def made(stand: Stand, what: Callable[[Stand], None] = a_pair) -> None:
    """Its job is done, and the inbox does not know yet."""
    what(stand)
    look(stand)
    make_all(stand)


def done(stand: Stand) -> None:
    made(stand)
    look(stand)


def failed(stand: Stand, what: Callable[[Stand], None] = a_pair) -> None:
    """Its job has failed, and the inbox does not know yet."""
    what(stand)
    look(stand)
    for job in stand.jobs():
        stand.fail(job.id)


def to_be_retried(stand: Stand, what: Callable[[Stand], None] = a_pair) -> None:
    failed(stand, what)
    look(stand)
    for job in stand.jobs():
        stand.queue.retry(job.id)


def moved_back(stand: Stand) -> None:
    failed(stand)
    look(stand)
    for path in list((stand.root / "failed").iterdir()):
        path.rename(stand.root / path.name)


# ---------------------------------------------------------------- the steps


def bring_back(stand: Stand) -> None:
    stand.inbox.bring_back(stand.jobs()[0].id)


STEPS = {
    "take up a pair": Step(a_pair, look),
    "take up a folder": Step(a_folder, look),
    "take up a batch": Step(a_batch, look),
    "take up a hard link": Step(a_hard_link, look),
    "refuse": Step(what_is_no_clip, look),
    "set a duplicate aside": Step(a_duplicate, look),
    "deliver a pair": Step(made, look),
    "deliver a folder": Step(partial(made, what=a_folder), look),
    "deliver a batch": Step(partial(made, what=a_batch), look),
    "put a failure aside": Step(failed, look),
    "try again what was moved back": Step(moved_back, look),
    "bring back": Step(to_be_retried, bring_back),
    "bring a folder back": Step(partial(to_be_retried, what=a_folder), bring_back),
}


def go_on(stand: Stand) -> None:
    """What a daemon does that starts now, until there is nothing left to do."""
    look(stand)
    make_all(stand)
    look(stand)


@contextmanager
def opened(folder: Path) -> Iterator[Stand]:
    stand = Stand(folder)
    stand.root.mkdir(exist_ok=True)
    try:
        yield stand
    finally:
        stand.close()


def _work(name: str, folder: Path, points: Points) -> None:
    with opened(folder) as stand:
        points.armed = True
        STEPS[name].act(stand)
        points.armed = False


def _warm_up() -> None:
    """What is done once here is not done once more in each child."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name)) as stand:
        done(stand)
    gc.freeze()


if __name__ == "__main__":
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        work = partial(_work, asked["step"], Path(asked["folder"]))
        print(json.dumps(attempt(work, asked["kill_at"])), flush=True)
