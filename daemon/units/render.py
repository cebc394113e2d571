"""The templates in `systemd/`, filled in for one machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from daemon.units.deployment import STATE, USER, Deployment, in_homes
from models.errors import BadInput

TEMPLATES = Path(__file__).resolve().parents[2] / "systemd"
MARK = "Made by `vigentd service install`, and written anew by it"
WATCHDOG_S = 45
PUTTING_BACK_S = 60.0  # at the end: the job, the hosts, the doors
SERVICE, HEALTH, TIMER, FAILED = (
    "vigentd.service",
    "vigentd-health.service",
    "vigentd-health.timer",
    "vigentd-failed@.service",
)
SYSUSERS, TMPFILES = "vigentd.sysusers.conf", "vigentd.tmpfiles.conf"


def rendered(plan: Deployment) -> dict[str, str]:
    """File name → text. Raises BadInput `path_unusable`."""
    names = [SERVICE, HEALTH, TIMER, FAILED]
    if not plan.per_user:
        names += [SYSUSERS, TMPFILES] if plan.own_user else [TMPFILES]
    return {name: _filled(_template(name, plan.per_user), plan) for name in names}


def _template(name: str, per_user: bool) -> str:
    own = TEMPLATES / "user" / name
    return (own if per_user and own.is_file() else TEMPLATES / name).read_text("utf-8")


def _filled(template: str, plan: Deployment) -> str:
    values: dict[str, Callable[[], str]] = {
        "MARK": lambda: MARK,
        "EXEC": lambda: " ".join([quoted(plan.command[0]), *map(quoted_argument, plan.command[1:])]),
        "USER": lambda: plan.user,
        "GROUP": lambda: plan.group,
        "DATA_DIR": lambda: quoted(plan.data_dir),
        "TOKEN_FILE": lambda: _plain(plan.token_file),
        "TOKEN_QUOTED": lambda: quoted(plan.token_file),
        "ENVIRONMENT": lambda: "\n".join(
            f"Environment={quoted(f'{name}={value}')}" for name, value in plan.environment.items()
        ),
        "PLACES": lambda: "\n".join(_places(plan)),
        "WATCHDOG_S": lambda: str(WATCHDOG_S),
        "STOP_S": lambda: f"{plan.config.queue.stop_grace + PUTTING_BACK_S:.0f}",
    }
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]](), template)


def _places(plan: Deployment) -> Iterator[str]:
    """Where the service may write, and what it may see of the homes.

    A folder that is not there yet must not keep it from starting ("-"): an inbox on a disk that comes later.
    """
    if plan.data_dir == STATE / USER:
        yield f"StateDirectory={USER}\nStateDirectoryMode=0700"
    elif not in_homes(plan.data_dir):
        yield f"ReadWritePaths={_optional(plan.data_dir)}"
    elsewhere = [path for path in plan.written if not in_homes(path)]
    for path in elsewhere:
        yield f"ReadWritePaths={_optional(path)}"
    if not plan.own_user:  # somebody's account: clips for `vigentd submit` lie in the home
        yield "ProtectHome=read-only"
        for path in (plan.data_dir, *plan.written):
            if in_homes(path):
                yield f"ReadWritePaths={_optional(path)}"
        return
    yield "# Of the homes it sees what is named here, and nothing else."
    yield "ProtectHome=tmpfs"
    for path in plan.read:
        if in_homes(path):
            yield f"BindReadOnlyPaths={_bound(path)}"
    for path in (plan.data_dir, *plan.written):
        if in_homes(path):
            yield f"BindPaths={_bound(path)}"


# ---------------------------------------------------------------- how systemd reads a word


def quoted(word: object, escaped: str = '\\"') -> str:
    """One word as it is, with spaces, quotes, backslashes and percent signs. Raises BadInput.

    escaped: what has a meaning within quotes.
    """
    text = _plain(word)
    if re.fullmatch(r"[\w./=@%+,:-]+", text) and not set(escaped) & set(text):
        return text
    return '"' + "".join(f"\\{c}" if c in escaped else c for c in text) + '"'


def quoted_argument(word: object) -> str:
    """… and a $ stays one: in a command, but not in the name of its program, variables are looked for."""
    return quoted(word).replace("$", "$$")


def _optional(path: Path) -> str:
    return quoted(f"-{path}")


def _bound(path: Path) -> str:
    return quoted(f"-{path}", '\\":')  # a colon would divide it


def _plain(word: object) -> str:
    """Raises BadInput for what no line can hold."""
    text = str(word)
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise BadInput(
            f"The path {text!r} has a control character in it, and cannot stand in a unit",
            code="path_unusable",
            hint="Rename it.",
        )
    return text.replace("%", "%%")
