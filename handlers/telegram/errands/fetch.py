"""Fetches a file that somebody sent. What wanted it is looked at again."""

from __future__ import annotations

from daemon.chats import ChatFile, Errand, FileState
from daemon.disk.housekeeping import room
from handlers.telegram import download
from handlers.telegram.draft import Contents
from handlers.telegram.drafting import drafting
from handlers.telegram.drafting.showing import show
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import BadInput, Unavailable, VigentdError

TOLD_AFTER = 3  # tries, in some ten seconds: then the person is told why
# What does not pass by itself, and what it is called once it is given up.
LASTING = {
    "file_elsewhere": "file_elsewhere",
    "file_missing": "file_gone",
    "disk_low": "disk_low",
    "disk_full": "disk_full",
    "disk_failed": "disk_failed",
}


async def fetch(work: Work, errand: Errand) -> None:
    """facts: file: its id."""
    house, file_id = work.house, errand.facts["file"]
    file = await work.look(lambda turn: turn.files.get(file_id))
    if file is None or file.state != FileState.WANTED:
        await work.finish(errand)
        return
    try:
        size = await _fetched(work, file)
    except Unavailable as e:
        if errand.attempts < TOLD_AFTER:
            raise
        if e.code not in LASTING:
            await work.blocking(_delayed, house, file_id, e)
            raise
        refusal: VigentdError = BadInput(e.message, code=LASTING[e.code], hint=e.hint)
        await work.finish(errand, lambda turn: refused(turn, house, file_id, refusal))
        return
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


def _delayed(house: House, file_id: str, error: VigentdError) -> None:
    """It is tried again, and the cards say why it takes so long."""
    with house.ledger.turn() as turn:
        file = turn.files.get(file_id)
        if file is not None and file.state == FileState.WANTED and file.error != error.as_dict():
            file.error = error.as_dict()
            turn.files.used(file)
            for draft in turn.drafts.unstarted():
                if file_id in Contents.from_json(draft.contents).files:
                    show(turn, house, draft, keep=True)


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
    file.error = None
    turn.files.here(file, size)
    _tell(turn, house, file_id)


def _tell(turn: Turn, house: House, file_id: str) -> None:
    """Whoever waited for it goes on."""
    for draft in turn.drafts.unstarted():
        if file_id in Contents.from_json(draft.contents).files:
            drafting.changed(turn, house, draft, keep=True)
    for errand in turn.errands.to_do():
        if errand.kind == "keep" and errand.facts["file"] == file_id and errand.number is not None:
            turn.errands.later(errand.number, turn.now)
