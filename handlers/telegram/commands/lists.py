"""/voices, /styles, /music: what there is. A press makes it the choice of this chat.

    browse:OWNER:WHAT.PAGE    pick:OWNER:WHAT.WORD    listen:OWNER:WHAT.WORD    sample:OWNER:WHAT.WORD

WHAT: an option of a video, of choosing.PICKED. WORD: stands for a name, which may be too long for a button.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemon.chats import DraftState
from handlers.telegram.buttons import Press, press
from handlers.telegram.choices import NONE, Choice
from handlers.telegram.content import Button, Content
from handlers.telegram.drafting.choosing import PICKED, label, values
from handlers.telegram.drafting.drafting import changed
from handlers.telegram.incoming import Said
from handlers.telegram.owning import mine
from handlers.telegram.pages import Pages, number, turns
from handlers.telegram.talk import Talk

PAGE = 8
SOUNDS = ("voice", "music")  # can be listened to
LOOKS = {"subtitles": "title_style", "title_style": "subtitles"}  # and the list beside it


def voices(talk: Talk, said: Said) -> None:
    talk.show(listed(talk, talk.who.id, "voice"))


def styles(talk: Talk, said: Said) -> None:
    talk.show(listed(talk, talk.who.id, "subtitles"))


def music(talk: Talk, said: Said) -> None:
    talk.show(listed(talk, talk.who.id, "music"))


def chosen(talk: Talk, what: str) -> Any:
    """What a new video of this chat begins with."""
    usual = talk.house.config.defaults.model_dump()
    return talk.settings.options.get(what, usual.get(what))


def listed(talk: Talk, owner: int, what: str, page: int = 0) -> Content:
    """owner: who may press its buttons."""
    there, now = values(what, talk.choices), chosen(talk, what)
    pages = Pages(len(there), PAGE, page)
    on_page = [(value, label(talk.language, what, value)) for value in there[pages.first :][:PAGE]]
    about = [
        talk.say("list.about", name=name, about=words)
        for value, name in on_page
        if (words := _about(talk, what, value))
    ]
    rows = [
        (
            Button("✓ " * (value == now) + name, _data("pick", owner, what, value)),
            *_beside(talk, owner, what, value),
        )
        for value, name in on_page
    ]
    if (other := LOOKS.get(what)) is not None:
        last = [talk.button(f"list.to_{other}", press("browse", owner, f"{other}.0"))]
    else:
        last = []
    last.append(talk.button("settings.back", press("settings", owner)))
    turning = turns(pages, lambda turned: press("browse", owner, f"{what}.{turned}"))
    return Content("\n".join((talk.say(f"list.{what}"), *about)), (*rows, *turning, tuple(last)))


def _beside(talk: Talk, owner: int, what: str, value: Any) -> tuple[Button, ...]:
    if value == NONE:
        return ()
    if what in SOUNDS:
        return (talk.button("list.listen", _data("listen", owner, what, value)),)
    return (talk.button("list.sample", _data("sample", owner, what, value)),) if what in LOOKS else ()


def _about(talk: Talk, what: str, name: Any) -> str:
    choices = talk.choices
    of: dict[str, tuple[Choice, ...]] = {
        "voice": choices.voices, "music": choices.music,
        "subtitles": choices.subtitles, "title_style": choices.titles,
    }  # fmt: skip
    return next((choice.about for choice in of.get(what, ()) if choice.name == name), "")


# ---------------------------------------------------------------- buttons


def _data(verb: str, owner: int, what: str, value: Any) -> str:
    return press(verb, owner, f"{what}.{_word(value)}")


def _word(value: Any) -> str:
    """Places in a list would change with the list."""
    return hashlib.sha256(str(value).encode()).hexdigest()[:12]


def _browse(talk: Talk, pressed: Press) -> None:
    what, _, page = pressed.argument.partition(".")
    owner = number(pressed.about)
    if mine(talk, owner) and what in PICKED:
        talk.replace(listed(talk, owner, what, number(page)))


def _pick(talk: Talk, pressed: Press) -> None:
    found = _meant(talk, pressed)
    if found is None:
        return
    what, value, place = found
    talk.choose(replace(talk.settings, options=talk.settings.options | {what: value}))
    talk.tell("list.chosen", name=label(talk.language, what, value))
    talk.replace(listed(talk, number(pressed.about), what, place // PAGE))
    draft = talk.turn.drafts.current(talk.where.chat_id, talk.who.id)
    if draft is not None and draft.state == DraftState.OPEN:
        changed(talk.turn, talk.house, draft)  # what is not chosen for itself is as the chat has it


def _listen(talk: Talk, pressed: Press) -> None:
    found = _meant(talk, pressed)
    if found is None or found[0] not in SOUNDS:
        return
    what, name, _ = found
    chat_id = talk.where.chat_id
    reply_to = None if talk.where.private else talk.message_id
    talk.turn.errands.add(
        f"listen:{chat_id}:{what}:{name}", "listen", what=what, name=name, reply_to=reply_to, **_place(talk)
    )
    talk.tell("list.listening")


def _sample(talk: Talk, pressed: Press) -> None:
    found = _meant(talk, pressed)
    if found is None or found[0] not in LOOKS:
        return
    key = f"sample:{talk.where.chat_id}:{found[1]}"
    talk.turn.errands.add(key, "sample", style=found[1], **_place(talk))
    talk.tell("list.drawing")


def _place(talk: Talk) -> dict[str, Any]:
    return {"chat_id": talk.where.chat_id, "thread_id": talk.where.thread_id, "language": talk.language}


def _meant(talk: Talk, pressed: Press) -> tuple[str, Any, int] | None:
    """The option, its value, and its place in the list; None: not theirs, or gone, and that was said."""
    if not mine(talk, number(pressed.about)):
        return None
    what, _, word = pressed.argument.partition(".")
    there = values(what, talk.choices)
    for place, value in enumerate(there):
        if _word(value) == word:
            return what, value, place
    talk.tell("list.gone")
    return None


PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    "browse": _browse,
    "pick": _pick,
    "listen": _listen,
    "sample": _sample,
}
