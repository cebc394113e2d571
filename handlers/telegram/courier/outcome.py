"""What an error of Telegram's, or of the way there, means for the message that was on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)

from handlers.telegram.line import ServerTrouble, TooLarge, TooMany, scrub

TOKEN_WRONG_S = 60.0
GATEWAYS = (502, 504)  # what stands behind the gateway may have done it

# The request had not been written to its end: whoever reads it waits for the rest, and does nothing.
NOT_REACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True)
class NotSent:
    """It surely did not arrive, and may later."""

    why: str


@dataclass(frozen=True)
class Unknown:
    """It may have arrived."""

    why: str


@dataclass(frozen=True)
class Hold:
    """Not before `seconds` have passed; everywhere: nothing else, either."""

    seconds: float
    why: str
    everywhere: bool = False


@dataclass(frozen=True)
class Refused:
    """Telegram will never take it. gone: nobody is there (any more) who could get it."""

    why: str
    too_large: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Same:
    """The message shows that already."""


@dataclass(frozen=True)
class Missing:
    """The message is not there any more."""


@dataclass(frozen=True)
class Unlike:
    """The message is not of the kind that was thought: an edit was done whose answer never came."""


@dataclass(frozen=True)
class NoThread:
    """The topic is closed or gone; the chat is there."""


@dataclass(frozen=True)
class Moved:
    """The group has another id."""

    chat_id: int


Outcome = NotSent | Unknown | Hold | Refused | Same | Missing | Unlike | NoThread | Moved

SAYINGS: tuple[tuple[str, Outcome], ...] = (
    ("message is not modified", Same()),
    ("message to edit not found", Missing()),
    ("message to delete not found", Missing()),
    ("message_id_invalid", Missing()),
    ("there is no text in the message", Unlike()),
    ("there is no caption in the message", Unlike()),
    ("message thread not found", NoThread()),
    ("topic_closed", NoThread()),
    ("topic_deleted", NoThread()),
    ("chat not found", Refused("chat not found", gone=True)),
    ("peer_id_invalid", Refused("chat not found", gone=True)),
    ("group chat was deactivated", Refused("group chat was deactivated", gone=True)),
    ("chat_write_forbidden", Refused("the bot may not write here", gone=True)),
    ("not enough rights to send", Refused("the bot may not write here", gone=True)),
    ("no rights to send", Refused("the bot may not write here", gone=True)),
    ("file is too big", Refused("the file is too big", too_large=True)),
    ("request entity too large", Refused("the file is too big", too_large=True)),
    # what Telegram says when a file could not be taken over just now
    ("internal server error", NotSent("Telegram's server has trouble")),
)


def judge(error: BaseException, token: str, *, whole: bool = True) -> Outcome:
    """whole: everything that was to be sent was given to the network. Faults of ours are raised again."""
    why = scrub(_words(error), token)
    match error:
        case TooMany():
            return Hold(error.seconds, why)
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case InvalidToken():
            return Hold(TOKEN_WRONG_S, "Telegram does not know the bot's token", everywhere=True)
        case Forbidden():
            return Refused(why, gone=True)
        case TooLarge():
            return Refused("the file is too big", too_large=True)
        case BadRequest():
            return _said(why)
        case ServerTrouble():
            return Unknown(why) if error.code in GATEWAYS else NotSent(why)
        case Conflict():
            return NotSent(why)
        case NetworkError() | asyncio.CancelledError():  # TimedOut is one, too
            not_there = not whole or isinstance(error.__cause__, NOT_REACHED)
            return NotSent(why) if not_there else Unknown(why)
        case TelegramError():  # an answer that nobody can read
            return Unknown(why)
        case FileNotFoundError():
            return Refused("the file is not there any more")
        case OSError():
            return NotSent(f"the file cannot be read: {error.strerror}")
    raise error


def _words(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "vigentd was stopped"
    return str(error) or type(error).__name__


def _said(why: str) -> Outcome:
    told = why.casefold()
    return next((outcome for words, outcome in SAYINGS if words in told), Refused(why))
