"""/settings: what this chat has chosen for all its videos, and how the bot speaks.

settings:OWNER:WHAT        WHAT: nothing (the card), at_once, language, language.zh
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handlers.telegram.buttons import Press, press
from handlers.telegram.commands.lists import chosen
from handlers.telegram.content import Content
from handlers.telegram.drafting.choosing import label
from handlers.telegram.incoming import Said
from handlers.telegram.owning import mine
from handlers.telegram.pages import number
from handlers.telegram.talk import Talk
from handlers.telegram.texts import LANGUAGES, spoken_by

LISTS = (("voice", "language"), ("subtitles", "title_style"), ("music", "music_volume"))
AS_MINE = "mine"


def settings(talk: Talk, said: Said) -> None:
    talk.show(card(talk, talk.who.id))


def card(talk: Talk, owner: int) -> Content:
    """owner: who may press its buttons."""
    kept = talk.settings
    language = talk.plain(f"settings.speaks_{kept.language or AS_MINE}")
    at_once = talk.plain("settings.on" if kept.start_at_once else "settings.off")
    presenter = kept.presenter or talk.plain("settings.nobody")
    first = (
        talk.button("settings.speaks", press("settings", owner, "language"), value=language),
        talk.button("settings.at_once", press("settings", owner, "at_once"), value=at_once),
        talk.button("settings.presenter", press("presenters", owner), value=presenter),
    )
    lists = [
        tuple(
            talk.button(
                f"settings.{what}",
                press("browse", owner, f"{what}.0"),
                value=label(talk.language, what, chosen(talk, what)),
            )
            for what in pair
        )
        for pair in LISTS
    ]
    return Content(talk.say("settings.head"), (*((button,) for button in first), *lists))


def _pressed(talk: Talk, pressed: Press) -> None:
    owner = number(pressed.about)
    if not mine(talk, owner):
        return
    what, _, value = pressed.argument.partition(".")
    if what == "language" and not value:
        talk.replace(_languages(talk, owner))
        return
    if what == "language" and value in (AS_MINE, *LANGUAGES):
        talk.choose(replace(talk.settings, language=None if value == AS_MINE else value))
        talk.language = spoken_by(talk.settings.language or talk.who.language)
    elif what == "at_once":
        talk.choose(replace(talk.settings, start_at_once=not talk.settings.start_at_once))
    talk.replace(card(talk, owner))


def _languages(talk: Talk, owner: int) -> Content:
    rows = tuple(
        (talk.button(f"settings.speaks_{code}", press("settings", owner, f"language.{code}")),)
        for code in (AS_MINE, *LANGUAGES)
    )
    return Content(
        talk.say("settings.which_language"),
        (*rows, (talk.button("settings.back", press("settings", owner)),)),
    )


PRESSES: dict[str, Callable[[Talk, Press], None]] = {"settings": _pressed}
