"""/new: what is being put together is dropped; "/new Good morning." begins with that."""

from __future__ import annotations

from dataclasses import replace

from daemon.chats import DraftState
from handlers.telegram.drafting.said import said as taken
from handlers.telegram.drafting.showing import show
from handlers.telegram.incoming import Said
from handlers.telegram.talk import Talk


def new(talk: Talk, said: Said) -> None:
    dropped = _drop(talk)
    if said.argument or said.attachment:
        taken(talk, replace(said, command="", argument="", text=said.argument))
    else:
        talk.answer("new.dropped" if dropped else "new.begin")


def _drop(talk: Talk) -> bool:
    """Whether there was one. All of this person's: the next script would go into an older one otherwise."""
    drafts = [
        draft
        for draft in talk.turn.drafts.recent(talk.where.chat_id)
        if draft.user_id == talk.who.id and draft.state == DraftState.OPEN
    ]
    for draft in drafts:
        talk.turn.drafts.set_state(draft, DraftState.DROPPED)
        show(talk.turn, talk.house, draft)
    return bool(drafts)
