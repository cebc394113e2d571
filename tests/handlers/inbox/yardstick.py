"""What holds of an inbox whatever happened to it: nothing is lost, nothing is made twice, nothing outside is
touched, and what no video was made of has a reason that a person finds."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handlers.inbox.names import fitted, group_key, role_of, shown, stem_of, stem_of_note
from tests.handlers.inbox.inbox_kit import Stand

OURS = {".work", "outbox", "done", "failed", "duplicates"}


@contextmanager
def surviving(stand: Stand) -> Iterator[Stand]:
    """The test may do with the stand what it likes: when it is over, all of this holds.

    What is in `folder/beside` is the person's own.
    """
    beside = stand.folder / "beside"
    (beside / "own").mkdir(parents=True, exist_ok=True)
    stand.root.mkdir(exist_ok=True)
    (beside / "theirs.txt").write_bytes(b"Nobody shall touch this.")
    outside = Outside(stand)
    try:
        yield stand
        check(stand)
        outside.check()
    finally:
        stand.close()


def check(stand: Stand) -> None:
    """The inbox has no thread now, and has seen all that happened."""
    check_that_nothing_is_lost(stand)
    check_that_nothing_is_made_twice(stand)
    check_the_reasons(stand)


def check_that_nothing_is_lost(stand: Stand) -> None:
    """What was dropped is there, as often as it was, and what is in .work belongs to an intake."""
    there = contents(stand.root)
    found = {content: there[content] for content in stand.dropped}
    assert found == dict(stand.dropped), stand.tree()
    at_work = {intake["id"] for intake in stand.inbox.status()["at_work"]}
    assert {path.name for path in (stand.root / ".work").glob("*")} <= at_work
    assert not list(stand.root.rglob(".vigentd-*"))


def contents(folder: Path) -> Counter[str]:
    """The SHA-256 of all files in it, and how often it is there."""
    files = (path for path in folder.rglob("*") if stat.S_ISREG(path.lstat().st_mode))
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def check_that_nothing_is_made_twice(stand: Stand) -> None:
    done = [job.id for job in stand.jobs() if job.state == "done"]
    outbox = stand.root / stand.config.inbox[0].folders.outbox
    delivered = [path.read_bytes() for path in outbox.glob("*.mp4")]
    assert sorted(delivered) == sorted(f".mp4 of {job_id}".encode() for job_id in done)


def check_the_reasons(stand: Stand) -> None:
    for place, suffix in (("failed", ".error.txt"), ("duplicates", ".duplicate.txt")):
        for path in (stand.root / place).glob("*"):
            if role_of(path.name) != "note":
                stem = path.name if path.is_dir() else stem_of(path.name)
                assert (stand.root / place / fitted(stem, suffix)).exists(), path
    status = stand.inbox.status()
    told = {_key(held["name"]) for held in status["held"]} | {_key(name) for name in status["arriving"]}
    left = [path.name for path in stand.root.glob("*") if path.name not in OURS]
    silent = [name for name in left if role_of(name) not in ("junk", "passing") and _key(name) not in told]
    assert not silent or status["why"], (silent, told)


def _key(name: str) -> str:
    return group_key(shown(stem_of_note(name) if role_of(name) == "note" else stem_of(name)))


class Outside:
    """All beside the inbox and the data folder, as it is now; but for `beside/own`, where tests work."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._before = self._look()

    def check(self) -> None:
        assert self._look() == self._before

    def _look(self) -> dict[str, tuple[object, ...]]:
        folder = self._stand.folder
        found: dict[str, tuple[object, ...]] = {}
        for top, folders, files in os.walk(folder):
            if Path(top) == folder:
                folders[:] = sorted(set(folders) - {"inbox", "data"})
            elif Path(top) == folder / "beside":
                folders[:] = sorted(set(folders) - {"own"})
            for name in (*folders, *files):
                path = Path(top, name)
                there = path.lstat()
                content = path.read_bytes() if stat.S_ISREG(there.st_mode) else b""
                found[str(path)] = (there.st_mode, there.st_ino, there.st_uid, there.st_mtime_ns, content)
        return found
