"""What `vigentd doctor` finds about the speech engine, and about what hears."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from daemon.config import Config
from daemon.engines.roster import chosen_speech
from daemon.finding import Finding, State, which_serves
from models.choose import choose_aligner
from models.errors import Unavailable
from models.qwen3.checkpoint import Checkpoint, folder_of, look, missing
from models.qwen3.decided import Decided
from models.qwen3.needs import FLASH_PACKAGE, SDPA
from models.sizes import size
from models.whisper.glance import damage

NAMED = 8  # voices, in a sentence
OWN = "torch's own (SDPA)"


def speech_engine(config: Config) -> Iterator[Finding]:
    """Which one will serve; if it is not the real one, why. Raises Unavailable `engine_missing`."""
    settings = config.speech
    choice = chosen_speech(config.settings)
    yield which_serves("speech", choice)
    if settings.engine == "espeak":
        return
    serves = choice.name == "qwen3"
    checkpoint = yield from _weights(config, "fail" if serves else "warn")
    if not serves:
        return
    if choice.device != "cpu":
        yield attention(settings.attention, settings.precision, measured_attention(config))
    if checkpoint is not None:
        yield from _voices(config, checkpoint)


def hearing(config: Config) -> Iterator[Finding]:
    """What finds the times of words that the engine does not know."""
    model = config.whisper.model
    choice = choose_aligner(model, config.speech.devices[0], config.weights)
    if choice.name:
        yield Finding("whisper", "ok", f"{model}, on {choice.device}")
    elif problem := damage(config.weights, model):
        yield Finding("whisper", "warn", problem.message, problem.hint)
    elif _speaks_without(config):
        yield Finding("whisper", "ok", "not here; only in recordings the times of words are estimated")
    else:
        yield Finding("whisper", "warn", choice.note, choice.fix)


def _speaks_without(config: Config) -> bool:
    try:
        return chosen_speech(config.settings).name == "espeak"
    except Unavailable:  # that engine's finding
        return False


def _weights(config: Config, if_wrong: State) -> Generator[Finding, None, Checkpoint | None]:
    """When some are there; where none is, that is the engine's finding. Returns what they are, if they can be
    what they are called."""
    name, model, folder = "speech weights", config.speech.model, config.weights
    own = folder_of(folder, model)
    try:
        if missing(folder, model) and not own.exists():
            return None
        checkpoint = look(folder, model)
    except Unavailable as e:
        yield Finding(name, if_wrong, e.message, e.hint)
        return None
    count = sum(path.stat().st_size for path in own.rglob("*.safetensors"))
    yield Finding(name, "ok", f"{model} in {own}: {size(count)}")
    return checkpoint


def attention(setting: str, precision: str, measured: str | None = None) -> Finding:
    """Which one reads what a voice is given; within CUDA graphs it is always torch's.

    measured: which was found to be the quicker one here, None: not yet.
    """
    if setting == "sdpa":
        why = "as it is set"
    elif precision == "fp32":
        why = f"{FLASH_PACKAGE} knows no fp32"
    elif find_spec(FLASH_PACKAGE) is None:
        why = f"{FLASH_PACKAGE} is not installed"
    elif setting == "auto" and measured == SDPA:
        why = f"{FLASH_PACKAGE} was measured, and does not help here"
    elif setting == "auto" and measured:
        quicker = f"{FLASH_PACKAGE}, measured to be the quicker one"
        return Finding("speech attention", "ok", f"{quicker}; {OWN} within CUDA graphs")
    else:
        tried = f"{FLASH_PACKAGE}, where it works (host-speech.log says so)"
        return Finding("speech attention", "ok", f"{tried}; {OWN} within CUDA graphs")
    return Finding("speech attention", "ok", f"{OWN}: {why}")


def measured_attention(config: Config) -> str | None:
    """Which attention the speech engine found to be the quicker one, with the packages of now."""
    try:
        here = (f"{package} {version(package)}" for package in ("torch", FLASH_PACKAGE))
        return Decided(config.attention_measured).last(config.speech.model, *here)
    except PackageNotFoundError:
        return None


def _voices(config: Config, checkpoint: Checkpoint) -> Iterator[Finding]:
    from models.qwen3.casting import spoken_voices
    from models.voices import Voices

    there = Voices(config.voices)
    wrong = [f"{voice.folder.name} ({voice.why})" for voice in there.unreadable()]
    wrong += [f"{voice.name} ({voice.damage})" for voice in there.all() if voice.damage]
    if wrong:
        fix = "`vigentd voices rm NAME` removes one, `vigentd voices add NAME --replace` saves it again."
        yield Finding("saved voices", "warn", f"cannot be read: {', '.join(wrong)}", fix)
    names = spoken_voices(checkpoint, there)
    listed = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    if names:
        yield Finding("speech voices", "ok", f"{len(names)} for {checkpoint.name}: {listed}")
        return
    fix = "Save one: `vigentd voices add NAME --audio FILE`."
    yield Finding("speech voices", "warn", f"none is saved, and {checkpoint.name} has none of its own", fix)
