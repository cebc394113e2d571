"""The way out, and back: a settlement is carried out, as often as it takes.

After a kill at any moment the second run completes it: what is where it belongs stays there, what is not is
carried there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from handlers.inbox.claim.files import StillWritten, digest, move, write_new
from handlers.inbox.claim.rollback import FOLDER, Manifest
from handlers.inbox.claim.take import Kept, Taken
from handlers.inbox.names import shown
from handlers.inbox.places import make_place
from handlers.inbox.results import outbox
from handlers.inbox.results.settlement import Settlement, free_names

Keep = Callable[[Settlement], None]

CLASHES = 20  # how often a name is lost between the look and the rename; more often it is no coincidence


def carry_out(
    settlement: Settlement, folder: Path, results: Path, about: Mapping[str, Mapping[str, Any]], keep: Keep
) -> tuple[Settlement, list[str]]:
    """Carries everything in `folder`, the intake's .work/ID, to where it belongs; results are copied there.

    results: <data_dir>/results. about: of each job, what the .json beside its video says.
    keep: puts the settlement into the database as it has become, before anything rests on that: a result
    was delivered (people may take it away at once, and it must not come again), or a name is not free any
    more. Returns it as it is in the end, and sentences for the log.
    Raises OSError, which names a path, when a place is away, full or read-only: then it is to be carried
    out again later.
    """
    root = folder.parent.parent
    for position, result in enumerate(settlement.results):
        with _somewhere(result.outbox):
            settlement = _deliver(settlement, position, root, results, about, keep)
    for name in settlement.dropped:
        (folder / name).unlink(missing_ok=True)
    with _somewhere(settlement.place):
        return _put_away(settlement, folder, root, keep)


def bring_back(settlement: Settlement, folder: Path, taken: Taken, owner: str) -> list[str]:
    """The sources return to `folder`, as after `claim.take`, and the note goes.

    owner: the data folder. Returns the names of those that are gone, or are not those that were taken:
    others may have put something under that name. Raises OSError, which names a path.
    """
    with _somewhere(str(folder)):
        for one in (folder.parent, folder):  # not `parents`: an inbox that is away is not to be made
            one.mkdir(mode=0o700, exist_ok=True)
        _manifest(settlement, folder, owner).write(folder)
        return _take_back(settlement, folder, taken)


def drop_note(settlement: Settlement) -> None:
    """Only while it is as we have written it."""
    if settlement.note and _is_written(*settlement.note):
        Path(settlement.note[0]).unlink()


def stands(settlement: Settlement) -> bool:
    """Whether something is still where its sources went."""
    return any(os.path.lexists(target) for _, target in settlement.moves)


# ---------------------------------------------------------------- carrying out


def _deliver(
    settlement: Settlement,
    position: int,
    root: Path,
    results: Path,
    about: Mapping[str, Mapping[str, Any]],
    keep: Keep,
) -> Settlement:
    """One of the results, if that has not been done."""
    result = settlement.results[position]
    others = [other for other in settlement.results if other is not result]
    for _ in range(CLASHES):
        if result.delivered:
            return settlement
        make_place(Path(result.outbox), root)
        try:
            outbox.deliver(result, results, about.get(result.job_id, {}))
            result = replace(result, delivered=True)
        except FileExistsError as e:
            clash = e
            outbox.withdraw(result, results)
            result = outbox.free(result, others)
        changed = (*settlement.results[:position], result, *settlement.results[position + 1 :])
        settlement = replace(settlement, results=changed)
        keep(settlement)
    raise clash


def _put_away(settlement: Settlement, folder: Path, root: Path, keep: Keep) -> tuple[Settlement, list[str]]:
    """The sources and their note. They stay together: when one cannot have its name, all get a new one."""
    for _ in range(CLASHES):
        make_place(Path(settlement.place), root)
        try:
            return settlement, _move_out(settlement, folder)
        except FileExistsError as e:
            clash = e
            _take_back(settlement, folder)
            settlement = free_names(settlement)
            keep(settlement)
    raise clash


def _move_out(settlement: Settlement, folder: Path) -> list[str]:
    """Raises FileExistsError when somebody has one of the names."""
    told = []
    if settlement.apart:
        settlement.folder.mkdir(exist_ok=True)
    for kept, target in settlement.moves:
        if os.path.lexists(folder / kept):
            _move(folder / kept, Path(target))
        elif not os.path.lexists(target):
            name = shown(Path(target).name)
            told.append(f"{name} was gone before it came to {shown(settlement.place)}")
    if settlement.note:
        path, text = settlement.note
        write_new(Path(path), _encoded(text))
    return told


def _move(source: Path, target: Path) -> None:
    try:
        move(source, target)
    except StillWritten as e:
        raise OSError(errno.EBUSY, str(e), str(target)) from e


# ---------------------------------------------------------------- and back


def _manifest(settlement: Settlement, folder: Path, owner: str) -> Manifest:
    """So that all goes back into the inbox, should the database be lost meanwhile."""
    inode = None
    for kept, target in settlement.moves:
        there = next((path for path in (Path(target), folder / kept) if os.path.lexists(path)), None)
        if kept == FOLDER and there is not None:
            inode = there.lstat().st_dev, there.lstat().st_ino
    return Manifest(owner, dict(settlement.sources), inode)


def _take_back(settlement: Settlement, folder: Path, taken: Taken | None = None) -> list[str]:
    """taken: after a long time, to tell what was taken from what others have put there since."""
    gone = []
    for (kept, target), (_, name) in zip(settlement.moves, settlement.sources, strict=True):
        if os.path.lexists(target) and (taken is None or _was_taken(taken, kept, Path(target))):
            with contextlib.suppress(FileExistsError):  # ours never left; what is there is somebody else's
                _move(Path(target), folder / kept)  # completes a move that a kill has cut short, too
        elif not os.path.lexists(folder / kept):
            gone.append(name)
    drop_note(settlement)
    if settlement.apart:
        with contextlib.suppress(OSError):  # something else lies there by now
            settlement.folder.rmdir()
    return gone


def _was_taken(taken: Taken, kept: str, path: Path) -> bool:
    """Of a folder: whether any file in it was; a person may have changed others."""
    if kept != FOLDER or taken.folder is None:
        return any(_is_same(one, path) for one in taken.files if one.kept == kept)
    return any(_is_same(one, path / one.kept.removeprefix(f"{FOLDER}/")) for one in taken.files)


def _is_same(kept: Kept, path: Path) -> bool:
    """Its time is enough; some file systems keep that less exactly, and then it is read."""
    try:
        there = path.lstat()
        return there.st_size == kept.size and (
            there.st_mtime_ns == kept.mtime_ns or digest(path) == kept.sha256
        )
    except OSError:
        return False


# ---------------------------------------------------------------- words


@contextlib.contextmanager
def _somewhere(place: str) -> Iterator[None]:
    """An error in here says where, if only this: a full disk does not say by itself which it is."""
    try:
        yield
    except OSError as e:
        if e.filename is None:
            e.filename = place
        raise


def _is_written(path: str, text: str) -> bool:
    try:
        return digest(Path(path)) == hashlib.sha256(_encoded(text)).hexdigest()
    except (OSError, StillWritten):
        return False


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
