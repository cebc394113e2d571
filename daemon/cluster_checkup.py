"""What `vigentd doctor` finds about the cluster. Ray is not imported here."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from daemon.config import Config
from daemon.engines.roster import in_cluster, spoken_in_cluster
from daemon.finding import Finding
from models.cluster.link import HINT, INSTALL, LOCAL

NAME = "cluster"
ANSWER_S = 5.0
CLIENT, CLIENT_PORT = "ray://", "10001"
OVER_THE_WIRE = "Run `.venv/bin/pip install 'ray[client]==2.60.0'` here and on the head; start its Ray again."


def cluster(config: Config) -> Iterator[Finding]:
    """Nothing where none is wanted."""
    address = config.cluster.address
    if not address:
        return
    if not in_cluster(config) and not spoken_in_cluster(config.settings):
        fix = "Set lipsync.engine to auto or latentsync, or leave cluster.address out."
        yield Finding(NAME, "warn", "it is not used: lipsync.engine is mouthwarp, the draft engine", fix)
    elif find_spec("ray") is None:
        yield Finding(NAME, "fail", f"cluster.address is {address}, and Ray is not installed", f"{INSTALL}.")
    elif address.startswith(CLIENT) and find_spec("grpc") is None:
        yield Finding(NAME, "fail", f"{address} needs Ray's client, which is not installed", OVER_THE_WIRE)
    elif address == LOCAL:
        yield Finding(NAME, "ok", f"Ray {version('ray')}, on this machine alone, while the daemon runs")
    else:
        yield _reached(address)


def _reached(address: str) -> Finding:
    where = address.removeprefix(CLIENT)
    if address == "auto":
        where = _of_this_machine()
        if not where:
            found = "cluster.address is auto, and no Ray runs on this machine"
            fix = "`ray start` starts it; where it has a --temp-dir, name its address: HOST:6379."
            return Finding(NAME, "fail", found, fix)
    host, _, port = where.rpartition(":") if ":" in where else (where, "", CLIENT_PORT)
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
    except (OSError, ValueError, OverflowError) as e:  # no number, or too large a one
        why = getattr(e, "strerror", None) or str(e)
        return Finding(NAME, "fail", f"nobody answers at {where}: {why}", f"{HINT}.")
    how_to_see = "`vigentd cluster status` shows what the daemon sees there"
    return Finding(NAME, "ok", f"Ray {version('ray')}; somebody answers at {where}; {how_to_see}")


def _of_this_machine() -> str:
    """As Ray finds it; "" when it would find none."""
    said = os.environ.get("RAY_ADDRESS", "")
    if said and said not in ("auto", LOCAL):
        return said.removeprefix(CLIENT)
    folder = os.environ.get("RAY_TMPDIR") or "/tmp"
    try:
        return (Path(folder) / "ray" / "ray_current_cluster").read_text().strip()
    except OSError:
        return ""
