"""Who speaks, and how: a saved voice, a built-in speaker or a description, whichever the checkpoint can.

A checkpoint serves one kind of voice. What it cannot is refused here, when a job is submitted and not when it
is made. Without torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import BadInput
from models.qwen3.checkpoint import Checkpoint
from models.voice_names import no_such_voice, same_name
from models.voices import EVERYBODY, By, SavedVoice, Voices

DEFAULT = "default"

LANGUAGES = {  # as a job calls them → as the model does
    "zh": "chinese",
    "en": "english",
    "de": "german",
    "it": "italian",
    "pt": "portuguese",
    "es": "spanish",
    "ja": "japanese",
    "ko": "korean",
    "fr": "french",
    "ru": "russian",
}
AUTO = "auto"  # the model finds out by itself

# The speakers of the published CustomVoice checkpoints, and for whose language each was recorded.
SPEAKERS = {
    "vivian": "zh",
    "serena": "zh",
    "uncle_fu": "zh",
    "dylan": "zh",  # Beijing
    "eric": "zh",  # Sichuan
    "ryan": "en",
    "aiden": "en",
    "ono_anna": "ja",
    "sohee": "ko",
}
_ELSE = "en"  # whose speakers read what is nobody's own

PRESENTER = (
    "A friendly presenter in their thirties with a warm, clear voice, who speaks at a lively and natural "
    "pace, as to a good acquaintance."
)

_NEEDS = {"base": "Base", "custom_voice": "CustomVoice", "voice_design": "VoiceDesign"}
_IS = {"base": "a recording", "custom_voice": "a built-in speaker", "voice_design": "a description"}


@dataclass(frozen=True)
class Role:
    """voice: its name. kind: as the checkpoint's. language: as the model calls it.

    saved: the recording or the description, None: what is built in. speaker: of a CustomVoice, "" for others.
    instruct: what the model is told of the voice and of its tone; "": nothing.
    """

    voice: str
    kind: str
    language: str
    saved: SavedVoice | None = None
    speaker: str = ""
    instruct: str = ""


def cast(
    checkpoint: Checkpoint, voices: Voices, voice: str, tone: str, language: str, by: By = EVERYBODY
) -> Role:
    """voice, by: as of `saved_voice`. language: of the job, "en" or "auto".

    Raises BadInput `voice_unknown`, `voice_missing`, `voice_wrong_kind`, `voice_unreadable`, `tone_unfit`,
    `language_unknown`.
    """
    spoken = model_language(checkpoint, language)
    tone = " ".join(tone.split())
    if tone and not checkpoint.takes_tone:
        raise _tone_unfit(checkpoint)
    saved = saved_voice(checkpoint, voices, voice, by)
    if checkpoint.kind == "base":
        if saved is None:
            raise _voice_missing(checkpoint)
        return Role(saved.name, "base", spoken, saved)
    if checkpoint.kind == "custom_voice":
        speaker = _speaker(checkpoint, voice, language)
        return Role(speaker, "custom_voice", spoken, None, speaker, tone)
    name, description = (saved.name, saved.description) if saved else (DEFAULT, PRESENTER)
    return Role(name, "voice_design", spoken, saved, "", f"{description} {tone}".strip())


def saved_voice(checkpoint: Checkpoint, voices: Voices, voice: str, by: By = EVERYBODY) -> SavedVoice | None:
    """What was saved of this voice; None when it is built in. Raises BadInput as `cast`, but for the tone.

    voice: the name of one that `by` may use; or the id of any, of a job for which that was found out. A name
    alone does not do for a voice of a chat: another chat may have it when the job's turn comes.
    """
    if voice == DEFAULT:
        return _default(checkpoint, voices)
    all_voices = voices.all()
    named = (one for one in all_voices if same_name(one.name, voice) and one.open_to(by))
    found = next((one for one in all_voices if one.id == voice), None) or next(named, None)
    if found is not None and _kind(found) == checkpoint.kind:
        return _whole(found)
    if checkpoint.kind == "custom_voice" and _folded(voice) in checkpoint.speakers:
        return None
    if found is not None:
        raise _wrong_kind(checkpoint, voices, found.name, _kind(found))
    if built_in(voice) and checkpoint.kind != "custom_voice":
        raise _wrong_kind(checkpoint, voices, voice, "custom_voice")
    raise _voice_unknown(checkpoint, voices, voice)


def model_language(checkpoint: Checkpoint, language: str) -> str:
    """As the model calls it. Raises BadInput `language_unknown`."""
    if language == AUTO:
        return AUTO
    name = LANGUAGES.get(language, language)
    if name in checkpoint.languages:
        return name
    known = [short for short, long in LANGUAGES.items() if long in checkpoint.languages]
    raise BadInput(
        f"Qwen3-TTS {checkpoint.name} does not speak the language “{language}”",
        code="language_unknown",
        hint=f"Choose one of: {', '.join(known)}",
    )


def built_in(name: str) -> bool:
    """Whether some checkpoint, this or another, has a speaker of this name."""
    return _folded(name) in SPEAKERS


def spoken_voices(checkpoint: Checkpoint, voices: Voices) -> list[str]:
    """The names of the voices that anybody may use here; the first is what "default" stands for."""
    if checkpoint.kind == "custom_voice":
        return list(checkpoint.speakers)
    names = [voice.name for voice in _fit(checkpoint, voices)]
    if checkpoint.kind == "voice_design" and not (names and same_name(names[0], DEFAULT)):
        return [DEFAULT, *names]
    return names


def _default(checkpoint: Checkpoint, voices: Voices) -> SavedVoice | None:
    """One that is damaged stays the default: another person's voice in its place would be a surprise."""
    if checkpoint.kind == "custom_voice":
        return None
    first = next(iter(_fit(checkpoint, voices)), None)
    if first is None and checkpoint.kind == "base":
        raise _voice_missing(checkpoint)
    if first is None or (checkpoint.kind == "voice_design" and not same_name(first.name, DEFAULT)):
        return None
    return _whole(first)


def _fit(checkpoint: Checkpoint, voices: Voices) -> list[SavedVoice]:
    """Everybody's, of that kind: one called "default", then the oldest first."""
    fit = (one for one in voices.all() if one.open_to(EVERYBODY) and _kind(one) == checkpoint.kind)
    return sorted(fit, key=lambda voice: not same_name(voice.name, DEFAULT))


def _whole(voice: SavedVoice) -> SavedVoice:
    if voice.damage:
        raise unreadable(voice, voice.damage)
    return voice


def _speaker(checkpoint: Checkpoint, voice: str, language: str) -> str:
    if voice != DEFAULT:
        return _folded(voice)
    for wanted in (language, _ELSE):
        for name, own in SPEAKERS.items():
            if own == wanted and name in checkpoint.speakers:
                return name
    return checkpoint.speakers[0]


def _kind(voice: SavedVoice) -> str:
    return "base" if voice.kind == "recorded" else "voice_design"


def _folded(name: str) -> str:
    return "_".join(name.casefold().split())


def _wrong_kind(checkpoint: Checkpoint, voices: Voices, voice: str, kind: str) -> BadInput:
    there = spoken_voices(checkpoint, voices)
    choose = f", or choose one of: {', '.join(there)}" if there else ""
    needed = f"1.7B-{_NEEDS[kind]}"
    return BadInput(
        f"The voice “{voice}” is {_IS[kind]}, which Qwen3-TTS {checkpoint.name} cannot speak with",
        code="voice_wrong_kind",
        hint=f'Set speech.model = "{needed}" in vigentd.toml (it is "{checkpoint.name}" now){choose}',
    )


def _voice_unknown(checkpoint: Checkpoint, voices: Voices, voice: str) -> BadInput:
    there = spoken_voices(checkpoint, voices)
    return no_such_voice(voice, there, _add(checkpoint), f"Qwen3-TTS {checkpoint.name}")


def unreadable(voice: SavedVoice, why: str) -> BadInput:
    return BadInput(
        f"The recording of the voice “{voice.name}” cannot be read: {why}",
        code="voice_unreadable",
        hint=f'Save it again with `vigentd voices add "{voice.name}" --audio FILE --replace`',
    )


def _voice_missing(checkpoint: Checkpoint) -> BadInput:
    return BadInput(
        f"Qwen3-TTS {checkpoint.name} speaks with saved voices, and none is saved",
        code="voice_missing",
        hint=_add(checkpoint),
    )


def _add(checkpoint: Checkpoint) -> str:
    how = "--describe TEXT" if checkpoint.kind == "voice_design" else "--audio FILE --text TEXT"
    return f"Save one with `vigentd voices add NAME {how}`"


def _tone_unfit(checkpoint: Checkpoint) -> BadInput:
    who = (
        "a saved voice speaks as in its recording"
        if checkpoint.kind == "base"
        else "it is too small for that"
    )
    return BadInput(
        f"Qwen3-TTS {checkpoint.name} cannot be told the tone: {who}",
        code="tone_unfit",
        hint='Leave the tone out, or set speech.model = "1.7B-CustomVoice" or "1.7B-VoiceDesign"',
    )
