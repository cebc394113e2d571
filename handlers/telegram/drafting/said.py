"""What people send that is no command."""

from __future__ import annotations

from handlers.telegram.drafting.awaited import expected
from handlers.telegram.drafting.edits import edited
from handlers.telegram.drafting.giving import give_clip, give_script_file, give_sound, give_text
from handlers.telegram.drafting.roles import role_of
from handlers.telegram.incoming import Said
from handlers.telegram.talk import Talk

_GIVE = {"clip": give_clip, "script": give_script_file, "sound": give_sound}


def said(talk: Talk, said: Said) -> None:
    """Who may say something to the bot at all was looked at before."""
    if expected(talk, said):
        return
    if said.edited:
        edited(talk, said)
    elif said.attachment is None:
        give_text(talk, said)
    elif (role := role_of(said.attachment)) is not None:
        _GIVE[role](talk, said)
    else:
        known = said.attachment.kind == "document"
        talk.answer("drafting.unusable_document" if known else "drafting.unusable")
