"""Draws how the video of a draft will look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.chats import Draft, Errand
from daemon.engines.roster import EngineAway
from handlers.telegram.draft import Contents, Findings
from handlers.telegram.drafting import drafting
from handlers.telegram.errands.examine import called
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.store.ledger import Turn
from models.errors import ProcessDied, VigentdError


async def preview(work: Work, errand: Errand) -> None:
    """facts: draft: its id. What cannot be drawn is no reason not to make the video."""
    house = work.house
    asked = await work.look(lambda turn: _asked(turn, errand.facts["draft"]))
    if asked is None:
        await work.finish(errand)
        return
    draft, version, question = asked
    picture: Path | None = house.places.preview(draft.id, version)
    try:
        await work.door("preview:preview", question | {"config": work.config, "out": str(picture)})
    except (EngineAway, ProcessDied):
        raise
    except VigentdError as e:
        house.log.warning("telegram_no_preview", draft=draft.id, **e.as_dict())
        picture = None
    await work.finish(errand, lambda turn: _previewed(turn, house, draft.id, version, picture))


def given_up(turn: Turn, house: House, errand: Errand, error: VigentdError) -> None:
    """The card stays without a picture."""
    draft = turn.drafts.get(errand.facts["draft"])
    if draft is not None and draft.findings is not None:
        drafting.previewed(turn, house, draft, Findings.from_json(draft.findings).version, None)


def _asked(turn: Turn, draft_id: str) -> tuple[Draft, int, dict[str, Any]] | None:
    """None: there is nothing to be drawn."""
    draft = turn.drafts.get(draft_id)
    findings = Findings.from_json(draft.findings) if draft and draft.findings else None
    if draft is None or findings is None or findings.spec is None:
        return None
    clip = Contents.from_json(draft.contents).clip
    file = turn.files.get(clip) if clip else None
    question = {"spec": findings.spec, "names": {"clip": called(file) if file else ""}}
    return draft, findings.version, question


def _previewed(turn: Turn, house: House, draft_id: str, version: int, picture: Path | None) -> None:
    draft = turn.drafts.get(draft_id)
    if draft is not None:
        drafting.previewed(turn, house, draft, version, str(picture) if picture else None)
