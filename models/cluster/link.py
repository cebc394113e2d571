"""This process's link to a Ray cluster."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import gpus
from models.errors import Unavailable
from models.launch import visible

NAMESPACE = "vigentd"
LOCAL = "local"  # a cluster of this machine alone, for trying
LOOK_EVERY_S = 0.2
ENDS_S = 5.0
LONGEST_FOLDER = 40  # characters: names of sockets are cut off elsewhere, and Ray's are long
HINT = (
    "`ray status` on the head says whether it runs; cluster.address is what `ray start --head` has printed, "
    'or "auto" on the head itself. The daemon needs the cluster\'s token, too: RAY_AUTH_TOKEN_PATH'
)
INSTALL = "Run `make install-all`, or `.venv/bin/pip install 'vigentd[cluster]'`"


class Head:
    """Keeps the cluster of this machine, when cluster.address is "local"; and looks at any cluster."""

    name, version = "ray", 1

    def __init__(self, address: str, found: str, devices: Sequence[str]) -> None:
        """found: a file that tells the others on this machine how to get there, with the token. devices: that
        a cluster of this machine may use; the others are somebody else's.
        """
        path = Path(found)
        path.unlink(missing_ok=True)
        if address != LOCAL:
            _linked(address)
            return
        remove_folder(path)  # of one that was killed
        folder, token = _folder(path), secrets.token_hex(32)
        _alone(token)
        os.environ[gpus.VISIBLE] = _visible(devices)
        ray = _linked(LOCAL, include_dashboard=False, _temp_dir=str(folder))
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps([ray.get_runtime_context().gcs_address, token]))
        part.replace(path)


def link(address: str, found: Path) -> Any:
    """The module `ray`, linked. found: as Head's, waited for when the address is "local".

    Raises Unavailable.
    """
    if address != LOCAL:
        return _linked(address)
    while not found.exists():
        time.sleep(LOOK_EVERY_S)
    there, token = json.loads(found.read_text())
    _alone(token)
    return _linked(there)


def remove_folder(found: Path) -> None:
    """Of the cluster of this machine, when it is ended, or about to be. found: as Head's."""
    folder, until = _folder(found), time.monotonic() + ENDS_S
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)  # its processes may write still
        time.sleep(LOOK_EVERY_S / 4)


def _folder(found: Path) -> Path:
    folder = found.parent / "ray"
    if len(str(folder)) <= LONGEST_FOLDER:
        return folder
    return Path(f"/tmp/vigentd-ray-{os.getuid()}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}")


def _visible(devices: Sequence[str]) -> str:
    """To Ray, for CUDA_VISIBLE_DEVICES: this process was given no GPU."""
    listed = gpus.of_the_daemon(os.environ)
    ours = {} if listed == gpus.ALL else {gpus.VISIBLE: listed}
    return ",".join(dict.fromkeys(visible(device, ours) for device in devices if device != "cpu"))


def _alone(token: str) -> None:
    """Before Ray is imported: of a cluster of this machine. Who does not know the token cannot use it (by
    itself Ray would write one into the person's home), and nobody elsewhere can reach it: as on the systems
    that this variable is named for, Ray then listens on the loopback address."""
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token, RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0")


def _linked(address: str, **how: Any) -> Any:
    # It leaves CUDA_VISIBLE_DEVICES alone where no GPU is asked for, and tells its makers nothing.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TMPDIR", "/tmp")  # "auto" is looked up there; our TMPDIR is another
    try:
        import ray
    except ImportError as e:
        raise Unavailable("Ray is not installed", code="cluster_away", hint=INSTALL) from e
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.WARNING}
    try:
        ray.init(address=address, namespace=NAMESPACE, **quiet, **how)
    except (OSError, ValueError, ImportError, RuntimeError, ray.exceptions.RayError) as e:
        raise _away(address, e) from e
    return ray


def actor_name(replica: str, pid: int) -> str:
    """Of the actor that works for this process; two heads may use one cluster."""
    return f"{replica}.{pid}.{os.uname().nodename}"


def nodes(engine: Head, asked: dict[str, Any], progress: Any) -> list[dict[str, Any]]:
    """Of the cluster, as seen from here. replicas: names of the actors that have a place there."""
    import ray

    if ray.util.client.ray.is_connected():  # then only the other end can look
        return list(ray.get(ray.remote(_nodes).options(num_cpus=0).remote()))
    return _nodes()


def _nodes() -> list[dict[str, Any]]:
    import ray

    # What is public of this needs Ray's dashboard, a server on one more port.
    state = ray._private.state
    free, actors = state.available_resources_per_node(), state.actors(actor_state_name="ALIVE").values()
    return [
        {
            "id": node["NodeID"],
            "name": node["NodeManagerHostname"],
            "address": node["NodeManagerAddress"],
            "alive": bool(node["Alive"]),
            "head": "node:__internal_head__" in node["Resources"],
            "cpus": node["Resources"].get("CPU", 0.0),
            "gpus": node["Resources"].get("GPU", 0.0),
            "free_gpus": free.get(node["NodeID"], {}).get("GPU", 0.0),
            "replicas": sorted(a["Name"] for a in actors if a["Address"]["NodeID"] == node["NodeID"]),
        }
        for node in ray.nodes()
    ]


def _away(address: str, error: Exception) -> Unavailable:
    why = (str(error).splitlines() or [""])[0].strip()
    return Unavailable(
        f"The Ray cluster at {address} cannot be reached: {why}", code="cluster_away", hint=HINT
    )
