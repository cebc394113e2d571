"""Is the installation over there the same as here? Other code or other weights would make other frames."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.errors import Unavailable

ROOT = Path(__file__).resolve().parents[1]  # the package `models`
PACKAGES = {
    "latentsync": ("torch", "diffusers", "numpy"),
    "qwen3": ("torch", "transformers", "qwen-tts-hf", "faster-qwen3-tts", "numpy"),
}
Facts = dict[str, Any]


def facts(plan: dict[str, Any]) -> Facts:
    """What decides the frames, or the samples. plan: of a replica's host, with the folder of weights here."""
    return {
        "code": _code(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in PACKAGES[plan["arguments"]["name"]]},
        "weights": _weights(plan["arguments"]),
    }


def check_same(here: Facts, there: Facts, node: str, plan: dict[str, Any]) -> None:
    """plan: as of `facts`. Raises Unavailable `node_differs`. Weights that are not here are not compared."""
    speaks = plan["arguments"]["name"] == "qwen3"
    others = [name for name in here if here[name] != there[name] and here[name]]
    if not others:
        return
    if others == ["weights"]:
        what = (
            "has other weights"
            if there["weights"]
            else f"does not have the weights of {_whose(plan['arguments'])}"
        )
        hint = "Copy the head's folder of models there, and name it in cluster.weights if it lies elsewhere."
    else:
        said = {"code": "another version of vigentd", "weights": "other weights"}
        names = [
            said.get(name, f"{name} {there[name] or 'missing'} instead of {here[name]}") for name in others
        ]
        what = f"has {', '.join(names)}"
        hint = "Install there what is installed here, and start its Ray again."
    made = "it would speak otherwise" if speaks else "it would make other frames"
    raise Unavailable(f"The node {node} {what}: {made}", code="node_differs", hint=hint)


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


def _weights(arguments: dict[str, Any]) -> str:
    """ "" when they are not all there."""
    try:
        if arguments["name"] == "qwen3":
            return _of_speech(arguments["how"], arguments.get("hearing") or {})
        return _of_lips(arguments["folder"])
    except (Unavailable, OSError):
        return ""


def _whose(arguments: dict[str, Any]) -> str:
    if arguments["name"] != "qwen3":
        return "LatentSync"
    return "Qwen3-TTS or Whisper" if arguments.get("hearing") else "Qwen3-TTS"


def _of_speech(how: dict[str, Any], hearing: dict[str, Any]) -> str:
    from models.qwen3.checkpoint import fingerprint
    from models.whisper import find

    if hearing and find(Path(hearing["folder"]), hearing["model"]) is None:
        return ""
    return fingerprint(Path(how["folder"]), how["model"])


def _of_lips(folder: str | None) -> str:
    from models.latentsync.files import files_in
    from models.latentsync.fingerprint import fingerprint

    return "random" if folder is None else fingerprint(files_in(Path(folder)))
