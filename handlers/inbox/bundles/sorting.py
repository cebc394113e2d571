"""Which of the files in an inbox belong together, what can be taken up, and why the rest has to stay.

A look is all there is: nothing is remembered from one to the next. What has not settled yet is neither taken
nor held, and neither is what belongs to it.

A batch is read only when it has settled: what goes on changing would be read anew each time. Until then every
file beside it may be one that its rows will name, so none of them is taken up. (Folders are.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from handlers.inbox.bundles import reasons
from handlers.inbox.bundles.batch_bundle import Batch, read_batches, sort_batches
from handlers.inbox.bundles.bundle import Bundle, Held, Role
from handlers.inbox.bundles.folder_bundle import sort_folder
from handlers.inbox.bundles.recipe import UNIQUE, Group, Rules, complete, is_coming, is_part
from handlers.inbox.look.scan import Entry, Found
from handlers.inbox.names import group_key, passing_for, role_of, stem_of, stem_of_note

_GROUPED: tuple[Role, ...] = (*UNIQUE, "note")


class Claimed(NamedTuple):
    """A file that the rows of a batch name."""

    name: str
    batch: str


@dataclass(frozen=True)
class Sorted:
    """bundles: in the order in which they became complete. held: by name."""

    bundles: list[Bundle]
    held: list[Held]


def sort_out(
    found: Mapping[str, Found],
    settled: Callable[[str], bool],
    batch_files: Callable[[str], Collection[str]],
    *,
    presenter: bool,
    patient: Callable[[str], bool],
) -> Sorted:
    """What lies in the inbox, as bundles and as what is held. Junk and passing names are neither.

    settled:     whether a file or folder of the inbox has stopped changing.
    batch_files: names beside a batch (given relative to the inbox, "week/batch.csv") to which its rows refer.
                 Asked only of what has settled. Raises BadInput when it cannot be read; then the batch
                 comes alone.
    presenter:   scripts and recordings may come without a clip.
    patient:     whether this file or folder should still be given time for its clip to come.
    """
    rules = Rules(settled, batch_files, presenter, patient)
    parts = {name: there for name, there in found.items() if is_part(name)}
    entries = {name: there.entry for name, there in parts.items()}
    coming = [name for name in found if name not in parts and is_coming(name)]
    batches = read_batches(rules, entries)
    # Also while the batch is held: what it names belongs to it.
    reserved = {e.name: batch.name for batch in reversed(batches) for e in batch.there if e.kind == "file"}
    files = [e for e in entries.values() if e.kind == "file" and e.name not in reserved]

    told = sort_batches(rules, batches, entries, {str(passing_for(name)): name for name in coming})
    told += [_apart(rules, there) for name, there in parts.items() if name not in reserved]
    waited_for = _by_key(coming)
    claimed = {(group_key(_stem(name)), role_of(name)): Claimed(name, reserved[name]) for name in reserved}
    beside = [
        _group(rules, group, waited_for.get(group_key(group.stem), ()), claimed) for group in _groups(files)
    ]
    told += _until_read(beside, batches, rules)
    return Sorted(
        sorted((one for one in told if isinstance(one, Bundle)), key=lambda one: (one.complete, one.name)),
        sorted((one for one in told if isinstance(one, Held)), key=lambda one: one.name),
    )


def _until_read(
    beside: list[Bundle | Held | None], batches: Sequence[Batch], rules: Rules
) -> list[Bundle | Held | None]:
    """What is taken up, and what is said for good, waits for a batch that is still being written."""
    writing = next((batch.name for batch in batches if not rules.settled(batch.name)), None)
    if writing is None:
        return beside
    return [
        reasons.batch_coming(one.sources[0].name, writing) if isinstance(one, Bundle) else one
        for one in beside
        if isinstance(one, Bundle) or (one and not one.helpless)
    ]


def _apart(rules: Rules, there: Found) -> Bundle | Held | None:
    """A folder, or what no video is made of."""
    name, kind = there.entry.name, there.entry.kind
    if (kind == "file" and role_of(name) != "unknown") or not rules.settled(name):
        return None
    if there.unreadable:
        return reasons.unreadable(name, there.unreadable)
    if kind == "folder":
        return sort_folder(rules, name, there)
    return reasons.unknown(name) if kind == "file" else reasons.no_file(name, kind)


# ---------------------------------------------------------------- files of one stem


def _groups(files: Sequence[Entry]) -> list[Group]:
    """Stems that look alike are one, unless something would be there twice then."""
    by_key: dict[str, list[Entry]] = {}
    for entry in files:
        if role_of(entry.name) in _GROUPED:
            by_key.setdefault(group_key(_stem(entry.name)), []).append(entry)
    groups = []
    for entries in by_key.values():
        group = Group(_called(entries), tuple(entries))
        groups += _split(group) if group.twice else [group]
    return groups


def _split(group: Group) -> list[Group]:
    by_stem: dict[str, list[Entry]] = {}
    for entry in group.files:
        by_stem.setdefault(_stem(entry.name), []).append(entry)
    return [Group(stem, tuple(entries)) for stem, entries in by_stem.items()]


def _group(
    rules: Rules, group: Group, coming: Sequence[str], claimed: Mapping[tuple[str, Role], Claimed]
) -> Bundle | Held | None:
    """coming: temporary names of more files of this stem.

    claimed: what batches name, by the key of its stem and its role.
    """
    sources = group.sources
    first = sources[0]
    if not all(rules.settled(name) for name in (*(s.name for s in sources), *coming)):
        return None
    if first.role == "note":
        return reasons.note(first.name)
    if role := group.twice:
        return reasons.several(role, group.of(role), group.stem)
    if coming:
        return reasons.coming(first.name, coming[0])
    if void := group.empty:
        return reasons.empty(void, void)
    lacking = group.missing(presenter=False)  # its own clip lies there: then it is not the presenter's turn
    if lacking and (there := claimed.get((group_key(group.stem), lacking))):
        return reasons.claimed(first.name, there.name, there.batch)
    if missing := group.missing(rules.presenter):
        return reasons.lacks(first.name, group.stem, missing)
    if not group.of("clip") and rules.patient(first.name):
        return reasons.patient(first.name)
    return Bundle(group.stem, sources, None, complete(group.files))


def _called(entries: Sequence[Entry]) -> str:
    """Of several ways to write the stem, that of the script, else of the clip, and so on."""
    return _stem(min((_GROUPED.index(role_of(entry.name)), entry.name) for entry in entries)[1])


def _stem(name: str) -> str:
    return stem_of_note(name) if role_of(name) == "note" else stem_of(name)


def _by_key(coming: Sequence[str]) -> dict[str, list[str]]:
    """The key of a stem → the temporary names of files that will have it."""
    by_key: dict[str, list[str]] = {}
    for name in coming:
        by_key.setdefault(group_key(stem_of(str(passing_for(name)))), []).append(name)
    return by_key
