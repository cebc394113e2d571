"""Is the token good, and is there anybody who may use the bot: for `vigentd doctor`."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr
from telegram.error import Forbidden, InvalidToken, TelegramError

from daemon.chats import Standing
from daemon.config import Config, TelegramSettings
from daemon.queue import Queue
from handlers.telegram.line import build
from handlers.telegram.store.ledger import Ledger
from models.errors import BadInput, Unavailable

ASK_S = 10.0


def name_of_bot(settings: TelegramSettings, token: SecretStr) -> str:
    """Its user name. Raises BadInput `token_refused`; Unavailable `telegram_away`, `proxy_unusable`."""
    line = build(settings, token.get_secret_value())

    async def ask() -> str:
        try:
            await asyncio.wait_for(line.initialize(), ASK_S)
            return line.username
        finally:
            await line.shutdown()

    try:
        return asyncio.run(ask())
    except (InvalidToken, Forbidden) as e:
        raise BadInput(
            "Telegram refuses the bot's token",
            code="token_refused",
            hint="Ask @BotFather for the token again (/token), and put it into telegram.token_file.",
        ) from e
    except (TelegramError, TimeoutError, ValueError, TypeError, KeyError) as e:  # also: it is something else
        raise Unavailable(
            f"No Bot API answers at {settings.base_url}",
            code="telegram_away",
            hint="Check the network, a proxy (HTTPS_PROXY), or telegram.base_url.",
        ) from e


def somebody_may(config: Config) -> bool:
    """By the configuration, or by what the bot knows."""
    if config.telegram.admin_user_ids or config.telegram.allowed_user_ids:
        return True
    if not config.database.exists():
        return False
    queue = Queue(config.database)
    try:
        with Ledger(queue).look() as turn:
            return any(turn.people.of_standing(each) for each in (Standing.ADMIN, Standing.ALLOWED))
    finally:
        queue.close()
