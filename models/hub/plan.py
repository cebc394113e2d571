"""What there is to do for a model to be whole here; and, when all of its files are, giving it its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.durable import moved
from models.errors import Unavailable
from models.hub import record
from models.hub.catalogue import INDEX, ONE_FILE, File, Model
from models.hub.digest import watched_sha256
from models.hub.folders import free_bytes, part_of, told
from models.hub.record import Kept, Record
from models.hub.shelf import incomplete, keep_or_remove, problem, size_of, standing
from models.hub.source import Source
from models.hub.watch import Watch
from models.sizes import size


@dataclass
class Plan:
    """What there is to do for a model.

    known: its record. good: its files that are right; looked: of some of them this was found out just now.
    missing: files to be fetched. arrived: those that an earlier command fetched, and checked.
    """

    model: Model
    known: Record | None = None
    good: dict[str, Kept] = field(default_factory=dict)
    looked: bool = False
    missing: list[File] = field(default_factory=list)
    arrived: list[File] = field(default_factory=list)


def planned(weights: Path, model: Model, watch: Watch) -> Plan:
    """Raises Unavailable `model_own`, `model_other`, `model_linked`, and when a file cannot be read."""
    folder, now = weights / model.name, standing(weights, model)
    plan = Plan(model, _known(folder, watch))
    if now.state == "whole" and (now.own or now.path != folder):
        return plan
    if now.own:
        raise Unavailable(
            f"{model.name} is not the hub's but weights of your own, and not whole: {now.why}",
            code="model_own",
            hint=f"Add them again (`vigentd models add {model.name} PATH --anyway`), or remove {now.path} to "
            "get the hub's.",
        )
    if now.path != folder:
        watch.note(f"{now.why}; the hub's {model.name} is fetched, and taken before it")
    for file in model.files:
        _sort(weights, plan, file, watch)
    return plan


def _known(folder: Path, watch: Watch) -> Record | None:
    try:
        return record.read(folder)
    except Unavailable as e:
        watch.note(f"{e.message}: the files are checked again")
        return None


def _sort(weights: Path, plan: Plan, file: File, watch: Watch) -> None:
    """Into good, arrived or missing."""
    folder = weights / plan.model.name
    path = folder / file.name
    before = plan.known.files.get(file.name) if plan.known else None
    if before and before.sha256 == file.sha256 and record.unchanged(path, before):
        plan.good[file.name] = before
        return
    why = problem(path, file.size)
    if not why:
        with told(path, "read"):
            found = watched_sha256(path, f"{plan.model.name}/{file.name}", watch)
            if found == file.sha256:
                plan.good[file.name] = record.kept(path, found)
                plan.looked = True
                return
        why = f"has SHA-256 {found} instead of {file.sha256}"
    if folder.is_symlink():
        raise _linked(folder, plan.model, f"{file.name} {why}")
    if _need_ours(folder, plan, file, why):
        watch.note(f"{path} is damaged, and fetched again")
    arrived = not problem(part_of(weights, plan.model.name) / file.name, file.size)
    (plan.arrived if arrived else plan.missing).append(file)


def _need_ours(folder: Path, plan: Plan, file: File, why: str) -> bool:
    """Whether there is something in the file's place; it is replaced only when a record says that it was
    fetched, or found to be the hub's. (What `verify` struck out of the record was in it.)

    Raises Unavailable `model_other`, and when that cannot be seen.
    """
    with told(folder, "read"):
        there = _lies(folder / file.name)
        if plan.known is None and (there or (file.name == ONE_FILE and _lies(folder / INDEX))):
            raise Unavailable(
                f"{folder} holds other weights than the hub's: {file.name} {why}",
                code="model_other",
                hint=keep_or_remove(folder, plan.model),
            )
    return there


def _lies(path: Path) -> bool:
    """Also a link that leads nowhere. Raises OSError."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _linked(folder: Path, model: Model, why: str) -> Unavailable:
    target = folder.readlink()
    return Unavailable(
        f"{folder} is a link to {target}, and the model there is not the hub's: {why}",
        code="model_linked",
        hint="Nothing is written behind a link. Remove it; then "
        f"`vigentd models add {model.name} {target} --anyway` takes what is there as it is, or "
        f"`vigentd models pull {model.name}` fetches the hub's.",
    )


def need_room(weights: Path, plans: Sequence[Plan], spare: int) -> None:
    """Raises Unavailable `disk_full`."""
    wanted = sum(
        file.size - size_of(incomplete(part_of(weights, plan.model.name), file))
        for plan in plans
        for file in plan.missing
    )
    with told(weights):
        free = free_bytes(weights)
    if wanted and wanted + spare > free:
        raise Unavailable(
            f"There is not enough room in {weights}: {size(wanted)} are to come and {size(spare)} must stay "
            f"free, but only {size(free)} are",
            code="disk_full",
            hint="Free some space (`vigentd clean`), or set models.folder in vigentd.toml to a larger disk.",
        )


def settle(weights: Path, plan: Plan, source: Source, now: Callable[[], str]) -> None:
    """All of its files are right: the folder gets its name, or they go to the others that are in it.

    Raises Unavailable.
    """
    came = plan.missing + plan.arrived
    if not came and not plan.looked:
        return
    folder, part = weights / plan.model.name, part_of(weights, plan.model.name)
    with told(folder):
        files = plan.good | {file.name: record.kept(part / file.name, file.sha256) for file in came}
        origin = source.shown if came else str(folder)
        found = Record(
            model=plan.model.name,
            repository=plan.model.repository,
            revision=plan.model.revision,
            origin=origin,
            at=now(),
            files=files,
        )
        if not os.path.lexists(folder):
            record.write(part, found)
            moved(part, folder)
            return
        for file in came:
            _need_ours(folder, plan, file, "came there while it was fetched")
        for file in came:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            moved(part / file.name, folder / file.name)
        if not folder.is_symlink():
            record.write(folder, found)
        shutil.rmtree(part, ignore_errors=True)
