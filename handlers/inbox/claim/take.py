"""The way of a bundle into .work/ID, so that all of it is there, unchanged and whole, or none.

    looked at once more → .work/ID and its manifest → moved in, under names that are safe → looked at again

What is not as it was goes back at once (`rollback.py`); what a kill leaves goes back at the next start, for
as long as the database does not know it.
"""

from __future__ import annotations

import errno
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handlers.inbox.bundles.bundle import Bundle, Role, Source
from handlers.inbox.claim.files import StillWritten, check_whole, detach, digest, move
from handlers.inbox.claim.rollback import FOLDER, Manifest, forget, left_over, put_back
from handlers.inbox.look.scan import Mark
from handlers.inbox.names import shown, suffix_of
from handlers.inbox.places import Places
from pipeline.workspace import sync_folder

__all__ = ["Changed", "Kept", "Taken", "forget", "left_over", "put_back", "take"]

_SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_COPY = ".vigentd-detached.part"  # one of files.TEMPORARY
_CHANGED = (StillWritten, FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True)
class Kept:
    """One file of an intake. name: as in the inbox, or within its folder. kept: relative to .work/ID."""

    name: str
    role: Role
    kept: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Taken:
    """What is in .work/ID. name, folder: as in Bundle."""

    id: str
    name: str
    folder: str | None
    files: tuple[Kept, ...]

    def as_json(self) -> dict[str, Any]:
        """Names may be no Unicode: to be written as ASCII."""
        return asdict(self) | {"files": [asdict(kept) for kept in self.files]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Taken:
        files = tuple(Kept(**kept) for kept in told["files"])
        return cls(told["id"], told["name"], told["folder"], files)


class Changed(Exception):
    """Something changed, or went, while it was taken up. All is back in the inbox.

    aside: what is not, but in failed/, with a note: its name was taken by something else meanwhile.
    """

    def __init__(self, message: str, aside: Iterable[Path] = ()) -> None:
        super().__init__(message)
        self.aside = tuple(aside)


def take(places: Places, bundle: Bundle, marks: Mapping[str, Mark], id: str, owner: str) -> Taken:
    """marks: of each source, by its name in the inbox; of a folder bundle, of all that is in the folder.

    owner: the data folder. Raises Changed, and OSError when it cannot be taken (unreadable, no room, no
    right; FileExistsError when the id is in use). Then nothing has moved; or, when it could not be put back
    either, it is left over.
    """
    _check(places, bundle, marks)
    folder = _make_folder(places, id)
    kept = _kept_names(bundle)
    try:
        _manifest(places, bundle, kept, owner).write(folder)
        _move_in(places, bundle, marks, kept, folder)
        return _look_again(bundle, marks, kept, folder)
    except (Changed, OSError) as e:
        aside = put_back(folder, places)
        if not isinstance(e, (Changed, *_CHANGED)):
            raise
        raise Changed(_sentence(bundle, e), aside) from e


# ---------------------------------------------------------------- looked at once more


def _check(places: Places, bundle: Bundle, marks: Mapping[str, Mark]) -> None:
    """Raises Changed, and OSError of what cannot be read."""
    try:
        if bundle.folder is None:
            for source in bundle.sources:
                _check_mark(places.root / source.name, marks[source.name])
                check_whole(places.root / source.name)
        else:
            _check_folder(places.root / bundle.folder, marks)
    except _CHANGED as e:
        raise Changed(_sentence(bundle, e)) from e


def _check_folder(folder: Path, marks: Mapping[str, Mark]) -> None:
    _check_nothing_came(folder, folder.name, marks)
    for name, mark in marks.items():
        _check_mark(folder / name, mark)
        if stat.S_ISREG((folder / name).lstat().st_mode):
            check_whole(folder / name)


def _check_nothing_came(folder: Path, name: str, marks: Mapping[str, Mark]) -> None:
    """It would change the mark of a folder that it came into; only the outermost has none."""
    if any(path.name not in marks for path in folder.iterdir()):
        raise Changed(f"Something new came into {shown(name)}")


def _check_mark(path: Path, mark: Mark) -> None:
    if Mark.of(path.lstat()) != mark:
        raise Changed(f"{shown(path.name)} changed just now")


# ---------------------------------------------------------------- .work/ID and its manifest


def _make_folder(places: Places, id: str) -> Path:
    places.work.mkdir(mode=0o700, exist_ok=True)
    if places.work.is_symlink():
        raise OSError(errno.ENOTDIR, "it is a link, and should be a folder", str(places.work))
    folder = places.work / id
    folder.mkdir(mode=0o700)
    sync_folder(places.work)
    return folder


def _kept_names(bundle: Bundle) -> dict[Source, str]:
    """Safe to give to any program: script.txt, clip.mp4; file-1.mp4, file-2.mp4 … of those in a batch."""
    if bundle.folder is not None:
        return {source: f"{FOLDER}/{source.name}" for source in bundle.sources}
    has_batch = any(source.role == "batch" for source in bundle.sources)
    stems = [_stem(source.role, has_batch) for source in bundle.sources]
    several = {stem for stem, times in Counter(stems).items() if times > 1} | {"file", "note"}
    given: Counter[str] = Counter()
    kept = {}
    for source, stem in zip(bundle.sources, stems, strict=True):
        given[stem] += 1
        number = f"-{given[stem]}" if stem in several else ""
        kept[source] = stem + number + _safe_suffix(source.name)
    return kept


def _stem(role: Role, has_batch: bool) -> str:
    return "file" if has_batch and role in ("script", "clip", "speech") else role


def _safe_suffix(name: str) -> str:
    suffix = suffix_of(name).lower()
    return suffix if _SAFE_SUFFIX.fullmatch(suffix) else ""


def _manifest(places: Places, bundle: Bundle, kept: Mapping[Source, str], owner: str) -> Manifest:
    if bundle.folder is None:
        return Manifest(owner, {kept[source]: source.name for source in bundle.sources})
    there = (places.root / bundle.folder).lstat()
    return Manifest(owner, {FOLDER: bundle.folder}, (there.st_dev, there.st_ino))


# ---------------------------------------------------------------- moved in, and looked at again


def _move_in(
    places: Places, bundle: Bundle, marks: Mapping[str, Mark], kept: Mapping[Source, str], folder: Path
) -> None:
    if bundle.folder is not None:
        move(places.root / bundle.folder, folder / FOLDER)
        return
    for source in bundle.sources:
        _check_mark(places.root / source.name, marks[source.name])
        move(places.root / source.name, folder / kept[source])


def _look_again(bundle: Bundle, marks: Mapping[str, Mark], kept: Mapping[Source, str], folder: Path) -> Taken:
    """Who still had it open for writing when it was moved is seen now; by its name it is not to be had."""
    if bundle.folder is None:
        for source in bundle.sources:
            _check_moved(folder / kept[source], marks[source.name])
    else:
        for name, mark in marks.items():
            _check_moved(folder / FOLDER / name, mark)
    files = []
    for source in bundle.sources:
        path = folder / kept[source]
        if path.lstat().st_nlink > 1:
            detach(path, folder / _COPY)
        sha256 = digest(path)
        there = path.lstat()
        files.append(Kept(source.name, source.role, kept[source], there.st_size, there.st_mtime_ns, sha256))
    if bundle.folder is not None:
        _check_nothing_came(folder / FOLDER, bundle.folder, marks)
    return Taken(folder.name, bundle.name, bundle.folder, tuple(files))


def _check_moved(path: Path, mark: Mark) -> None:
    """The same file, or a copy of it from another file system (which may keep times less exactly)."""
    is_file = stat.S_ISREG(path.lstat().st_mode)
    if is_file:
        check_whole(path)  # first: what nobody writes to now stays as it is
    there = path.lstat()
    is_same = (there.st_dev, there.st_ino) == (mark.device, mark.inode)
    if (is_same and there.st_mtime_ns != mark.mtime_ns) or (is_file and there.st_size != mark.size):
        raise Changed(f"{shown(path.name)} changed just now")


def _sentence(bundle: Bundle, error: Exception) -> str:
    if isinstance(error, (Changed, StillWritten)):
        return str(error)
    return f"Some of {shown(bundle.name)} was taken away just now"
