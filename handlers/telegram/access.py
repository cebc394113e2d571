"""Who may use the bot. It is private: strangers are told so once, admins are asked, and that is all."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from daemon.chats import DraftState, Person, Standing
from daemon.config import Config
from daemon.jobs import FINISHED, iso
from handlers.telegram import pairing
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.drafting.showing import take_away
from handlers.telegram.house import House
from handlers.telegram.incoming import Pressed, Said
from handlers.telegram.store.ledger import Turn
from handlers.telegram.store.people import CARD
from handlers.telegram.texts import LANGUAGES, Language, Marked, plain, say, spoken_by
from models.errors import BadInput

MAY = frozenset((Standing.ALLOWED, Standing.ADMIN))
CARDS, HOUR = 5, dt.timedelta(hours=1)  # so many strangers are offered to an admin in so long a time


def standing(config: Config, person: Person) -> Standing:
    """The configuration comes first; then what the admins have said."""
    if person.user_id in config.telegram.admin_user_ids:
        return Standing.ADMIN
    if person.user_id in config.telegram.allowed_user_ids and person.standing != Standing.ADMIN:
        return Standing.ALLOWED
    return Standing(person.standing)


def may(turn: Turn, config: Config, user_id: int) -> bool:
    """Whether somebody may use the bot now: for what was asked for a while ago."""
    person = turn.people.person(user_id) or Person(user_id=user_id, name="")
    return standing(config, person) in MAY


def admins(turn: Turn, config: Config) -> list[int]:
    """Their ids, of the configuration and of the database."""
    paired = {person.user_id for person in turn.people.of_standing(Standing.ADMIN)}
    return sorted(paired | set(config.telegram.admin_user_ids))


def reachable(turn: Turn, config: Config) -> list[Person]:
    """The admins that can be written to: nobody can who has not written first."""
    known = [turn.people.person(user_id) for user_id in admins(turn, config)]
    return [admin for admin in known if admin is not None and turn.people.has_chat(admin.user_id)]


def welcome(turn: Turn, house: House, said: Said | Pressed) -> bool:
    """Whether it may go on. Of a person whom the turn has met."""
    person = turn.people.person(said.who.id)
    assert person is not None, "whoever says something was met"
    now = standing(house.config, person)
    if now == Standing.DENIED:
        return False
    if isinstance(said, Said) and said.where.private:
        if now != Standing.ADMIN and _pairs(turn, said, person, known=now in MAY):
            return False
        if now == Standing.UNKNOWN and person.told_at is None:
            _introduce(turn, house.config, person)
    return now in MAY


def admit(turn: Turn, config: Config, user_id: int, name: str = "") -> Person:
    """They may use the bot from now on, and are told so."""
    person = turn.people.person(user_id)
    before = standing(config, person) if person else Standing.UNKNOWN
    if person is None or person.standing != Standing.ADMIN:
        person = turn.people.set_standing(user_id, Standing.ALLOWED, name)
    if before not in MAY:
        _tell(turn, person, "allowed", say(language_of(turn, person), "access.allowed"))
    _settle_cards(turn, config, person, "access.card_allowed")
    return person


def shut_out(turn: Turn, config: Config, user_id: int) -> Person:
    """They get no answer any more, and nothing is made for them. Unless they stand in the configuration: then
    they still `may`, as what it says, and are no admin of the database's any more."""
    person = turn.people.set_standing(user_id, Standing.DENIED)
    if not may(turn, config, user_id):
        _stop(turn, user_id)
        _settle_cards(turn, config, person, "access.card_denied")
    return person


def still_may(user_id: int) -> BadInput:
    """Of somebody who was shut out, but stands in the configuration."""
    return BadInput(
        f"Person {user_id} stands in the configuration, so they may still use the bot",
        code="person_configured",
        hint="Take the id out of telegram.allowed_user_ids and telegram.admin_user_ids in vigentd.toml.",
    )


def language_of(turn: Turn, person: Person) -> Language:
    """In which somebody is spoken to in their private chat."""
    return spoken_by(turn.people.settings(person.user_id).language or person.language)


def _stop(turn: Turn, user_id: int) -> None:
    """Whatever is being put together or made for them."""
    for draft in turn.drafts.unstarted():
        if draft.user_id == user_id:
            turn.drafts.set_state(draft, DraftState.DROPPED)
            take_away(turn, draft)
    for link, row in turn.jobs.untold():
        if link.user_id == user_id and row.state not in FINISHED:
            with suppress(BadInput):  # it has ended meanwhile
                turn.queue.cancel(row.id)


# ---------------------------------------------------------------- strangers


def _pairs(turn: Turn, said: Said, person: Person, *, known: bool) -> bool:
    """Whether it was the code, or after /start a wrong one; then it was answered: to strangers once.

    A wrong one gets the same answer when none is awaited: nobody learns whether now is the time to try."""
    code = pairing.code_in(said)
    if code is None:
        return False
    if pairing.redeem(turn, code, person):
        _tell(turn, person, "paired", say(language_of(turn, person), "access.paired"))
        return True
    if not said.command:
        return False
    words = say(language_of(turn, person), "access.wrong_code")
    if known:
        _tell(turn, person, "wrong_code", words)
    else:  # of one key there is one message
        turn.messages.post(person.user_id, f"wrong_code:{person.user_id}", Content(words))
    return True


def _introduce(turn: Turn, config: Config, person: Person) -> None:
    """The one message that a stranger gets, and the cards for those who may let them in."""
    turn.people.told(person)
    clear = (spoken_by(person.language),) if person.language else LANGUAGES
    words = [say(language, "access.private", id=person.user_id) for language in clear]
    turn.messages.post(person.user_id, f"private:{person.user_id}", Content("\n\n".join(words)))
    for admin in reachable(turn, config):
        offer(turn, config, admin)


def offer(turn: Turn, config: Config, admin: Person) -> None:
    """Cards about those who wait to be let in, to one admin; the newest first, and only so many at a time.
    The last one says how many more there are."""
    asked = [
        (person, row)
        for person, row in turn.people.waiting(admin.user_id)
        if standing(config, person) == Standing.UNKNOWN
    ]
    cards = sorted(((row.number or 0, person) for person, row in asked if row), key=lambda card: card[0])
    lately = sum(row is not None and row.at > iso(turn.now - HOUR) for _, row in asked)
    unseen = [person for person, row in asked if row is None]
    new = unseen[: max(CARDS - lately, 0)]
    shown = [person for _, person in cards] + new[::-1]
    for person in shown:
        more = len(unseen) - len(new) if person is shown[-1] else 0
        _post_card(turn, admin, person, more)


def _post_card(turn: Turn, admin: Person, person: Person, more: int) -> None:
    language = language_of(turn, admin)
    buttons = tuple(
        Button(plain(language, f"access.{verb}"), press(verb, person.user_id)) for verb in ("allow", "deny")
    )
    lines = [say(language, "access.card", **_named(person))]
    if more:
        lines.append(say(language, "access.card_more", n=more))
    card = Content("\n".join(lines), (buttons,))
    turn.messages.post(admin.user_id, _card_key(person, admin), card, rank=Rank.NOTICE)


def _settle_cards(turn: Turn, config: Config, person: Person, key: str) -> None:
    """On the cards of all admins stands what was decided; and there is room for another one."""
    for admin in reachable(turn, config):
        row = turn.messages.of_key(_card_key(person, admin))
        if row is not None:
            text = say(language_of(turn, admin), key, **_named(person))
            turn.messages.post(admin.user_id, row.key, Content(text), rank=Rank.NOTICE)
        offer(turn, config, admin)


def _tell(turn: Turn, person: Person, what: str, words: Marked) -> None:
    if turn.people.has_chat(person.user_id):
        key = f"{what}:{person.user_id}:{iso(turn.now)}"
        turn.messages.post(person.user_id, key, Content(words), rank=Rank.NOTICE)


def _card_key(person: Person, admin: Person) -> str:
    return CARD % (person.user_id, admin.user_id)


def _named(person: Person) -> dict[str, object]:
    return {"name": person.name, "id": person.user_id}
