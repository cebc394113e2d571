"""Fetches a file that somebody sent. What wanted it is looked at again."""

from __future__ import annotations

from daemon.chats import ChatFile, Errand, FileState
from daemon.disk.housekeeping import room
from handlers.telegram import download
from handlers.telegram.draft import Contents
from handlers.telegram.drafting import drafting
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import BadInput, Unavailable, VigentdError


async def fetch(work: Work, errand: Errand) -> None:
    """facts: file: its id."""
    house, file_id = work.house, errand.facts["file"]
    file = await work.look(lambda turn: turn.files.get(file_id))
    if file is None or file.state != FileState.WANTED:
        await work.finish(errand)
        return
    try:
        size = await _fetched(work, file)
    except BadInput as e:
        refusal = e
        await work.finish(errand, lambda turn: refused(turn, house, file_id, refusal))
        return
    await work.finish(errand, lambda turn: _here(turn, house, file_id, size))


def refused(turn: Turn, house: House, file_id: str, error: VigentdError) -> None:
    """It cannot be had: the cards say so."""
    file = turn.files.get(file_id)
    if file is not None:
        turn.files.refuse(file, error)
        _tell(turn, house, file_id)


def given_up(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    refused(turn, house, errand.facts["file"], error)


async def _fetched(work: Work, file: ChatFile) -> int:
    house = work.house
    target, limit = house.places.file(file), house.limits.download
    if file.size is not None and file.size > limit:
        raise BadInput(
            f"The file has {file.size / 1e6:.0f} MB, and bots may fetch {limit / 1e6:.0f} MB",
            code="file_too_large",
            hint="Send a shorter or a smaller one.",
        )
    if why := await work.blocking(_no_room, work):
        raise Unavailable(why, code="disk_low")
    local = house.config.telegram.local_mode
    return await download.fetch(work.bot, file.file_id, target, limit, local)


def _no_room(work: Work) -> str:
    target = work.house.places.root / "files"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    return room(work.house.config)


def _here(turn: Turn, house: House, file_id: str, size: int) -> None:
    file = turn.files.get(file_id)
    assert file is not None, "files are never deleted from the database"
    turn.files.here(file, size)
    _tell(turn, house, file_id)


def _tell(turn: Turn, house: House, file_id: str) -> None:
    """Whoever waited for it goes on."""
    for draft in turn.drafts.unstarted():
        if file_id in Contents.from_json(draft.contents).files:
            drafting.changed(turn, house, draft)
    for errand in turn.errands.to_do():
        if errand.kind == "keep" and errand.facts["file"] == file_id and errand.number is not None:
            turn.errands.later(errand.number, turn.now)
