"""Hearing a voice: some sentences, spoken in this process by the engine that is set."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daemon import catalogue
from daemon.config import Config
from models.errors import BadInput, Unavailable
from models.progress import Quiet
from models.voices import OWNER
from pipeline.spec import JobSpec


@dataclass(frozen=True)
class Spoken:
    """seconds: of sound; load_s: until the engine was there; took_s: to speak."""

    voice: str
    engine: str
    file: str
    seconds: float
    load_s: float
    took_s: float
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check_out(target: Path) -> None:
    """Raises BadInput `out_suffix`, `out_unwritable`."""
    if target.suffix.lower() != ".wav":
        raise BadInput(
            f"The sound {target} would be a WAV, but its name does not end in .wav",
            code="out_suffix",
            hint=f"Use {target.with_suffix('.wav').name}",
        )
    try:
        if stat.S_ISDIR(target.stat().st_mode):
            raise _unwritable(target, "it is a folder")
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise _unwritable(target, f"the folder {target.parent} does not exist") from None
    except OSError as e:
        raise _unwritable(target, e.strerror or str(e)) from e
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise _unwritable(target, f"nothing can be written into {target.parent}")


def _unwritable(target: Path, why: str) -> BadInput:
    return BadInput(
        f"The sound cannot be written to {target}: {why}",
        code="out_unwritable",
        hint="Choose another place with --out.",
    )


def wish(config: Config, voice: str, text: str, tone: str) -> JobSpec:
    """What is to be spoken. Raises BadInput when that voice cannot be had, or not in this tone."""
    from pipeline.options import check_options
    from pipeline.script import check_script

    script = check_script(text, config.limits.script_chars)
    told = check_options({"tone": tone}, "the command")["tone"]
    spec = JobSpec(script=script, clip=Path("/"), voice=voice, tone=told)
    return catalogue.with_voice(spec, config.settings, OWNER)


def speak(config: Config, spec: JobSpec, target: Path, clock: Callable[[], float]) -> Spoken:
    """Leaves a WAV (mono, 32-bit float) in `target`. clock: monotonic seconds. Raises as the engine does."""
    from daemon.engines.local import LocalEngines
    from pipeline.text import detect_language, split_sentences

    began = clock()
    engine = LocalEngines(config).speech
    engine.warm_up()
    loaded = clock()
    language = detect_language(spec.script)
    sentences = split_sentences(spec.script, language)
    speech = engine.speak(sentences, spec.voice_id or spec.voice, language, spec.seed, Quiet(), spec.tone)
    spoken = clock()
    _write(target, speech.wav, speech.rate)
    return Spoken(
        spec.voice,
        engine.name,
        str(target),
        round(speech.duration_s, 3),
        round(loaded - began, 3),
        round(spoken - loaded, 3),
        engine.remarks(sentences),
    )


def _write(target: Path, wav: Any, rate: int) -> None:
    from scipy.io import wavfile

    from pipeline.result import temporary

    part = temporary(target)
    try:
        wavfile.write(part, rate, wav)
        part.replace(target)
    except OSError as e:
        raise Unavailable(**_unwritable(target, e.strerror or str(e)).as_dict()) from e
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
