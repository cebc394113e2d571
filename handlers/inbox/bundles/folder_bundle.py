"""A folder in the inbox: one video, or one batch. It is taken up whole, with whatever else is in it."""

from __future__ import annotations

from handlers.inbox.bundles import reasons
from handlers.inbox.bundles.batch_bundle import read_batch
from handlers.inbox.bundles.bundle import Bundle, Held, Source
from handlers.inbox.bundles.recipe import Group, Rules, complete, is_coming, is_part
from handlers.inbox.look.scan import Found
from handlers.inbox.names import Alike


def sort_folder(rules: Rules, folder: str, there: Found) -> Bundle | Held:
    """Only its own level counts. Junk goes along, and so do files of unknown kinds, unused."""
    if there.too_much:
        return reasons.too_much(folder)
    own = {entry.name: entry for entry in there.inner if "/" not in entry.name}
    if on_their_way := sorted(name for name in own if is_coming(name)):
        return reasons.coming(folder, on_their_way[0])
    parts = [entry for name, entry in own.items() if is_part(name)]
    if not parts:
        return reasons.nothing_within(folder)
    for entry in parts:
        if entry.kind == "folder":
            return reasons.nested(folder, entry.name)
        if entry.kind != "file":
            return reasons.no_file(entry.name, entry.kind, folder)
    group = Group(folder, tuple(parts))
    sources = _batch(rules, group) if group.of("batch") else _video(rules, group)
    if isinstance(sources, Held):
        return sources
    return Bundle(folder, sources, folder, complete((there.entry, *there.inner)))


def _video(rules: Rules, group: Group) -> tuple[Source, ...] | Held:
    folder = group.stem
    if role := group.twice:
        return reasons.several_within(role, group.of(role), folder)
    if void := group.empty:
        return reasons.empty(void, folder)
    if missing := group.missing(rules.presenter):
        return reasons.lacks_within(folder, missing)
    if not group.of("clip") and rules.patient(folder):
        return reasons.patient(folder)
    return group.sources


def _batch(rules: Rules, group: Group) -> tuple[Source, ...] | Held:
    folder, batches = group.stem, group.of("batch")
    if len(batches) > 1:
        return reasons.several_within("batch", batches, folder)
    if options := group.of("options"):
        return reasons.options_beside_batch(folder, options[0])
    beside = {entry.name: entry for entry in group.files}
    if not beside[batches[0]].mark.size:
        return reasons.empty(batches[0], folder)
    batch = read_batch(rules, batches[0], f"{folder}/{batches[0]}", beside, Alike(beside))
    notes = tuple(Source(name, "note") for name in group.of("note"))
    return batch.trouble(folder) or (*batch.sources, *notes)
