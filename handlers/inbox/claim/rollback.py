"""What was taken up and is not in the database goes back into the inbox, under its own names.

The manifest in .work/ID says what everything was called. It is written before anything is moved, and goes
when all is back; so this can be killed at any moment, and done again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from handlers.inbox.claim.files import TEMPORARY, move, write_new
from handlers.inbox.names import fitted, shown, suffix_of
from handlers.inbox.places import Places, make_place
from handlers.inbox.results import notes
from pipeline.workspace import remove, sync_folder, write_atomic

MANIFEST = "claim.json"
FOLDER = "folder"  # what the folder of a folder bundle is called in .work/ID
_UNFINISHED = f".{MANIFEST}.part"  # as write_atomic calls it
_LONGEST = 2**24  # bytes of a manifest; what is longer is not ours
_NOTE = ".error.txt"
_LONGEST_SUFFIX = 20
_REASON = {
    "code": "name_taken",
    "message": "While it was being taken up, something else got its name in the inbox; "
    "so it could not go back there, and was put here",
    "hint": "If both are wanted, give one of them another name.",
}


@dataclass(frozen=True)
class Manifest:
    """owner: the data folder of the daemon that took it.

    names:  what it is called in .work/ID → what it is called in the inbox.
    inode:  st_dev and st_ino of the folder of a folder bundle, else None.
    """

    owner: str
    names: dict[str, str]
    inode: tuple[int, int] | None = None

    def write(self, folder: Path) -> None:
        write_atomic(folder / MANIFEST, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """None when there is none that we have written."""
        try:
            with (folder / MANIFEST).open("rb") as f:
                told = json.loads(f.read(_LONGEST))
            names = {str(kept): str(name) for kept, name in told["names"].items()}
            inode = told["inode"] and (int(told["inode"][0]), int(told["inode"][1]))
            return cls(str(told["owner"]), names, inode) if _are_plain(names) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def left_over(places: Places, known: Collection[str], owner: str) -> list[Path]:
    """The folders in .work that a daemon with this data folder has left, and its database does not know.

    known: the ids that it knows. What has no manifest and nothing in it was only just begun, and goes.
    Anything else in .work is never touched.
    """
    if places.work.is_symlink() or not places.work.is_dir():
        return []
    found = []
    for folder in sorted(places.work.iterdir()):
        if folder.name in known or folder.is_symlink() or not folder.is_dir():
            continue
        manifest = Manifest.read(folder)
        if manifest is None:
            _remove_if_empty(folder)
        elif manifest.owner == owner:
            found.append(folder)
    return found


def put_back(folder: Path, places: Places) -> list[Path]:
    """All of the intake in this folder is in the inbox again, as it was. Returns what is not, but in failed/:
    its name was taken by something else meanwhile.

    Raises OSError when that cannot be; then nothing is lost, and it can be tried again.
    """
    for part in list(folder.glob(TEMPORARY)):  # a copy that was not whole, so its source is there
        remove(part)
    manifest = Manifest.read(folder)
    aside: list[Path] = []
    if manifest is not None:
        for kept, name in manifest.names.items():
            _put_back(folder / kept, places.root / name, places, manifest.inode, aside)
        (folder / MANIFEST).unlink()
    _remove_if_empty(folder)
    sync_folder(places.work)
    return aside


def forget(folder: Path) -> None:
    """The intake is settled: its manifest goes, and all empty folders. What else is there stays."""
    (folder / MANIFEST).unlink(missing_ok=True)
    for path, _, _ in os.walk(folder, topdown=False):
        _remove_if_empty(Path(path))


# ---------------------------------------------------------------- one file, or one folder


def _put_back(
    ours: Path, back: Path, places: Places, inode: tuple[int, int] | None, aside: list[Path]
) -> None:
    """inode: of the folder that it was. When that is still there, it is filled again (None: any may be)."""
    if not os.path.lexists(ours):
        return
    try:
        move(ours, back)
    except FileExistsError:
        if _is_folder(ours) and _is_folder(back) and inode in (None, _inode(back)):
            for inner in sorted(ours.iterdir()):
                _put_back(inner, back / inner.name, places, None, aside)
            ours.rmdir()
        else:
            aside.append(_put_aside(ours, back.name, places))


def _put_aside(ours: Path, name: str, places: Places) -> Path:
    """To failed/, with a note, which comes first: nothing stands there without a reason."""
    make_place(places.failed, places.root)
    suffix = "" if _is_folder(ours) or len(suffix_of(name)) > _LONGEST_SUFFIX else suffix_of(name)
    stem = name.removesuffix(suffix)
    words = notes.failed([shown(name)], _REASON, None, None).encode("utf-8", "replace")
    for number in count(1):
        target = places.failed / fitted(stem, suffix, number)
        note = places.failed / fitted(stem, _NOTE, number)
        if os.path.lexists(target) and not os.path.lexists(note):
            continue
        with contextlib.suppress(FileExistsError):  # both may be ours, when this was killed before
            write_new(note, words)
            move(ours, target)
            return target
    raise AssertionError("the numbers have come to an end")


def _are_plain(names: dict[str, str]) -> bool:
    """Names in this folder and in the inbox, and nothing beyond: others may have written the manifest."""
    every = [*names, *names.values()]
    return all(name not in ("", ".", "..") and not {"/", "\0"} & set(name) for name in every)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _inode(path: Path) -> tuple[int, int]:
    there = path.lstat()
    return there.st_dev, there.st_ino


def _remove_if_empty(folder: Path) -> None:
    """Also of a manifest that was not finished."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [_UNFINISHED]:
            (folder / _UNFINISHED).unlink()
        folder.rmdir()
