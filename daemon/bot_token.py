"""The bot's token, wherever it is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr, ValidationError

from daemon.config import TelegramSettings
from models.errors import BadInput
from models.launch import secrets_of

LONGEST = 1000  # bytes of a file that has nothing but a token in it
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd lays what LoadCredential= names
CREDENTIAL, NO_CREDENTIAL = "telegram-token", "none"


def bot_token(settings: TelegramSettings, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
    """None: there is no bot. Raises BadInput `token_unreadable`, `token_invalid`, without what is there.

    What the configuration names and we may read goes before systemd's credential: it is read anew at SIGHUP.
    """
    file, credential = settings.token_file, _credential(environment)
    if credential is not None and settings.token is None and (file is None or not os.access(file, os.R_OK)):
        file = credential
    if file is None:
        return settings.token
    try:
        with file.open("rb") as f:
            said = f.read(LONGEST).decode("ascii", "replace").strip()
    except OSError as e:
        raise BadInput(
            f"The file with the bot's token, {file}, cannot be read: {e.strerror}",
            code="token_unreadable",
            hint="Correct telegram.token_file, or give the file to the user that the daemon runs as.",
        ) from e
    try:
        token = TelegramSettings(token=SecretStr(said)).token
    except ValidationError:
        token = None
    if token is None:
        raise BadInput(
            f"There is no bot token in {file}",
            code="token_invalid",
            hint="The file should hold one line, as @BotFather gives it: 123456:ABC-DEF…",
        )
    return token


def _credential(environment: Mapping[str, str]) -> Path | None:
    """The file with systemd's credential, if there is one with something in it."""
    if not (folder := environment.get(CREDENTIALS)):
        return None
    file = Path(folder) / CREDENTIAL
    try:
        return file if file.read_bytes().strip() not in (b"", NO_CREDENTIAL.encode()) else None
    except OSError:
        return None


@contextmanager
def with_secrets(
    kept: dict[str, str], environment: MutableMapping[str, str] = os.environ
) -> Iterator[MutableMapping[str, str]]:
    """Secrets are in the environment during the block only: what is started afterwards does not inherit it.

    kept: where it is between two such blocks.
    """
    environment.update(kept)
    try:
        yield environment
    finally:
        kept.update(secrets_of(environment))
        for name in kept:
            environment.pop(name, None)
