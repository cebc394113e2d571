"""The voice that a job names: is it there, may whoever asks use it, and can the engine speak with it?"""

from __future__ import annotations

from typing import Protocol

from daemon.engines.roster import QWEN3, chosen_speech
from models.choose import speech_engine
from models.errors import BadInput
from models.voice_names import no_such_voice
from models.voices import By, SavedVoice, Voices
from pipeline.spec import Settings

DEFAULT_VOICE = "default"
NEEDS = {"recorded": "Base", "described": "VoiceDesign"}  # the kind of checkpoint that speaks with it


class Asked(Protocol):
    @property
    def voice(self) -> str: ...
    @property
    def tone(self) -> str: ...
    @property
    def language(self) -> str: ...


def names(settings: Settings) -> list[str]:
    """Of those that anybody may use; the first is what "default" stands for, where the language of the script
    does not decide. Raises Unavailable `engine_missing`, `weights_wrong`, `voices_unusable`."""
    engine = chosen_speech(settings).name
    if engine != QWEN3:
        return speech_engine(engine).voices()
    from models.qwen3.casting import spoken_voices
    from models.qwen3.checkpoint import look

    return spoken_voices(look(settings.weights, settings.speech.model), Voices(settings.voices))


def check_voice(asked: Asked, settings: Settings, by: By) -> SavedVoice | None:
    """In its tone and language, too, where the engine minds them. Returns what was saved of it; None when it
    is the engine's own.

    Raises BadInput `voice_unknown`, `voice_wrong_kind` and as `casting.cast` does; Unavailable as `names`.
    """
    engine = chosen_speech(settings).name
    if engine == QWEN3:
        return _cast(asked, settings, by)
    if asked.voice in (DEFAULT_VOICE, *(known := names(settings))):
        return None
    saved = Voices(settings.voices).find(asked.voice)
    if saved is None or not saved.open_to(by):
        raise no_such_voice(asked.voice, known)
    raise BadInput(
        f"The voice “{saved.name}” cannot be used now: {why_not(saved, engine, settings.speech.model)}",
        code="voice_wrong_kind",
        hint="`vigentd doctor` says what the other engine needs. Or choose one of `vigentd voices`.",
    )


def check_tone(asked: Asked, settings: Settings, by: By) -> None:
    """Alone: what is wrong with the voice is said of the voice."""
    try:
        check_voice(asked, settings, by)
    except BadInput as e:
        if e.code == "tone_unfit":
            raise


def why_not(voice: SavedVoice, engine: str, model: str) -> str:
    """Why the engine that speaks, with the checkpoint that is set, cannot use it; "" when it can."""
    kind = NEEDS[voice.kind]
    if voice.damage:
        return f"its recording cannot be read: {voice.damage}"
    if engine != QWEN3:
        return f"{engine} has only voices of its own; a {voice.kind} voice is spoken by Qwen3-TTS ({kind})"
    if model.endswith(f"-{kind}"):
        return ""
    return f"speech.model is {model}, and a {voice.kind} voice is spoken by 1.7B-{kind}"


def _cast(asked: Asked, settings: Settings, by: By) -> SavedVoice | None:
    from models.qwen3.casting import cast
    from models.qwen3.checkpoint import look

    checkpoint, voices = look(settings.weights, settings.speech.model), Voices(settings.voices)
    saved = cast(checkpoint, voices, asked.voice, asked.tone, asked.language, by).saved
    if saved is not None and not saved.open_to(by):  # somebody wrote the id of a voice, and not its name
        raise no_such_voice(asked.voice, names(settings))
    return saved
