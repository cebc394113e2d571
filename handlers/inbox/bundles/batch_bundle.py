"""A batch, and the files beside it that its rows name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.inbox.bundles import reasons
from handlers.inbox.bundles.bundle import Bundle, Held, Source
from handlers.inbox.bundles.recipe import Rules, complete
from handlers.inbox.look.scan import Entry
from handlers.inbox.names import Alike, group_key, role_of, stem_of, stem_of_note
from models.errors import BadInput


@dataclass(frozen=True)
class Batch:
    """there: what its rows name and is beside it, and our note about it. missing: what is not."""

    name: str
    there: tuple[Entry, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        rest = (Source(entry.name, role_of(entry.name)) for entry in self.there)
        return Source(self.name, "batch"), *rest

    def trouble(self, at: str) -> Held | None:
        """Why it cannot be taken up as it is. at: what stays, itself or the folder in which it is."""
        if self.missing:
            return reasons.rows_lack(self.name, at, self.missing)
        for entry in self.there:
            if entry.kind != "file":
                return reasons.names_no_file(self.name, at, entry.name)
            if entry.mark.size == 0:
                return reasons.empty(entry.name, at)
        return None


def read_batch(rules: Rules, name: str, path: str, beside: Mapping[str, Entry], alike: Alike) -> Batch:
    """path: of the batch in the inbox. beside: all that lies there, also by `alike`.

    One that cannot be read names nothing: it is for the door to say why.
    """
    try:
        wanted = rules.batch_files(path)
    except (BadInput, OSError):
        return Batch(name)
    there: dict[str, Entry] = {}
    missing: dict[str, None] = {}
    for one in sorted(wanted):
        found = alike.find(one)
        if found is None:
            missing[one] = None
        elif role_of(found) != "batch":  # the door says that such a row makes no sense
            there[found] = beside[found]
    there |= _notes(name, beside)
    return Batch(name, tuple(there.values()), tuple(missing))


def read_batches(rules: Rules, beside: Mapping[str, Entry]) -> list[Batch]:
    """Those in the inbox itself. One that still changes is not read, and names nothing yet."""
    names = sorted(
        name for name, entry in beside.items() if role_of(name) == "batch" and entry.kind == "file"
    )
    alike = Alike(beside)
    return [
        read_batch(rules, name, name, beside, alike)
        if rules.settled(name)
        else Batch(name, tuple(_notes(name, beside).values()))
        for name in names
    ]


def _notes(batch: str, beside: Mapping[str, Entry]) -> dict[str, Entry]:
    """Of ours, about this batch."""
    key = group_key(stem_of(batch))
    return {
        name: entry
        for name, entry in beside.items()
        if role_of(name) == "note" and group_key(stem_of_note(name)) == key
    }


def sort_batches(
    rules: Rules, batches: Sequence[Batch], beside: Mapping[str, Entry], coming: Mapping[str, str]
) -> list[Bundle | Held | None]:
    """coming: name of a file → the temporary name that says that it is not complete."""
    owner: dict[str, str] = {}
    told: list[Bundle | Held | None] = []
    for batch in batches:
        told.append(_sorted(rules, batch, beside, coming, owner))
        for entry in batch.there:
            owner.setdefault(entry.name, batch.name)
    return told


def _sorted(
    rules: Rules,
    batch: Batch,
    beside: Mapping[str, Entry],
    coming: Mapping[str, str],
    owner: Mapping[str, str],
) -> Bundle | Held | None:
    sources = batch.sources
    if not all(rules.settled(source.name) for source in sources):
        return None
    if not beside[batch.name].mark.size:
        return reasons.empty(batch.name, batch.name)
    if trouble := batch.trouble(batch.name):
        return trouble
    for source in sources:
        if source.name in coming:
            return reasons.coming(batch.name, coming[source.name])
        if source.name in owner:
            return reasons.named_twice(batch.name, source.name, owner[source.name])
    entries = [beside[source.name] for source in sources]
    return Bundle(stem_of(batch.name), sources, None, complete(entries))
