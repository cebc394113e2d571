"""/presenters: the clips that this chat keeps. One of them may be the chat's own: then a script is enough.

presenters:OWNER:WHAT.NUMBER        WHAT: use, remove (asks), forget (does it), keep (the last clip)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.chats import ChatFile, FileState, Presenter
from handlers.telegram.buttons import Press, press
from handlers.telegram.content import Button, Content
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.awaited import AWAITED
from handlers.telegram.incoming import Said
from handlers.telegram.names import clean
from handlers.telegram.owning import mine
from handlers.telegram.pages import number
from handlers.telegram.talk import Talk

NAME_CHARS = 40
MOST = 30  # in a chat: each is a row of buttons


def presenters(talk: Talk, said: Said) -> None:
    talk.show(card(talk, talk.who.id))


def card(talk: Talk, owner: int) -> Content:
    """owner: who may press its buttons."""

    def data(what: str) -> str:
        return press("presenters", owner, what)

    kept, chosen = talk.turn.files.presenters(talk.where.chat_id), talk.settings.presenter
    rows = [
        (
            Button(("✓ " if p.name == chosen else "") + p.name, data(f"use.{p.number}")),
            Button("🗑", data(f"remove.{p.number}")),
        )
        for p in kept
    ]
    keep = talk.button("presenters.keep", data("keep"))
    back = talk.button("settings.back", press("settings", owner))
    text = talk.say("presenters.some" if kept else "presenters.none")
    return Content(text, (*rows, (keep,), (back,)))


def _pressed(talk: Talk, pressed: Press) -> None:
    owner = number(pressed.about)
    if not mine(talk, owner):
        return
    what, _, which = pressed.argument.partition(".")
    if what == "keep":
        _ask_name(talk)
        return
    if what:
        there = talk.turn.files.presenters(talk.where.chat_id)
        presenter = next((p for p in there if p.number == number(which)), None)
        if presenter is None:
            talk.tell("presenters.gone")
        elif what == "remove":
            talk.replace(_ask_whether(talk, owner, presenter))
            return
        elif what == "forget":
            _forget(talk, presenter)
        else:
            _use(talk, presenter)
    talk.replace(card(talk, owner))


def _use(talk: Talk, presenter: Presenter) -> None:
    """The chat's own; pressed once more, it is not."""
    name = None if talk.settings.presenter == presenter.name else presenter.name
    talk.choose(replace(talk.settings, presenter=name))
    talk.tell("presenters.chosen" if name else "presenters.unchosen", name=presenter.name)


def _ask_whether(talk: Talk, owner: int, presenter: Presenter) -> Content:
    yes = talk.button("presenters.remove", press("presenters", owner, f"forget.{presenter.number}"))
    no = talk.button("presenters.back", press("presenters", owner))
    return Content(talk.say("presenters.really", name=presenter.name), ((yes, no),))


def _forget(talk: Talk, presenter: Presenter) -> None:
    if talk.settings.presenter == presenter.name:
        talk.choose(replace(talk.settings, presenter=None))
    talk.tell("presenters.removed", name=presenter.name)
    talk.turn.files.forget(presenter)


# ---------------------------------------------------------------- a new one


def _ask_name(talk: Talk) -> None:
    clip = _last_clip(talk)
    if clip is None:
        talk.tell("presenters.no_clip", alarm=True)
    elif clip.state == FileState.WANTED:
        talk.tell("presenters.fetching", alarm=True)
    elif len(talk.turn.files.presenters(talk.where.chat_id)) >= MOST:
        talk.tell("presenters.full", alarm=True, most=MOST)
    else:
        talk.wait_for({"what": "presenter", "file": clip.id})
        talk.answer("presenters.name" if talk.where.private else "presenters.name_in_group")


def _last_clip(talk: Talk) -> ChatFile | None:
    """That this person sent here last, and that could be had."""
    for draft in talk.turn.drafts.recent(talk.where.chat_id):
        clip = Contents.from_json(draft.contents).clip
        file = talk.turn.files.get(clip) if clip and draft.user_id == talk.who.id else None
        if file is not None and file.state != FileState.REFUSED:
            return file
    return None


def _take_name(talk: Talk, said: Said, awaited: dict[str, Any]) -> bool:
    name = clean(said.text)
    file = talk.turn.files.get(awaited["file"])
    if said.attachment is not None or not name or file is None or file.chat_id != talk.where.chat_id:
        return False
    if len(name) > NAME_CHARS:
        talk.answer("presenters.long", most=NAME_CHARS)
        talk.wait_for(awaited)
        return True
    talk.turn.files.keep(talk.where.chat_id, name, file.id)
    if talk.settings.presenter is None:
        talk.choose(replace(talk.settings, presenter=name))
    kept = card(talk, talk.who.id)
    talk.show(replace(kept, text=talk.say("presenters.kept", name=name)))
    return True


PRESSES: dict[str, Callable[[Talk, Press], None]] = {"presenters": _pressed}
AWAITED["presenter"] = _take_name
