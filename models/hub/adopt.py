"""Taking a folder with a model that is here already, wherever it lies: as links, so that it stays as it is.

What is made is a folder of our own with one link for each file that is needed, and the record. Nothing is
written into the other folder, and a file that is missing or damaged later is fetched into ours.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from models.durable import moved
from models.errors import BadInput
from models.hub import record
from models.hub.catalogue import INDEX, ONE_FILE, File, Model
from models.hub.digest import watched_sha256
from models.hub.folders import alone, part_of, told
from models.hub.record import Kept, Record
from models.hub.shelf import Standing, holds_all, problem, record_of, standing
from models.hub.watch import Watch


def adopt(
    weights: Path, model: Model, path: Path, watch: Watch, *, anyway: bool, now: Callable[[], str]
) -> Standing:
    """path: an absolute path to the folder, or to the one file that serves instead of it; also a repository
    in the cache of huggingface_hub (models--…). anyway: take it though its files are not the hub's.

    Raises BadInput `model_there`, `model_begun`, `model_incomplete`, `model_other`, `folder_missing`;
    Unavailable.
    """
    with alone(weights), told(path, "read"):
        _need_no_download(weights, model, path)
        if path.is_file():
            _adopt_file(weights, model, path, watch, anyway, now)
        else:
            _adopt_folder(weights, model, _snapshot(path, model), watch, anyway, now)
    return standing(weights, model)


def _need_no_download(weights: Path, model: Model, path: Path) -> None:
    """Its files would be taken away as soon as there are links to them."""
    part = part_of(weights, model.name)
    inside = Path(os.path.realpath(part))
    places = (path, *(path / file.name for file in model.files))
    if any(Path(os.path.realpath(place)).is_relative_to(inside) for place in places):
        raise BadInput(
            f"{part} is a download of {model.name} that is not complete",
            code="model_begun",
            hint=f"Run `vigentd models pull {model.name}`: it goes on with it.",
        )


# ---------------------------------------------------------------- a folder


def _adopt_folder(
    weights: Path, model: Model, path: Path, watch: Watch, anyway: bool, now: Callable[[], str]
) -> None:
    folder = weights / model.name
    in_place = folder.is_dir() and path.is_dir() and folder.samefile(path)
    if os.path.lexists(folder) and not in_place:
        raise BadInput(
            f"{folder} is there already",
            code="model_there",
            hint=f"Remove it first if {path} is to take its place; `vigentd models verify {model.name}` "
            "tells whether it is in order.",
        )
    files = _files(model, path, watch, anyway)
    own = {name: kept.sha256 for name, kept in files.items()} != _hashes(model)
    found = _record_of(model, path, files, own, now)
    with told(folder):
        if not in_place:
            _link(weights, folder, path, found)
        elif not folder.is_symlink():
            record.write(folder, found)


def _record_of(model: Model, path: Path, files: dict[str, Kept], own: bool, now: Callable[[], str]) -> Record:
    return Record(
        model=model.name,
        repository=model.repository,
        revision=model.revision,
        origin=str(path),
        at=now(),
        own=own,
        files=files,
    )


def _link(weights: Path, folder: Path, path: Path, found: Record) -> None:
    making = weights / f".{folder.name}.adding"
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir()
        for name in found.files:
            link = making / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path / name)
        record.write(making, found)
        moved(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    shutil.rmtree(part_of(weights, folder.name), ignore_errors=True)  # of a download that is not needed now


def _files(model: Model, path: Path, watch: Watch, anyway: bool) -> dict[str, Kept]:
    """All that will be linked. Raises BadInput, OSError."""
    if not path.is_dir():
        raise BadInput(f"There is no folder {path}", code="folder_missing", hint="Check its name.")
    names = _names(model, path, anyway)
    absent = [name for name in names if not (path / name).is_file()]
    if absent:
        are = "is" if len(absent) == 1 else "are"
        raise BadInput(
            f"{path} is not the whole of {model.name}: {', '.join(absent)} {are} missing",
            code="model_incomplete",
            hint=f"The files are needed as they lie in {model.repository} on the hub, and under those names.",
        )
    known = {file.name: file for file in model.files}
    if not anyway:  # what a glance shows is told before gigabytes are read
        for name in names:
            if why := problem(path / name, known[name].size):
                raise _other(path / name, why, model)
    kept = {}
    for name in names:
        sha256 = watched_sha256(path / name, f"{model.name}/{name}", watch)
        if not anyway and sha256 != known[name].sha256:
            why = f"has SHA-256 {sha256} instead of {known[name].sha256}"
            raise _other(path / name, why, model)
        kept[name] = record.kept(path / name, sha256)
    return kept


def _names(model: Model, path: Path, anyway: bool) -> Sequence[str]:
    """Of the files that are needed. A person's own weights may be in several pieces, which an index names."""
    names = [file.name for file in model.files]
    if not anyway:
        return names
    beside = [name for name in model.beside if (path / name).is_file()]
    if ONE_FILE in names and not (path / ONE_FILE).exists() and (path / INDEX).is_file():
        names.remove(ONE_FILE)
        names += [INDEX, *_pieces(path / INDEX)]
    return names + beside


def _pieces(index: Path) -> list[str]:
    try:
        pieces = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        if not all(isinstance(name, str) and name == Path(name).name for name in pieces):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise BadInput(
            f"{index} does not say which files the weights are in",
            code="model_incomplete",
            hint="It should be as transformers writes it, with a weight_map.",
        ) from e
    return pieces


def _other(path: Path, why: str, model: Model) -> BadInput:
    return BadInput(
        f"{path} is not the one of {model.repository}: it {why}",
        code="model_other",
        hint="If it is a model of your own, add --anyway; else it may be damaged, or of another version.",
    )


def _hashes(model: Model) -> dict[str, str]:
    return {file.name: file.sha256 for file in model.files}


def _snapshot(path: Path, model: Model) -> Path:
    """The files' folder, where `path` is a repository in huggingface_hub's cache."""
    snapshots = path / "snapshots"
    if not snapshots.is_dir():
        return path
    pinned = snapshots / model.revision
    if pinned.is_dir():
        return pinned
    there = sorted(snapshots.iterdir())
    return there[0] if len(there) == 1 else pinned


# ---------------------------------------------------------------- a single file


def _adopt_file(
    weights: Path, model: Model, path: Path, watch: Watch, anyway: bool, now: Callable[[], str]
) -> None:
    """Raises BadInput, Unavailable."""
    if not model.instead:
        raise BadInput(
            f"{path} is a file, and {model.name} is a folder with several",
            code="folder_missing",
            hint="Give the folder.",
        )
    if holds_all(folder := weights / model.name, model):
        raise BadInput(
            f"{folder} is there already, and is taken before a single file",
            code="model_there",
            hint=f"Remove it first if {path} is to take its place.",
        )
    targets = [weights / file.name for file in model.instead]
    there = next((target for target in targets if os.path.lexists(target)), None)
    if there is not None and not (there.exists() and there.samefile(path)):
        raise BadInput(f"{there} is there already", code="model_there", hint="Remove it first.")
    target = there or targets[0]
    file = model.instead[targets.index(target)]
    sha256 = _sha256_of_file(path, file, watch, anyway)
    found = _record_of(model, path, {target.name: record.kept(path, sha256)}, sha256 != file.sha256, now)
    with told(target):
        target.parent.mkdir(exist_ok=True)
        if there is None:
            target.symlink_to(path)
        record.write(target.parent, found, record_of(file))


def _sha256_of_file(path: Path, file: File, watch: Watch, anyway: bool) -> str:
    """Raises BadInput when it is not the one that is known, unless `anyway`."""
    why = "" if anyway else problem(path, file.size)
    if not why:
        sha256 = watched_sha256(path, path.name, watch)
        if anyway or sha256 == file.sha256:
            return sha256
        why = f"has SHA-256 {sha256} instead of {file.sha256}"
    raise BadInput(
        f"{path} is not openai-whisper's {Path(file.name).name}: it {why}",
        code="model_other",
        hint="If it is a model of your own, add --anyway; else it may be damaged, or of another size.",
    )
