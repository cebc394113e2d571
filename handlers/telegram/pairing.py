"""The one-time code that makes the first admin: whoever can run `vigentd telegram pair` may be one."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from daemon.chats import Person, Standing
from handlers.telegram.incoming import Said
from handlers.telegram.store.ledger import Turn

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # no I, L, O, 0, 1 to misread
LETTERS, GROUP = 8, 4
VALID = dt.timedelta(minutes=10)
TRIES = 5  # wrong codes of one person; so a stranger cannot void what somebody else has in hand
TRIES_OF_ALL = 300  # then it is void: somebody has many names
_CODE = re.compile(rf"[{ALPHABET}]{{{LETTERS}}}")
_AS_PRINTED = re.compile(rf"[{ALPHABET}]{{{GROUP}}}-[{ALPHABET}]{{{GROUP}}}")


def new_code(chance: Callable[[int], int] = secrets.randbelow) -> str:
    """ "K7QM-WX3B". chance: a random number below the one given."""
    letters = "".join(ALPHABET[chance(len(ALPHABET))] for _ in range(LETTERS))
    return f"{letters[:GROUP]}-{letters[GROUP:]}"


def offer(turn: Turn, code: str, salt: str) -> dt.datetime:
    """Good from now until the time that is returned; the code before it is void. Only a digest is kept."""
    until = turn.now + VALID
    turn.people.offer(_digest(code, salt), salt, until)
    return until


def code_in(said: Said) -> str | None:
    """What may be meant as a code: "/start CODE", however it is written; or the code alone, just as it was
    printed: "Next week" has eight letters, too."""
    if said.attachment is not None or said.edited:
        return None
    if said.command == "start":
        code = _plain(said.argument)
        return code if _CODE.fullmatch(code) else None
    alone = said.text.strip()
    return alone if not said.command and _AS_PRINTED.fullmatch(alone) else None


def redeem(turn: Turn, code: str, person: Person) -> bool:
    """Whether it is the code that was offered; then this person is an admin, and the code is used up."""
    offered = turn.people.pairing()
    if offered is None:
        return False
    if dt.datetime.fromisoformat(offered.until) <= turn.now:
        turn.people.withdraw()
        return False
    if offered.wrong.get(str(person.user_id), 0) >= TRIES:
        return False
    if hmac.compare_digest(_digest(code, offered.salt), offered.digest):
        turn.people.withdraw()
        turn.people.set_standing(person.user_id, Standing.ADMIN)
        return True
    turn.people.wrong_code(offered, person.user_id)
    if sum(offered.wrong.values()) >= TRIES_OF_ALL:
        turn.people.withdraw()
    return False


def _digest(code: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{_plain(code)}".encode()).hexdigest()


def _plain(text: str) -> str:
    return re.sub(r"[\s-]", "", text[:100]).upper()
