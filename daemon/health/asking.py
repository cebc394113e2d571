"""How is the daemon? Asked from another process, also when it cannot answer any more.

A daemon that is only late with its answer is as well as its file says; when that is old, it stands still.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.control.client import Client, NobodyListens
from daemon.health.component import Component
from daemon.health.report import Report
from daemon.health.report_file import Kept, read
from daemon.store.lock import Holder, holder
from models.errors import BadInput, Unavailable, VigentdError

if TYPE_CHECKING:
    from daemon.config import Config

ANSWER_S = 0.15
PATIENT_S = 5.0  # for whoever draws a consequence from it
OLD_S = 15.0
RESTART = "Restart it; no job is lost."


def ask(config: Config, answer_s: float = ANSWER_S) -> dict[str, Any]:
    """As `Report.as_dict`, with "from": "daemon", "file" or "nobody". answer_s: how long the daemon has for
    its answer. Raises BadInput `daemon_not_yours`, Unavailable `data_dir_unreadable`."""
    try:
        return dict(Client(config.socket, read_timeout_s=answer_s).get("/health")) | {"from": "daemon"}
    except VigentdError as e:
        told = of_file(_holder(config.data_dir), read(config.health_file))
        lives_unheard = isinstance(e, NobodyListens) and told["from"] == "file"
        return without_socket(told, config.socket) if lives_unheard else told


def _holder(data_dir: Path) -> Holder | None:
    try:
        return holder(data_dir)
    except PermissionError as e:
        raise BadInput(
            f"The data folder {data_dir} belongs to another user",
            code="daemon_not_yours",
            hint="Use its user's account: `sudo -u vigentd vigentd health`, where it is the service's.",
        ) from e
    except OSError as e:
        raise Unavailable(
            f"The data folder {data_dir} cannot be looked into: {e.strerror}",
            code="data_dir_unreadable",
            hint="Check its path and its disk.",
        ) from e


def without_socket(told: dict[str, Any], socket: Path) -> dict[str, Any]:
    """Who lives, and cannot be spoken to, can be given no order: not a matter of a late answer."""
    trouble = f"The daemon runs, and its control socket {socket} does not lead to it"
    part = Component("socket", "dead", trouble=trouble, hint=RESTART, vital=True)
    report = Report((part,), told["pid"]).as_dict()
    return told | report | {"components": [*told["components"], *report["components"]]}


def of_file(works: Holder | None, kept: Kept | None) -> dict[str, Any]:
    """works: who holds the worker lock."""
    if works is None or works.kind == "foreground":
        return _down("dead", "No daemon is running", "`vigentd run` starts one.")
    if kept is None or kept.told["pid"] != works.pid:
        trouble = "The daemon does not say how it is: it is starting or stopping"
        return _down("dead", trouble, "Its log says more if this lasts.", works.pid)
    if kept.age_s > OLD_S:
        trouble = f"The daemon stands still: nothing has come from it for {kept.age_s:.0f} s"
        hint = "Was it stopped (SIGSTOP), or does its disk not answer? A restart loses no job."
        return _down("stalled", trouble, hint, works.pid, kept.age_s)
    return kept.told | {"from": "file"}


def _down(state: Any, trouble: str, hint: str, pid: int | None = None, age_s: float = 0.0) -> dict[str, Any]:
    part = Component("daemon", state, age_s, OLD_S, trouble, hint, vital=True)
    return Report((part,), pid, age_s).as_dict() | {"from": "nobody"}
