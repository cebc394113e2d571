"""/start and /help: what this is, and what can be sent."""

from __future__ import annotations

from handlers.telegram.content import Content
from handlers.telegram.incoming import Said
from handlers.telegram.menu import menu
from handlers.telegram.report.amounts import size
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked


def start(talk: Talk, said: Said) -> None:
    talk.answer("greeting.start", name=talk.who.name)


def help_(talk: Talk, said: Said) -> None:
    limits, inbox = talk.house.limits, talk.house.inbox
    parts = [
        talk.say("greeting.send"),
        talk.say(
            "greeting.limits",
            download=size(limits.download),
            upload=size(limits.upload),
            characters=f"{talk.house.config.limits.script_chars:,}",
            minutes=f"{talk.house.config.limits.clip_minutes:g}",
        ),
        *([talk.say("greeting.inbox", inbox=inbox)] if inbox else []),
        *([] if talk.where.private else [talk.say("greeting.group")]),
        _commands(talk),
    ]
    talk.show(Content("\n\n".join(parts)))


def _commands(talk: Talk) -> Marked:
    listed = menu(talk.language, admin=talk.admin)
    return Marked("\n".join(talk.say("greeting.command", name=name, does=does) for name, does in listed))
