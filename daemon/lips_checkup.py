"""What `vigentd doctor` finds about the lip-sync engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from daemon.config import Config
from daemon.engines.roster import chosen_lips, jitter
from daemon.finding import Finding, State, which_serves
from models.cluster.link import LOCAL
from models.errors import Unavailable
from models.latentsync.files import HINT, files_in, missing
from models.latentsync.glance import glance
from models.sizes import size


def lipsync_engine(config: Config) -> Iterator[Finding]:
    """Which one will serve; if it is not the real one, why. Raises Unavailable `engine_missing`."""
    settings = config.lipsync
    choice = chosen_lips(config)
    yield which_serves("lipsync", choice)
    if settings.engine == "mouthwarp":
        return
    serves_here = choice.name == "latentsync" and config.cluster.address in ("", LOCAL)
    yield from _weights(config.weights, "fail" if serves_here else "warn")
    if choice.name == "mouthwarp":
        return
    if warning := jitter(settings):
        yield Finding("lipsync guidance", "warn", warning, "Set it lower; 1.5 is usual.")


def _weights(folder: Path, if_wrong: State) -> Iterator[Finding]:
    """When some are there; where none is, that is the engine's finding."""
    name, files = "lipsync weights", files_in(folder)
    try:
        absent = missing(files)
    except Unavailable as e:  # a folder that may not be entered
        yield Finding(name, if_wrong, e.message, e.hint)
        return
    there = [path for path in (files.unet, files.vae_weights, files.whisper) if path not in absent]
    if not there:
        return
    problems = glance(files)
    for problem in problems:
        yield Finding(name, if_wrong, problem.message, problem.hint)
    if absent:
        names = ", ".join(str(path.relative_to(folder)) for path in absent)
        yield Finding(name, "warn", f"in {folder}, but not {names}", HINT)
    elif not problems:
        sizes = (f"{path.relative_to(folder)} {size(path.stat().st_size)}" for path in there)
        yield Finding(name, "ok", f"in {folder}: {', '.join(sizes)}")
