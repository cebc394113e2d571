"""How the admins were reached when the daemon last started: should it fail to start because of a mistake in
its configuration, they have to be told all the same. No secret is kept: the token is systemd's credential."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from daemon.config import Config, TelegramSettings
from daemon.config_file import variable

FILE_NAME = "admins.json"
KEPT = {"base_url", "token_file", "admin_user_ids"}


def keep_good(config: Config) -> None:
    """A disk that takes nothing is told of elsewhere."""
    file = config.data_dir / FILE_NAME
    part = file.with_name(f".{FILE_NAME}.part")
    with suppress(OSError):
        part.write_text(json.dumps(config.telegram.model_dump(mode="json", include=KEPT)), "utf-8")
        part.chmod(0o600)
        part.replace(file)


def last_good(environment: Mapping[str, str] = os.environ) -> Config | None:
    """Of the data folder that the environment names, as the units do; None: nothing was kept there."""
    named = environment.get(variable(("data_dir",)), "")
    if not named:
        return None
    folder = Path(named)
    try:
        kept = json.loads((folder / FILE_NAME).read_bytes())
        return Config.model_construct(data_dir=folder, telegram=TelegramSettings.model_validate(kept))
    except (OSError, ValueError, ValidationError):
        return None
