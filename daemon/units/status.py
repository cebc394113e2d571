"""How systemd sees the service, in a few plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from daemon.units.render import HEALTH, SERVICE, TIMER
from daemon.units.systemctl import Systemctl

_PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "Result", "StatusText", "MainPID", "NRestarts", "WatchdogUSec",
    "WatchdogTimestamp", "ActiveEnterTimestamp", "UnitFileState", "ExecMainStatus", "DropInPaths",
)  # fmt: skip
REASONS = {
    "success": "",
    "watchdog": "it did not feed its watchdog, and was ended",
    "oom-kill": "it was killed for want of memory",
    "signal": "it was ended by a signal",
    "core-dump": "it crashed",
    "exit-code": "it ended with an error",
    "timeout": "it took too long to start or to stop",
    "start-limit-hit": "it failed too often in a short time, and is not started again",
    "protocol": "it never said that it is ready",
    "resources": "systemd could not start it",
}


def unit_status(systemctl: Systemctl) -> dict[str, Any]:
    """JSON values. Raises Unavailable `no_systemd`."""
    service = systemctl.show(SERVICE, *_PROPERTIES)
    timer = systemctl.show(TIMER, "LoadState", "ActiveState", "LastTriggerUSec")
    health = systemctl.show(HEALTH, "ExecMainStatus", "LoadState", "Result")
    result = service.get("Result", "")
    return {
        "installed": service.get("LoadState") == "loaded",
        "state": service.get("ActiveState", "unknown"),
        "sub_state": service.get("SubState", ""),
        "says": service.get("StatusText", ""),
        "pid": int(service.get("MainPID") or 0),
        "since": service.get("ActiveEnterTimestamp", ""),
        "at_boot": service.get("UnitFileState") == "enabled",
        "watchdog": service.get("WatchdogUSec", ""),
        "watchdog_fed": service.get("WatchdogTimestamp", ""),
        "restarts": int(service.get("NRestarts") or 0),
        "result": result,
        "reason": REASONS.get(result, result),
        "exit_status": int(service.get("ExecMainStatus") or 0),
        "timer": timer.get("ActiveState", "unknown"),
        "timer_last": timer.get("LastTriggerUSec", ""),
        "health": int(health.get("ExecMainStatus") or 0),
        "drop_ins": service.get("DropInPaths", "").split(),
    }


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """For a person: what it is about, and how it is."""
    if not found["installed"]:
        yield "service", "not installed; `vigentd service install` does that"
        return
    boot = "starts at boot" if found["at_boot"] else "does not start at boot"
    process = f", process {found['pid']}" if found["pid"] else ""
    since = f" since {found['since']}" if found["since"] and found["state"] == "active" else ""
    yield "service", f"{found['state']} ({found['sub_state']}){since}{process}, {boot}"
    if found["says"]:
        yield "says", found["says"]
    if found["watchdog"] not in ("", "0", "infinity"):
        fed = f", last fed {found['watchdog_fed']}" if found["watchdog_fed"] else ""
        yield "watchdog", f"after {found['watchdog']}{fed}"
    timer = (
        "looks every 30 s" if found["timer"] == "active" else f"{found['timer']}: nobody looks from outside"
    )
    last = f", last {found['timer_last']}" if found["timer_last"] else ""
    verdict = {0: "healthy", 1: "degraded", 2: "down"}.get(found["health"], "")
    yield "health", f"{timer}{last}" + (f", {verdict}" if verdict and last else "")
    if found["restarts"] or found["reason"]:
        why = f", {found['reason']}" if found["reason"] else ""
        yield "restarts", f"{found['restarts']} since it was started by hand{why}"
    if found["drop_ins"]:
        yield "drop-ins", " ".join(found["drop_ins"])
    if found["state"] != "active":
        yield "more", "`journalctl -u vigentd -n 50` says what happened, `vigentd doctor` what is missing"
