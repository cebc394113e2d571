"""Is the installation over there the same as here? Other code or other weights would make other frames."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.errors import Unavailable
from models.latentsync.files import files_in
from models.latentsync.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parents[1]  # the package `models`
PACKAGES = ("torch", "diffusers", "numpy")
Facts = dict[str, Any]


def facts(weights: Path | None) -> Facts:
    """What decides the frames. weights: the folder of the models; None: random ones."""
    return {
        "code": _code(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in PACKAGES},
        "weights": "random" if weights is None else _weights(weights),
    }


def check_same(here: Facts, there: Facts, node: str) -> None:
    """Raises Unavailable `node_differs`. Weights that are not here are not compared."""
    others = [name for name in here if here[name] != there[name] and here[name]]
    if not others:
        return
    if others == ["weights"]:
        what = "has other weights" if there["weights"] else "does not have LatentSync's weights"
        hint = "Copy the head's folder of models there, and name it in cluster.weights if it lies elsewhere."
    else:
        said = {"code": "another version of vigentd", "weights": "other weights"}
        names = [
            said.get(name, f"{name} {there[name] or 'missing'} instead of {here[name]}") for name in others
        ]
        what = f"has {', '.join(names)}"
        hint = "Install there what is installed here, and start its Ray again."
    raise Unavailable(f"The node {node} {what}: it would make other frames", code="node_differs", hint=hint)


@cache
def _code() -> str:
    """16 hex digits of the sources that work there."""
    digest = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return ""


def _weights(folder: Path) -> str:
    """ "" when they are not all there."""
    try:
        return fingerprint(files_in(folder))
    except (Unavailable, OSError):
        return ""
