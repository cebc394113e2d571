"""/allow and /deny, and the same as buttons under the card of somebody new: for admins."""

from __future__ import annotations

from collections.abc import Callable

from daemon.chats import Person
from handlers.telegram.access import admit, may, shut_out
from handlers.telegram.buttons import Press
from handlers.telegram.incoming import Said
from handlers.telegram.names import clean
from handlers.telegram.pages import number
from handlers.telegram.talk import Talk
from models.errors import BadInput


def allow(talk: Talk, said: Said) -> None:
    user_id, name = _named(talk, said, "allow")
    if user_id:
        person = admit(talk.turn, talk.house.config, user_id, name)
        talk.answer("people.allowed", name=person.name, id=user_id)


def deny(talk: Talk, said: Said) -> None:
    user_id, _ = _named(talk, said, "deny")
    if user_id:
        person = _shut_out(talk, user_id)
        if may(talk.turn, talk.house.config, user_id):
            talk.answer("error.person_configured")
        else:
            talk.answer("people.denied", name=person.name, id=user_id)


def _allow(talk: Talk, pressed: Press) -> None:
    if user_id := _pressed(talk, pressed):
        person = admit(talk.turn, talk.house.config, user_id)
        talk.tell("people.toast_allowed", name=person.name)


def _deny(talk: Talk, pressed: Press) -> None:
    if user_id := _pressed(talk, pressed):
        person = _shut_out(talk, user_id)
        if may(talk.turn, talk.house.config, user_id):
            talk.tell("error.person_configured", alarm=True)
        else:
            talk.tell("people.toast_denied", name=person.name)


def _named(talk: Talk, said: Said, verb: str) -> tuple[int, str]:
    """0: there was no id, and that was said."""
    given, _, name = said.argument.partition(" ")
    user_id = number(given)
    if not user_id:
        talk.answer("people.usage", verb=verb)
    return user_id, clean(name)[:64]


def _pressed(talk: Talk, pressed: Press) -> int:
    """0: it is not this person's to decide."""
    if not talk.admin:
        talk.tell("people.admins_only")
        return 0
    return number(pressed.about)


def _shut_out(talk: Talk, user_id: int) -> Person:
    if user_id == talk.who.id:
        raise BadInput("Nobody can shut out themselves", code="person_self")
    person = shut_out(talk.turn, talk.house.config, user_id)
    talk.turn.then(lambda: talk.house.changed(None))  # their jobs may have been cancelled
    return person


PRESSES: dict[str, Callable[[Talk, Press], None]] = {"allow": _allow, "deny": _deny}
