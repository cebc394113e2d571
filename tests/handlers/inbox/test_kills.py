"""SIGKILL between every two steps that an inbox takes; then another daemon goes on from what is there."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.killer import Kill, changes, killer
from tests.daemon.operations import scratch_folder
from tests.handlers.inbox.lives import STEPS, go_on, opened
from tests.handlers.inbox.yardstick import check, contents


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Takes the step in the folder and is killed at its n-th point; or comes to its end."""
    with killer("tests.handlers.inbox.lives", "step") as attempt:
        yield attempt


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as scratch:
        yield scratch


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_before_some_of_the_changes(step: str, kill: Kill, folder: Path) -> None:
    """In the end everything is where it would be if nothing had happened, and every job was made once."""
    check_kills(step, kill, folder, lambda points: changes(points)[::12])


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_point(step: str, kill: Kill, folder: Path) -> None:
    check_kills(step, kill, folder, lambda points: range(1, len(points) + 1))


def check_kills(
    step: str, kill: Kill, folder: Path, choose: Callable[[Sequence[str]], Sequence[int]]
) -> None:
    before, live = folder / "before", folder / "live"
    live.mkdir()
    with opened(live) as stand:
        STEPS[step].prepare(stand)
        dropped = stand.dropped
    live.rename(before)

    points = begin(step, kill, before, live, 0)["points"]
    expected = end(live, dropped, f"{step}, in peace")
    for n in choose(points):
        at = begin(step, kill, before, live, n)
        here = f"{step}, killed at point {n}: {at['points'][-1]}"
        assert at["killed"] and len(at["points"]) == n, here
        assert dropped.keys() <= contents(live / "inbox").keys(), here
        if n % 7 == 0:
            kill(step, live, n // 2)  # and the next one soon is, too
        assert end(live, dropped, here) == expected, here
    for what in ("before do_commit", "before fsync"):
        assert any(point.startswith(what) for point in points)


def begin(step: str, kill: Kill, before: Path, live: Path, at: int) -> dict[str, Any]:
    """In a copy of the state before: with its hard links, so not by shutil."""
    shutil.rmtree(live, ignore_errors=True)
    subprocess.run(["cp", "-a", str(before), str(live)], check=True)
    return kill(step, live, at)


def end(live: Path, dropped: Counter[str], here: str) -> dict[str, Any]:
    """What it comes to when nobody disturbs it any more."""
    with opened(live) as stand:
        stand.dropped = dropped
        go_on(stand)
        try:
            check(stand)
        except AssertionError as e:
            raise AssertionError(here) from e
        status = stand.inbox.status()
        assert status["at_work"] == [] and list((stand.root / ".work").iterdir()) == [], here
        return {"tree": stand.tree(), "jobs": [job.state for job in stand.jobs()]}
