"""What a person was asked for is what their next message is taken for, once; a command ends it.

AWAITED["presenter"] = named          # def named(talk: Talk, said: Said, awaited: dict[str, Any]) -> None
talk.wait_for({"what": "presenter", "file": …})
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.chats import Draft, DraftState
from daemon.voice_choice import DEFAULT_VOICE
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.drafting import changed
from handlers.telegram.drafting.giving import give_script, give_script_file
from handlers.telegram.drafting.roles import role_of
from handlers.telegram.drafting.showing import show, take_away
from handlers.telegram.incoming import Said
from handlers.telegram.names import clean
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.talk import Talk
from models.errors import BadInput
from models.voice_names import NAME_CHARS, RESERVED, checked_name, same_name
from pipeline.spec import TONE_CHARS

TITLE_CHARS = 200

# False: that is not what was asked for, and it is taken as anything else that is said.
Take = Callable[[Talk, Said, dict[str, Any]], bool | None]


def expected(talk: Talk, said: Said) -> bool:
    """Whether it was what this person was asked for. Whatever it is, they are not asked any more."""
    if said.edited:
        return False
    awaited = stop_waiting(talk)
    take = AWAITED.get(awaited["what"]) if awaited else None
    return awaited is not None and take is not None and take(talk, said, awaited) is not False


def stop_waiting(talk: Talk) -> dict[str, Any] | None:
    """Nothing special is expected of this person any more; returns what was. For commands, too."""
    awaited = talk.turn.people.awaited(talk.where.chat_id, talk.who.id)
    if awaited is None:
        return None
    talk.wait_for(None)
    if (draft := _open(talk, awaited)) is not None:
        show(talk.turn, talk.house, draft)
    return awaited


def _line(option: str, limit: int) -> Take:
    """An option that the person writes in one line."""

    def take(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
        draft, line = _open(talk, awaited), " ".join(said.text.split())
        if draft is None or said.attachment or not line:
            return False
        if len(line) > limit:
            talk.answer(f"drafting.{option}_long", limit=limit)
            return True
        talk.turn.drafts.change(draft, Contents.from_json(draft.contents).with_options(**{option: line}))
        changed(talk.turn, talk.house, draft, answer=True)
        return True

    return take


def _take_script(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    draft = _open(talk, awaited)
    if draft is None:
        return False
    if said.attachment is None and said.text.strip():
        give_script(talk, said, draft)
        return True
    if said.attachment is not None and role_of(said.attachment) == "script":
        give_script_file(talk, said, draft)
        return True
    return False


def _take_voice(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    """The name under which a recording is kept."""
    draft, name = _open(talk, awaited), clean(said.text)
    if draft is None or said.attachment or not name:
        return False
    if wrong := _wrong_name(talk, name):
        talk.answer(f"drafting.{wrong}", name=name, limit=NAME_CHARS)
        talk.wait_for(awaited)
        show(talk.turn, talk.house, draft)
        return True
    name = checked_name(name)
    talk.turn.errands.add(
        f"keep:{awaited['file']}",
        "keep",
        file=awaited["file"],
        name=name,
        chat_id=draft.chat_id,
        language=draft.language,
        thread_id=draft.thread_id,
    )
    talk.answer("drafting.keeping", name=name)
    put_sound_away(talk, draft)
    return True


def _wrong_name(talk: Talk, name: str) -> str:
    """What is to be said of it; "" when a voice can be kept under this name."""
    others = (c for c in talk.house.choices().voices if c.chat_id != talk.where.chat_id)
    if any(same_name(name, other) for other in (*(c.name for c in others), DEFAULT_VOICE, *RESERVED)):
        return "voice_taken"
    if len(name) > NAME_CHARS:
        return "voice_long"
    try:
        checked_name(name)
    except BadInput:
        return "voice_letters"
    return ""


def put_sound_away(talk: Talk, draft: Draft) -> None:
    """The recording is no part of the draft. One of which nothing is left is dropped without a word."""
    contents = replace(Contents.from_json(draft.contents), sound=None)
    talk.turn.drafts.change(draft, contents)
    if contents.files or contents.script:
        changed(talk.turn, talk.house, draft)
    else:
        talk.turn.drafts.set_state(draft, DraftState.DROPPED)
        take_away(talk.turn, draft)


def _open(talk: Talk, awaited: dict[str, Any]) -> Draft | None:
    draft = talk.turn.drafts.get(str(awaited.get("draft", "")))
    return draft if draft is not None and draft.state in UNSTARTED else None


AWAITED: dict[str, Take] = {
    "title": _line("title", TITLE_CHARS),
    "tone": _line("tone", TONE_CHARS),
    "script": _take_script,
    "voice": _take_voice,
}
