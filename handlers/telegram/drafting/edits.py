"""A message that was changed after it was sent changes the draft that it is a part of."""

from __future__ import annotations

from dataclasses import replace

from daemon.chats import Draft, DraftState
from handlers.telegram.content import Content
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.giving import part_of, put, refuse_large, refuse_long
from handlers.telegram.drafting.roles import role_of
from handlers.telegram.incoming import Said
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.talk import Talk


def edited(talk: Talk, said: Said) -> None:
    """Of what we do not know, nothing is said: people correct their old messages for each other, too."""
    draft = _draft_of(talk, said)
    if draft is None or draft.state == DraftState.DROPPED:
        return
    before = Contents.from_json(draft.contents)
    contents = _with_clip(talk, said, _with_text(said, before))
    if contents == before:
        return
    if draft.state not in UNSTARTED:
        talk.show(Content(talk.say("drafting.edited_late")), f"late:{draft.id}")
    elif not refuse_long(talk, contents):
        put(talk, said, draft, contents)


def _draft_of(talk: Talk, said: Said) -> Draft | None:
    """A text that was sent again as a new draft is that one's now."""
    for draft in talk.turn.drafts.recent(talk.where.chat_id):
        contents = Contents.from_json(draft.contents)
        its_own = [contents.reply_to, *(part.message_id for part in contents.script)]
        if draft.user_id == talk.who.id and said.message_id in its_own:
            return draft
    return None


def _with_text(said: Said, contents: Contents) -> Contents:
    ids = [part.message_id for part in contents.script]
    if said.message_id not in ids:
        if contents.script or contents.script_file or not said.text.strip():
            return contents
        return replace(contents, script=(part_of(said),))
    parts = [
        replace(part, text=said.text, beyond=0) if part.message_id == said.message_id else part
        for part in contents.script
    ]
    return replace(contents, script=tuple(part for part in parts if part.text.strip()))


def _with_clip(talk: Talk, said: Said, contents: Contents) -> Contents:
    """The video itself can be exchanged, too. Its id at Telegram may change without that."""
    sent = said.attachment
    file = talk.turn.files.get(contents.clip) if contents.clip and not contents.presenter else None
    if sent is None or file is None or role_of(sent) != "clip":
        return contents
    if (sent.kind, sent.size, sent.seconds) == (file.kind, file.size, file.seconds):
        return contents
    if refuse_large(talk, sent):
        return contents
    return replace(contents, clip=talk.turn.files.add(talk.where.chat_id, "clip", sent).id)
