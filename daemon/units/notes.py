"""What a person should know once the units are in place."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daemon.units.deployment import Deployment, in_homes

PRIVATE = (Path("/tmp"), Path("/var/tmp"))  # what PrivateTmp puts others in the place of


def notes(plan: Deployment) -> Iterator[str]:
    """Plain sentences, each with what to do."""
    if plan.per_user:
        yield (
            f"A user's services end with the last login. `sudo loginctl enable-linger {plan.user}` "
            "lets them run from boot on."
        )
    if not plan.config.telegram.token and not plan.token_file.exists():
        yield f"There is no bot token yet. Put it into {plan.token_file} (mode 0600), and restart it."
    if plan.per_user:
        return
    if not _names_data_dir(plan.file):
        yield (
            f"{plan.file} does not say `data_dir`, so other commands look elsewhere. "
            f"Add `data_dir = {json.dumps(str(plan.data_dir), ensure_ascii=False)}`."
        )
    if plan.config.telegram.token:
        yield (
            f"The bot's token stands in {plan.file}. As the only line of {plan.token_file} "
            "it would be readable for root alone."
        )
    for path in (plan.data_dir, *plan.written, *plan.read):
        if any(path.is_relative_to(folder) for folder in PRIVATE):
            yield (
                f"{path} lies where the service has a folder of its own (PrivateTmp): it finds nothing "
                "there, and what it writes there is lost when it stops. Move it, for example to /srv."
            )
    for path in plan.read:
        if in_homes(path):
            yield f"The service reads {path}, in a home; what is in there must be readable for {plan.user}."
    with suppress(OSError):
        if not _of_root(Path(plan.command[0])):
            yield (
                f"{plan.command[0]} can be changed by others than root, and the health check runs as root. "
                "An installation below /opt that belongs to root is safer."
            )


def _names_data_dir(file: Path) -> bool:
    """Also where that cannot be known."""
    try:
        return "data_dir" in tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return True


def _of_root(program: Path) -> bool:
    """It and the folder that it lies in."""
    for path in (program, program.parent):
        found = path.stat()
        if found.st_uid != 0 or stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
            return False
    return not os.access(program, os.W_OK) or os.geteuid() == 0
