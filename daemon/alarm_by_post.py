"""Tells the admins something when the daemon is not there to do it: straight over the Bot API.

    reached = post(config, "vigentd has stopped and does not come back")

Nothing of the daemon is needed but its configuration; its database only for the admins that have paired.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from daemon.bot_token import bot_token
from daemon.chats import Standing
from daemon.config import Config

if TYPE_CHECKING:
    from handlers.telegram.line import Line

ALL_S = 10.0  # for all of it
DATABASE_S = 1.0
CHARS = 4000  # Telegram takes 4096


def post(config: Config, text: str) -> int:
    """Sends this text to all admins. Returns how many were reached: 0 where there is no bot, or no admin.

    Raises BadInput when the token cannot be read, Unavailable `proxy_unusable`; a network that is away, or an
    admin who has never written to the bot, is not an error, but nobody is reached.
    """
    token, admins = bot_token(config.telegram), admins_of(config)
    if token is None or not admins:
        return 0
    from handlers.telegram.line import build  # here: whoever has no bot does without the library

    return asyncio.run(
        _send_all(build(config.telegram, token.get_secret_value()), admins, text.strip()[:CHARS])
    )


def admins_of(config: Config) -> list[int]:
    """Their ids, of the configuration and, if it can be read, of the database."""
    return sorted(set(config.telegram.admin_user_ids) | set(_paired(config.database)))


def _paired(database: Path) -> list[int]:
    wanted = "SELECT user_id FROM telegram_person WHERE standing = ?"
    try:
        uri = f"file:{quote(str(database.absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=DATABASE_S)) as db:
            return [int(user_id) for (user_id,) in db.execute(wanted, (str(Standing.ADMIN),))]
    except sqlite3.Error:  # locked, damaged, not there: it may be why somebody has to be told
        return []


async def _send_all(line: Line, admins: Iterable[int], text: str) -> int:
    sending = [asyncio.create_task(_send(line, admin, text)) for admin in admins]
    try:
        done, late = await asyncio.wait(sending, timeout=ALL_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return sum(task.result() for task in done)
    finally:
        await line.hang_up()


async def _send(line: Line, chat_id: int, text: str) -> bool:
    try:
        await line.send_message(chat_id, text)
    except Exception:  # its words may hold the address, and so the token; whoever calls says that nobody was
        return False  # reached
    return True
