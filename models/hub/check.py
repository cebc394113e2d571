"""Whether the files of models are what they should be: every byte is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from models.errors import Unavailable
from models.hub import record
from models.hub.catalogue import File, Model
from models.hub.digest import watched_sha256
from models.hub.folders import alone, told
from models.hub.record import Record
from models.hub.shelf import (
    expected,
    expected_single,
    is_file,
    keep_or_remove,
    problem,
    single,
    standing,
)
from models.hub.watch import Watch


@dataclass(frozen=True)
class Finding:
    """file: "" when it is about the model as a whole. why: goes on after the file's name; "" when it is well.

    expected, found: what was compared, "" where nothing could be. fix: what to do, a sentence.
    """

    model: str
    file: str
    state: Literal["whole", "damaged", "missing"]
    size: int = 0
    why: str = ""
    expected: str = ""
    found: str = ""
    fix: str = ""

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


def verify(weights: Path, models: Sequence[Model], watch: Watch) -> list[Finding]:
    """One finding for each file. What is found to be damaged is no longer recorded as right, so that the next
    `pull` fetches it again."""
    return [finding for model in models for finding in _verify(weights, model, watch)]


def _verify(weights: Path, model: Model, watch: Watch) -> list[Finding]:
    now = standing(weights, model)
    if now.state in ("missing", "begun"):
        why = "is not here" if now.state == "missing" else "is not here as a whole yet"
        return [Finding(model.name, "", "missing", why=why, fix=_pull(model))]
    if (file := single(weights, model)) is not None:
        wanted, known = expected_single(weights, file)
        fix = _add_again(model) if known and known.own else keep_or_remove(now.path, model)
        return [_look(weights, model, wanted, watch, fix)]
    folder = weights / model.name
    findings = []
    try:
        known = record.read(folder)
    except Unavailable as e:
        known = None
        findings.append(Finding(model.name, record.NAME, "damaged", why=e.message, fix=e.hint))
    findings += [
        _look(folder, model, file, watch, _fix(folder, model, file, known)) for file in expected(model, known)
    ]
    if known is not None and not known.own:
        damaged = {finding.file for finding in findings if finding.state == "damaged"}
        _forget(weights, model, known, damaged, watch)
    return findings


def _fix(folder: Path, model: Model, file: File, known: Record | None) -> str:
    if known is not None and known.own:
        return _add_again(model)
    if known is None and os.path.lexists(folder / file.name):
        return keep_or_remove(folder, model)
    return _pull(model)


def _add_again(model: Model) -> str:
    return f"Add it again: `vigentd models add {model.name} PATH --anyway`."


def _pull(model: Model) -> str:
    return f"Run `vigentd models pull {model.name}`: it fetches what is missing, and nothing else."


def _look(folder: Path, model: Model, file: File, watch: Watch, fix: str) -> Finding:
    path = folder / file.name
    if why := problem(path, file.size):
        state: Literal["damaged", "missing"] = "damaged" if is_file(path) else "missing"
        return Finding(model.name, file.name, state, file.size, why, f"{file.size:,} bytes", fix=fix)
    try:
        found = watched_sha256(path, f"{model.name}/{file.name}", watch)
    except OSError as e:
        why = f"cannot be read: {e.strerror or e}"
        return Finding(model.name, file.name, "damaged", file.size, why, fix="Check the disk. " + fix)
    if found == file.sha256:
        return Finding(model.name, file.name, "whole", file.size)
    why = f"is damaged: expected SHA-256 {file.sha256}, found {found}"
    return Finding(model.name, file.name, "damaged", file.size, why, file.sha256, found, fix)


def _forget(weights: Path, model: Model, known: Record, damaged: set[str], watch: Watch) -> None:
    """Strikes it out of the record, but not what another command has mended since that was read."""
    struck = {name: kept for name, kept in known.files.items() if name in damaged}
    if not struck:
        return
    folder = weights / model.name
    try:
        with alone(weights):
            now = record.read(folder)
            if now is None:
                return
            left = {name: kept for name, kept in now.files.items() if struck.get(name) != kept}
            with told(folder):
                record.write(folder, now.model_copy(update={"files": left}))
    except Unavailable as e:
        watch.note(f"{e.message}: that {model.name} is damaged is not recorded")
