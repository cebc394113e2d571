"""Removes what nobody needs any more: drafts that were left lying, and files that nothing refers to."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daemon.chats import ChatMessage, DraftState, Errand, FileState
from daemon.jobs import FINISHED
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.showing import show
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import VigentdError
from pipeline.workspace import remove

MESSAGE_DAYS = 30
DRAFT_DAYS = 7
MADE_DAYS = 1  # previews and listens: sent at once, or not at all
STRANGE_DAYS = 1  # what a process that was killed has left


async def tidy(work: Work, errand: Errand) -> None:
    """facts: none."""
    house = work.house
    await work.finish(errand, lambda turn: _tidy(turn, house))


def given_up(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    """It is wanted again before long."""


def _tidy(turn: Turn, house: House) -> None:
    for draft in turn.drafts.unstarted():
        if dt.datetime.fromisoformat(draft.changed_at) < turn.now - dt.timedelta(days=DRAFT_DAYS):
            turn.drafts.set_state(draft, DraftState.DROPPED)
            show(turn, house, draft)
    turn.messages.forget(turn.now - dt.timedelta(days=MESSAGE_DAYS))
    days = house.config.disk.work_days
    if days:
        _files(turn, house, turn.now - dt.timedelta(days=days))
    in_use = _shown_soon(turn) | _pictures(turn)
    root = house.places.root
    _made(root / "previews", in_use, turn.now - dt.timedelta(days=MADE_DAYS))
    _made(root / "listens", in_use, turn.now - dt.timedelta(days=MADE_DAYS))
    if days:
        _made(root / "results", in_use, turn.now - dt.timedelta(days=days))


def _files(turn: Turn, house: House, before: dt.datetime) -> None:
    """Of the chats. The transaction is open all the while, so nobody begins to use one meanwhile."""
    for file in turn.files.unused_since(before, _needed(turn)):
        remove(house.places.file(file))
        turn.files.removed(file)
    strange = turn.now - dt.timedelta(days=STRANGE_DAYS)
    for path in _older(house.places.root / "files", strange):
        known = turn.files.get(path.name.partition(".")[0])
        if known is None or known.state not in (FileState.HERE, FileState.WANTED):
            remove(path)


def _needed(turn: Turn) -> set[str]:
    """By drafts that may still be started, jobs that are not finished, and voices that are to be kept."""
    needed = {errand.facts["file"] for errand in turn.errands.to_do() if "file" in errand.facts}
    for draft in turn.drafts.unstarted():
        needed |= set(Contents.from_json(draft.contents).files)
    for link, row in turn.jobs.untold():
        draft_of = turn.drafts.get(link.draft_id)
        if row.state not in FINISHED and draft_of is not None:
            needed |= set(Contents.from_json(draft_of.contents).files)
    return needed


def _pictures(turn: Turn) -> set[str]:
    """Previews on cards that may be drawn anew with other words."""
    found = (draft.findings.get("preview") for draft in turn.drafts.unstarted() if draft.findings)
    return {path for path in found if path}


def _shown_soon(turn: Turn) -> set[str]:
    """Files of messages that are still to be sent."""
    rows: list[ChatMessage] = [*turn.messages.to_do(), *turn.messages.interrupted()]
    contents = [row.wanted for row in rows if row.wanted]
    named = [content["file"] for content in contents] + [c["facts"].get("thumbnail") for c in contents]
    return {path for path in named if path}


def _made(folder: Path, in_use: set[str], before: dt.datetime) -> None:
    for path in _older(folder, before):
        if str(path) not in in_use:
            remove(path)


def _older(folder: Path, before: dt.datetime) -> Iterator[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in list(entries):
            with suppress(FileNotFoundError):  # it was being written, and has its name by now
                if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                    yield Path(entry.path)
