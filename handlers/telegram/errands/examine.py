"""Has the door look at a draft."""

from __future__ import annotations

from typing import Any

from daemon.chats import ChatFile, Draft, Errand, FileState
from daemon.engines.roster import EngineAway
from handlers.inbox.names import shown
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.drafting import drafting
from handlers.telegram.drafting.length import over_limit
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.store.ledger import Turn
from models.errors import BadInput, ProcessDied, Unavailable, VigentdError

NAME_CHARS = 60
LIMIT_S = 60.0  # for one look; what takes longer was made to take long


async def examine(work: Work, errand: Errand) -> None:
    """facts: draft: its id."""
    house = work.house
    asked = await work.look(lambda turn: _asked(turn, house, errand.facts["draft"]))
    if asked is None:
        await work.finish(errand)
        return
    draft, files, question = asked
    if refused := next((file for file in files.values() if file.state == FileState.REFUSED), None):
        found = Findings(draft.version, error=refused.error)
    elif missing := await work.blocking(_missing, house, files):
        await work.finish(errand, lambda turn: _fetch_again(turn, house, draft.id, missing))
        return
    elif any(file.state != FileState.HERE for file in files.values()):
        await work.finish(errand)  # it is looked at when they have come
        return
    else:
        found = await _look(work, draft, question)
    await work.finish(errand, lambda turn: _examined(turn, house, draft.id, found))


def given_up(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    draft = turn.drafts.get(errand.facts["draft"])
    if draft is not None:
        drafting.examined(turn, house, draft, Findings(draft.version, error=error.as_dict()))


async def _look(work: Work, draft: Draft, question: dict[str, Any]) -> Findings:
    try:
        told = await work.door("examine:examine", question | {"config": work.config}, LIMIT_S)
    except (EngineAway, ProcessDied):
        raise  # that says nothing about the draft
    except (BadInput, Unavailable) as e:
        return Findings(draft.version, error=e.as_dict())
    return Findings(
        draft.version,
        spec=told["spec"],
        seconds=told["seconds"],
        clip=told["clip"],
        script=told["script"],
        notes=tuple(told["notes"]),
        options=told["options"],
        face=told["face"],
        error=told["wrong"],
    )


def _asked(
    turn: Turn, house: House, draft_id: str
) -> tuple[Draft, dict[str, ChatFile], dict[str, Any]] | None:
    """The draft, its files by what they are in it, the question for the door; None: nobody asks any more."""
    draft = turn.drafts.get(draft_id)
    if draft is None or draft.state not in UNSTARTED:
        return None
    contents = Contents.from_json(draft.contents)
    if over_limit(contents, house.config.limits.script_chars):
        return None  # that was said at once
    ids = {"clip": contents.clip, "script": contents.script_file, "speech": contents.speech}
    files = {role: file for role, name in ids.items() if name and (file := turn.files.get(name))}
    paths = {role: str(house.places.file(file)) for role, file in files.items()}
    names = {role: called(file) for role, file in files.items()}
    question = {
        "chat_id": draft.chat_id,
        "script": contents.text or None,
        "script_file": {"path": paths["script"], "name": names["script"]} if "script" in files else None,
        "clip": paths.get("clip"),
        "speech": paths.get("speech"),
        "names": names,
        "face": _face_of(turn, draft.chat_id, contents.clip),
        "preset": turn.people.settings(draft.chat_id).options,
        "options": contents.options,
    }
    return draft, files, question


def _face_of(turn: Turn, chat_id: int, clip: str | None) -> bool | None:
    """Whether there is a face in this clip, if that was looked for already, for whatever video."""
    for draft in turn.drafts.recent(chat_id) if clip else ():
        findings = Findings.from_json(draft.findings) if draft.findings else None
        if findings is not None and findings.of_clip == clip and findings.face is not None:
            return findings.face
    return None


def called(file: ChatFile) -> str:
    """As its sender calls it, fit for a sentence; "" when it has no name."""
    return shown(file.name.strip())[:NAME_CHARS]


def _missing(house: House, files: dict[str, ChatFile]) -> list[str]:
    """Those that should be here and are not: somebody removed them by hand."""
    here = (file for file in files.values() if file.state == FileState.HERE)
    return [file.id for file in here if not house.places.file(file).is_file()]


def _fetch_again(turn: Turn, house: House, draft_id: str, missing: list[str]) -> None:
    for file_id in missing:
        file = turn.files.get(file_id)
        if file is not None and file.state == FileState.HERE:
            turn.files.removed(file)
    draft = turn.drafts.get(draft_id)
    if draft is not None:
        drafting.changed(turn, house, draft, keep=True)


def _examined(turn: Turn, house: House, draft_id: str, found: Findings) -> None:
    draft = turn.drafts.get(draft_id)
    if draft is not None:
        drafting.examined(turn, house, draft, found)
