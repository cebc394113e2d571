"""What an inbox looks like while no daemon watches it: one look, which changes nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from daemon.config import InboxSettings
from daemon.jobs import iso
from daemon.queue import Queue
from handlers.inbox.bundles.bundle import Held
from handlers.inbox.bundles.sorting import sort_out
from handlers.inbox.contents import batch
from handlers.inbox.ledger import Ledger
from handlers.inbox.look.scan import Found, scan
from handlers.inbox.names import shown
from handlers.inbox.places import Places


def glance(settings: InboxSettings, queue: Queue) -> dict[str, Any]:
    """As `Inbox.status`. Raises Unavailable as Database does."""
    ledger = Ledger(queue)
    places = Places.of(settings)
    found, why = _look(places)
    there = sort_out(
        found,
        lambda _: True,
        lambda name: batch.files_named(places.root / name),
        presenter=settings.presenter is not None,
        patient=lambda _: False,
    )
    ready = [
        Held(
            bundle.folder or bundle.sources[0].name, f"{shown(bundle.name)} is taken up when the daemon runs"
        )
        for bundle in there.bundles
    ]
    return {
        "name": settings.name,
        "path": str(settings.path),
        "state": "not watched",
        "why": why,
        "way": "",
        "arriving": [],
        "held": [_held_json(held, found) for held in (*ready, *there.held)],
        "at_work": ledger.at_work(settings.name),
        "counts": ledger.counts(settings.name),
    }


def _look(places: Places) -> tuple[dict[str, Found], str]:
    try:
        return scan(places.root, places.ours), ""
    except FileNotFoundError:
        return {}, f"The folder {places.root} is not there; the daemon makes it when it starts"
    except OSError as e:
        return {}, f"The inbox {places.root} cannot be read: {e.strerror}"


def _held_json(held: Held, found: dict[str, Found]) -> dict[str, Any]:
    came = dt.datetime.fromtimestamp(found[held.name].entry.mark.ctime_ns / 1e9, dt.UTC)
    return {"name": shown(held.name), "why": held.why, "hint": held.hint, "since": iso(came)}
