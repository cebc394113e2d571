"""SIGKILL between every two statements, and around every file operation, of all that is written.

What stands there afterwards is the state before or the state after, and the next daemon goes on from it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.result import files_of, left_by_the_killed
from tests.daemon.killer import Kill, changes, killer
from tests.daemon.operations import OPERATIONS, VIDEO, files, go_on, rows, scratch_folder


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Does the operation in the folder and is killed at its n-th point; or comes to its end."""
    with killer("tests.daemon.killing", "operation") as attempt:
        yield attempt


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_before_any_change_leaves_one_of_two_states(name: str, kill: Kill, scratch: Path) -> None:
    """Of the tables and indexes that a first start makes, each fourth."""

    def choose(points: Sequence[str]) -> Sequence[int]:
        found = changes(points)
        made = [n for n in found if points[n - 1].startswith("before CREATE ")]
        return sorted({*found} - {*made} | {*made[::4]})

    check_kills(name, kill, scratch, choose)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_at_any_point_leaves_one_of_two_states(name: str, kill: Kill, scratch: Path) -> None:
    check_kills(name, kill, scratch, lambda points: range(1, len(points) + 1))


def check_kills(
    name: str, kill: Kill, scratch: Path, choose: Callable[[Sequence[str]], Sequence[int]]
) -> None:
    before, after = scratch / "before", scratch / "after"
    before.mkdir()
    OPERATIONS[name].prepare(before)
    shutil.copytree(before, after)
    complete = kill(name, after, 0)
    assert complete["killed"] is False
    rows_before, rows_after = rows(before), rows(after)
    files_before, files_after = files(before), files(after)
    assert rows_before != rows_after

    found = []
    for n in choose(complete["points"]):
        folder = scratch / str(n)
        shutil.copytree(before, folder)
        at = kill(name, folder, n)
        assert at["killed"] and len(at["points"]) == n
        here = f"killed at point {n}: {at['points'][-1]}"
        is_after = _is_after(rows(folder), rows_before, rows_after, here)
        _check_files(files(folder), files_before, files_after, all_there=is_after, here=here)
        found.append(is_after)
        _check_that_it_goes_on(folder, here)
        shutil.rmtree(folder)
    assert found == sorted(found), "once it is done it stays done"
    assert {False, True} == set(found)
    assert {"before do_commit", "after do_commit"} <= set(complete["points"])


def test_all_that_an_operation_writes_is_a_point(kill: Kill, scratch: Path) -> None:
    """Otherwise the other test would pass without having tried."""
    OPERATIONS["finish"].prepare(scratch)
    points = kill("finish", scratch, 0)["points"]
    for what in (
        "open",
        "half a copy",
        "before fsync",
        "os.rename",
        "before BEGIN IMMEDIATE",
        "after UPDATE",
    ):
        assert any(point.startswith(what) for point in points), what
    assert sum(point.startswith("os.rename") for point in points) == 3


def _is_after(found: dict[str, Any], before: dict[str, Any], after: dict[str, Any], here: str) -> bool:
    assert found in (before, after), here
    return found == after


def _check_files(
    found: dict[str, bytes], before: dict[str, bytes], after: dict[str, bytes], *, all_there: bool, here: str
) -> None:
    """Whole, or not there; an artifact appears as one, the files of a result one by one, the video last."""
    new = {name: content for name, content in after.items() if name not in before}
    assert {name: found.get(name) for name in before} == before, here
    came = [name for name in new if name in found]
    assert {name: found[name] for name in came} == {name: new[name] for name in came}, here
    assert found.keys() <= after.keys(), here
    if all_there:
        assert found == after, here
    if not all(name.startswith("results/") for name in new):
        assert came in ([], list(new)), here
    else:
        assert came == list(new)[: len(came)], here


def _check_that_it_goes_on(folder: Path, here: str) -> None:
    go_on(folder)
    found = rows(folder)
    assert {row["state"] for row in found["job"]} == {"done"}, here
    for row in found["job"]:
        out = folder / str(row["output"])
        if out.is_relative_to(folder):  # not of a job that was done in the database of an older version
            assert out.read_bytes() == VIDEO, here
        ends = [m["name"] for m in found["milestone"] if m["job_id"] == row["id"] and m["name"] == "done"]
        assert len(ends) <= 1, f"{here}: done twice"
        _check_that_the_rest_is_found(out, here)
    assert list((folder / "work").glob("*.part")) == [], here


def _check_that_the_rest_is_found(out: Path, here: str) -> None:
    """What a killed delivery left is what the daemon looks for and removes."""
    videos = list(out.parent.glob("*.mp4"))
    left = set(out.parent.glob("*")) - {file for video in videos for file in files_of(video)}
    assert left == {file for video in videos for file in left_by_the_killed(video)}, here
