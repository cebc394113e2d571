"""What lies in the folder of weights, at a glance: names and sizes. `check.py` reads the files, too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import Unavailable
from models.hub import record
from models.hub.catalogue import File, Model
from models.hub.folders import part_of
from models.hub.record import Record

State = Literal["missing", "begun", "broken", "whole"]


@dataclass(frozen=True)
class Standing:
    """How a model stands here.

    missing: nothing is there. begun: only files of a download that is not complete. broken: some of its files
    are not there, or cannot be what they are called; `why` says which comes first. whole.

    present: bytes, those of a download included. own: a person's own weights, not the hub's. checked_at: when
    its files were last found to be right, ISO 8601, or "". path: the model's folder, or the one file that
    serves instead.
    """

    model: Model
    state: State
    path: Path
    present: int
    why: str = ""
    own: bool = False
    checked_at: str = ""


def standing(weights: Path, model: Model) -> Standing:
    if (file := single(weights, model)) is not None:
        return _single_standing(weights, model, file)
    folder = weights / model.name
    try:
        known = record.read(folder)
    except Unavailable as e:
        known, trouble = None, e.message
    else:
        trouble = ""
    files = expected(model, known)
    problems = {file.name: problem(folder / file.name, file.size) or _doubt(file, known) for file in files}
    present = sum(file.size for file in files if not problems[file.name])
    first = next((f"{name} {why}" for name, why in problems.items() if why), trouble)
    own, at = (known.own, known.at) if known else (False, "")
    if not first:
        return Standing(model, "whole", folder, present, own=own, checked_at=at)
    begun = _begun(part_of(weights, model.name), model)
    if any(os.path.lexists(folder / file.name) for file in files):
        return Standing(model, "broken", folder, present + begun, first, own, at)
    if begun:
        return Standing(model, "begun", folder, begun)
    return Standing(model, "missing", folder, 0)


def single(weights: Path, model: Model) -> File | None:
    """The one file that lies there instead of the folder's, if it does."""
    if holds_all(weights / model.name, model):
        return None
    return next((file for file in model.instead if is_file(weights / file.name)), None)


def holds_all(folder: Path, model: Model) -> bool:
    """Whether its files are there, whatever is in them."""
    return all(is_file(folder / file.name) for file in model.files)


def expected_single(weights: Path, file: File) -> tuple[File, Record | None]:
    """What the one file should be, the hub's or a person's own; and the record of it."""
    path = weights / file.name
    try:
        known = record.read(path.parent, record_of(file))
    except Unavailable:  # `add` writes it anew
        known = None
    kept = known.files.get(path.name) if known is not None and known.own else None
    return (File(file.name, kept.size, kept.sha256) if kept else file), known


def record_of(file: File) -> str:
    return f"{Path(file.name).stem}.{record.NAME}"


def _single_standing(weights: Path, model: Model, file: File) -> Standing:
    path = weights / file.name
    wanted, known = expected_single(weights, file)
    own, at = (known.own, known.at) if known else (False, "")
    if why := problem(path, wanted.size):
        begun = _begun(part_of(weights, model.name), model)
        return Standing(model, "broken", path, begun, f"{file.name} {why}", own, at)
    return Standing(model, "whole", path, wanted.size, own=own, checked_at=at)


def expected(model: Model, known: Record | None) -> Sequence[File]:
    """The files that make it whole: the catalogue's, or those recorded of a person's own weights."""
    if known is None or not known.own:
        return model.files
    return [File(name, kept.size, kept.sha256) for name, kept in known.files.items()]


def _doubt(file: File, known: Record | None) -> str:
    """`verify` strikes out of the record what it finds damaged."""
    if known is None or file.name in known.files:
        return ""
    return "was damaged when it was last checked"


def keep_or_remove(place: Path, model: Model) -> str:
    """What to do about a folder, or a single file, that is not the hub's and not recorded: a sentence."""
    return (
        f"`vigentd models add {model.name} {place} --anyway` keeps what is there as it is; or remove it, and "
        f"`vigentd models pull {model.name}` fetches the hub's."
    )


def problem(path: Path, size: int) -> str:
    """What a glance shows to be wrong with the file, to go on after its name; "" when nothing."""
    try:
        found = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            return f"is a link to {path.readlink()}, which is not there"
        return "is missing"
    except OSError as e:
        return f"cannot be looked at: {e.strerror}"
    if not path.is_file():
        return "is not a file"
    return "" if found == size else f"has {found:,} byte{'s' * (found != 1)} instead of {size:,}"


def is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that is closed to us
        return False


def incomplete(part: Path, file: File) -> Path:
    """Where a file of a download grows. Its hash is in the name: another version never goes on with it."""
    return part / f"{file.name}.{file.sha256[:12]}.incomplete"


def _begun(part: Path, model: Model) -> int:
    """Bytes that a download has got so far."""
    return sum(max(size_of(part / file.name), size_of(incomplete(part, file))) for file in model.files)


def size_of(path: Path) -> int:
    """Bytes; 0 when there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
