"""A unit has failed for good: the admins are told, with its last lines, at most once an hour."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemon.bot_token import bot_token
from daemon.config import Config
from daemon.health.kept import Moment, keep, recall
from daemon.logs.logline import Mask
from daemon.units.status import REASONS
from models.errors import VigentdError

AGAIN_S = 3600.0
LINES = 15
LONGEST_LINE = 300  # characters
FILE_NAME = "failures.json"
GAVE_UP = "vigentd-health.service"  # in whose name the health check tells that it restarts no more


def was_told(folder: Path, unit: str, now: Moment) -> bool:
    """Within the last hour."""
    last = recall(folder / FILE_NAME, now.boot).get(unit)
    return isinstance(last, int | float) and 0 <= now.at_s - last < AGAIN_S


def keep_told(folder: Path, unit: str, now: Moment) -> None:
    file = folder / FILE_NAME
    with suppress(OSError):  # a full disk may be why it failed: better told twice than never
        keep(file, now.boot, {**recall(file, now.boot), unit: now.at_s})


def notice(unit: str, result: str, last: list[str], mask: Mask) -> str:
    """What the admins read. result: systemd's word for how it ended. last: lines of its journal."""
    host = socket.gethostname()
    if unit == GAVE_UP:
        head = (
            f"vigentd on {host} is down again although it was restarted several times: it is left alone now."
        )
    else:
        why = REASONS.get(result, result)
        head = f"{unit} on {host} has failed and does not come back by itself" + (f": {why}." if why else ".")
    hint = "`vigentd service status` and `vigentd health` say more; `systemctl restart vigentd` tries again."
    tail = "\n".join(mask(line)[:LONGEST_LINE] for line in last)
    return "\n\n".join(filter(None, (head, tail, hint)))


def tell_admins(
    config: Config,
    unit: str,
    result: str,
    last: list[str],
    now: Moment,
    post: Callable[[Config, str], int],
) -> str:
    """What became of it, for the journal. Raises what `post` raises."""
    if was_told(config.data_dir, unit, now):
        return f"{unit} has failed; the admins were told within the last hour"
    reached = post(config, notice(unit, result, last, _mask(config)))
    if reached:
        keep_told(config.data_dir, unit, now)
    return f"{unit} has failed; {reached} admins were told"


def _mask(config: Config) -> Mask:
    mask = Mask()
    try:
        token = bot_token(config.telegram)
    except VigentdError:
        token = None
    if token is not None:
        mask.add(token.get_secret_value())
    return mask
