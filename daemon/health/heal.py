"""What the daemon cannot do for itself: three times "down" in a row, and somebody outside starts it anew.

Called every half minute by vigentd-health.timer; between two calls a small file remembers. It never starts
what an administrator has stopped, and leaves alone what is starting, stopping, or has just been started.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from daemon.health.kept import Moment, keep, recall
from daemon.health.report import Verdict
from daemon.units.systemctl import Systemctl
from models.errors import VigentdError

UNIT, TELLS = "vigentd.service", "vigentd-failed@vigentd-health.service"
PROPERTIES = (
    *("ActiveState", "StateChangeTimestampMonotonic", "InvocationID"),
    *("MainPID", "NRestarts", "Result"),
)
FILE_NAME = "heal.json"
IN_A_ROW = 3
APART_S = 10.0  # two looks that are nearer are one
STALE_S = 300.0  # a look so long ago is not "in a row" with this one: the machine slept, the timer stood
STARTED_S = 30.0  # after its start it is left alone
FAILED_S = 900.0  # so long systemd's own limit of starts is respected
MOST, IN_S = 3, 3600.0  # restarts

Action = Literal["nothing", "restart", "tell"]


@dataclass(frozen=True)
class Unit:
    """state: systemd's ActiveState. since_s: how long it has been so. run: which start of it this is.
    pid: of its main process; 0: none. gave_up: systemd has started it again, and starts it no more."""

    state: str
    since_s: float
    run: str = ""
    pid: int = 0
    gave_up: bool = False


@dataclass(frozen=True)
class Memory:
    """downs: how many looks in a row found `run` down, the last one at looked_at. restarts: when it was
    started anew. Times: seconds since boot."""

    downs: int = 0
    looked_at: float = 0.0
    run: str = ""
    restarts: tuple[float, ...] = ()


def decide(memory: Memory, unit: Unit, verdict: Verdict, now_s: float) -> tuple[Memory, Action]:
    """What is remembered from now on, and what is to be done."""
    restarts = tuple(at for at in memory.restarts if 0 <= now_s - at < IN_S)
    if verdict != "down" or not _ours(unit, restarted=bool(restarts)):
        return Memory(0, now_s, unit.run, restarts), "nothing"
    same = memory.run == unit.run and 0 <= now_s - memory.looked_at < STALE_S
    downs = memory.downs if same else 0
    if downs and now_s - memory.looked_at < APART_S:
        return Memory(downs, memory.looked_at, unit.run, restarts), "nothing"
    downs += 1
    if downs < IN_A_ROW:
        return Memory(downs, now_s, unit.run, restarts), "nothing"
    if len(restarts) >= MOST:
        return Memory(downs, now_s, unit.run, restarts), "tell"
    return Memory(0, now_s, unit.run, (*restarts, now_s)), "restart"


def _ours(unit: Unit, restarted: bool) -> bool:
    """Whether it may be touched: what is inactive was stopped, and everything else is on its way. What was
    stopped and did not end in time has failed, too; but then nobody has tried to start it again."""
    if unit.state == "active":
        return unit.since_s >= STARTED_S
    return unit.state == "failed" and unit.since_s >= FAILED_S and (unit.gave_up or restarted)


def heal(
    told: Mapping[str, Any], systemctl: Systemctl, folder: Path, now: Moment, say: Callable[[str], None]
) -> Action:
    """told: as `vigentd health --json` prints it. folder: of the small file.

    What fails here is said, and is tried again at the next look: it never raises.
    """
    down = told["verdict"] == "down"
    try:
        unit = look(systemctl)
        if down and told["pid"] != (unit.pid or None):
            say(_of_another(told["pid"], unit))
            return "nothing"
        file = folder / FILE_NAME
        memory, action = decide(remembered(file, now.boot), unit, told["verdict"], now.at_s)
        keep(file, now.boot, asdict(memory))  # before anything is done: it must not be done for ever
        if down:
            say(_said(memory, unit, action))
        _act(action, unit, is_hung(told), systemctl)
    except VigentdError as e:
        say(e.message)
    except OSError as e:
        say(f"{folder / FILE_NAME} cannot be written, so nothing is restarted: {e.strerror}")
    else:
        return action
    return "nothing"


def look(systemctl: Systemctl) -> Unit:
    """Raises Unavailable `no_systemd`."""
    shown = systemctl.show(UNIT, *PROPERTIES)
    changed = shown.get("StateChangeTimestampMonotonic", "")
    since_s = time.monotonic() - int(changed) / 1e6 if changed.isdigit() else 0.0  # on systemd's own clock
    pid = int(shown.get("MainPID") or 0)
    gave_up = int(shown.get("NRestarts") or 0) > 0 or shown.get("Result") == "start-limit-hit"
    return Unit(shown.get("ActiveState", "unknown"), since_s, shown.get("InvocationID", ""), pid, gave_up)


def remembered(file: Path, boot: str) -> Memory:
    """An empty one when the file is missing, damaged, or of an earlier boot."""
    kept = recall(file, boot)
    with suppress(KeyError, TypeError, ValueError):
        restarts = tuple(float(at) for at in kept["restarts"])
        return Memory(int(kept["downs"]), float(kept["looked_at"]), str(kept["run"]), restarts)
    return Memory()


def state_folder(per_user: bool, environment: Mapping[str, str] = os.environ) -> Path:
    """Where it remembers: the unit's own folder, which goes with the boot."""
    named = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if named:
        return Path(named)
    base = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}" if per_user else "/run"
    return Path(base) / "vigentd-health"


def is_hung(told: Mapping[str, Any]) -> bool:
    """Whether it would not hear SIGTERM, as far as its parts tell. "daemon": it does not say how it is."""
    stuck = {part["name"] for part in told["components"] if part["state"] in ("stalled", "dead")}
    return not stuck.isdisjoint(("loop", "daemon"))


def _act(action: Action, unit: Unit, hung: bool, systemctl: Systemctl) -> None:
    if action == "tell":
        systemctl.tell("start", "--no-block", TELLS)
    if action != "restart":
        return
    if unit.state == "failed":
        systemctl.tell("reset-failed", UNIT)
    elif hung:  # SIGTERM would not be heard, and waited out; this one also writes down where it hangs
        with suppress(VigentdError):  # gone this very moment
            # --kill-whom is its newer name, which systemd before 252 does not know.
            systemctl.tell("kill", "--kill-who=main", "--signal=SIGABRT", UNIT)
    systemctl.tell("restart", "--no-block", UNIT)


def _of_another(pid: int | None, unit: Unit) -> str:
    if pid is not None:
        return f"The daemon that is down (process {pid}) is not that of {UNIT}: it is left alone"
    return (
        f"{UNIT} runs (process {unit.pid}), but not on the data folder that is looked at here: "
        "it is left alone. A drop-in of it that names another one belongs to vigentd-health.service, too"
    )


def _said(memory: Memory, unit: Unit, action: Action) -> str:
    if action == "restart":
        return f"{UNIT} is down for the {IN_A_ROW}rd time in a row: it is started anew"
    if action == "tell":
        return f"{UNIT} is down, and was started anew {MOST} times within an hour: the admins are told"
    if memory.downs:
        return f"{UNIT} is down, {memory.downs} of {IN_A_ROW} times in a row"
    return f"{UNIT} is down, and left alone: it is {unit.state} for {max(unit.since_s, 0):.0f} s"
