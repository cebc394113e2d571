"""Who may use the bot. It is private: strangers are told so once, admins are asked, and that is all."""

from __future__ import annotations

from daemon.chats import Person, Standing
from daemon.config import Config
from daemon.jobs import iso
from handlers.telegram import pairing
from handlers.telegram.buttons import press
from handlers.telegram.content import Button, Content, Rank
from handlers.telegram.house import House
from handlers.telegram.incoming import Pressed, Said
from handlers.telegram.store.ledger import Turn
from handlers.telegram.texts import LANGUAGES, Language, Marked, plain, say, spoken_by
from models.errors import BadInput

MAY = frozenset((Standing.ALLOWED, Standing.ADMIN))


def standing(config: Config, person: Person) -> Standing:
    """The configuration comes first; then what the admins have said."""
    if person.user_id in config.telegram.admin_user_ids:
        return Standing.ADMIN
    if person.user_id in config.telegram.allowed_user_ids and person.standing != Standing.ADMIN:
        return Standing.ALLOWED
    return Standing(person.standing)


def admins(turn: Turn, config: Config) -> list[int]:
    """Their ids, of the configuration and of the database."""
    paired = {person.user_id for person in turn.people.of_standing(Standing.ADMIN)}
    return sorted(paired | set(config.telegram.admin_user_ids))


def welcome(turn: Turn, house: House, said: Said | Pressed) -> bool:
    """Whether it may go on. Of a person whom the turn has met."""
    person = turn.people.person(said.who.id)
    assert person is not None, "whoever says something was met"
    now = standing(house.config, person)
    if now != Standing.ADMIN and isinstance(said, Said) and said.where.private and _pairs(turn, said, person):
        return False
    if now == Standing.UNKNOWN and isinstance(said, Said) and said.where.private and person.told_at is None:
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
    """They get no answer any more. Raises BadInput `person_configured`."""
    if user_id in (*config.telegram.admin_user_ids, *config.telegram.allowed_user_ids):
        raise BadInput(
            f"Person {user_id} stands in the configuration",
            code="person_configured",
            hint="Take the id out of telegram.allowed_user_ids and telegram.admin_user_ids in vigentd.toml.",
        )
    person = turn.people.set_standing(user_id, Standing.DENIED)
    _settle_cards(turn, config, person, "access.card_denied")
    return person


def language_of(turn: Turn, person: Person) -> Language:
    """In which somebody is spoken to in their private chat."""
    return spoken_by(turn.people.settings(person.user_id).language or person.language)


# ---------------------------------------------------------------- strangers


def _pairs(turn: Turn, said: Said, person: Person) -> bool:
    """Whether it was the code, or a wrong one at a time when one is awaited; then it was answered, or not."""
    code = pairing.code_in(said)
    if code is None:
        return False
    offered = turn.people.pairing() is not None
    if pairing.redeem(turn, code, person):
        _tell(turn, person, "paired", say(language_of(turn, person), "access.paired"))
        return True
    once = f"wrong_code:{person.user_id}"  # of one key there is one message
    if offered and said.command:
        turn.messages.post(person.user_id, once, Content(say(language_of(turn, person), "access.wrong_code")))
    return offered and bool(said.command)


def _introduce(turn: Turn, config: Config, person: Person) -> None:
    """The one message that a stranger gets, and the cards for those who may let them in."""
    turn.people.told(person)
    clear = (spoken_by(person.language),) if person.language else LANGUAGES
    words = [say(language, "access.private", id=person.user_id) for language in clear]
    turn.messages.post(person.user_id, f"private:{person.user_id}", Content("\n\n".join(words)))
    for admin in _reachable_admins(turn, config):
        language = language_of(turn, admin)
        buttons = tuple(
            Button(plain(language, f"access.{verb}"), press(verb, person.user_id))
            for verb in ("allow", "deny")
        )
        text = say(language, "access.card", **_named(person))
        turn.messages.post(
            admin.user_id, _card_key(person, admin), Content(text, (buttons,)), rank=Rank.NOTICE
        )


def _settle_cards(turn: Turn, config: Config, person: Person, key: str) -> None:
    """On the cards of all admins stands what was decided."""
    for admin in _reachable_admins(turn, config):
        row = turn.messages.of_key(_card_key(person, admin))
        if row is not None:
            text = say(language_of(turn, admin), key, **_named(person))
            turn.messages.post(admin.user_id, row.key, Content(text), rank=Rank.NOTICE)


def _reachable_admins(turn: Turn, config: Config) -> list[Person]:
    """Nobody can be written to who has not written first."""
    known = [turn.people.person(user_id) for user_id in admins(turn, config)]
    return [admin for admin in known if admin is not None and turn.people.has_chat(admin.user_id)]


def _tell(turn: Turn, person: Person, what: str, words: Marked) -> None:
    if turn.people.has_chat(person.user_id):
        key = f"{what}:{person.user_id}:{iso(turn.now)}"
        turn.messages.post(person.user_id, key, Content(words), rank=Rank.NOTICE)


def _card_key(person: Person, admin: Person) -> str:
    return f"admission:{person.user_id}:{admin.user_id}"


def _named(person: Person) -> dict[str, object]:
    return {"name": person.name, "id": person.user_id}
