"""The voices that there are, the engine's own and those that people saved; and which can be used now."""

from __future__ import annotations

from typing import Any

from daemon.config import Config
from daemon.engines.roster import QWEN3, Chosen
from daemon.voice_choice import DEFAULT_VOICE, NEEDS, names, why_not
from models.errors import VigentdError
from models.qwen3.casting import PRESENTER
from models.voice_names import same_name
from models.voices import SavedVoice, UnreadableVoice, Voices

BUILT_IN, UNREADABLE = "built in", "unreadable"
UNREAD = "cannot be read"
_NOTHING = {"seconds": None, "text": "", "description": "", "language": "", "at": None, "chat_id": None}


def listed(config: Config) -> list[dict[str, Any]]:
    """As programs see them: the engine's own first, then the saved ones, the oldest first.

    kind: "built in", "recorded", "described"; or "unreadable": those are last, under their ids. why: it
    cannot be used now; "" when it can.
    """
    there = Voices(config.voices)
    saved = there.all()
    try:
        engine, trouble = Chosen(config).speech.name, ""
        spoken = names(config.settings)
    except VigentdError as e:  # the engine that is set cannot run: what is saved is there all the same
        engine, trouble, spoken = "", e.message, []
    rows = [_saved(voice, trouble or why_not(voice, engine, config.speech.model)) for voice in saved]
    fit = {v.name for v in saved if v.chat_id is None and config.speech.model.endswith(f"-{NEEDS[v.kind]}")}
    fit = fit if engine == QWEN3 else set()
    own = [_built_in(name, engine) for name in spoken if name not in fit]
    if engine == QWEN3 and config.speech.model.endswith("-VoiceDesign"):
        own = [row | {"description": PRESENTER} for row in own]
    default = config.defaults.voice
    by_language = engine == QWEN3 and config.speech.model.endswith("-CustomVoice")
    if default == DEFAULT_VOICE and spoken and not by_language:
        default = spoken[0]
    is_it = same_name if engine == QWEN3 else str.__eq__  # as each looks for it
    listed = [row | {"default": is_it(row["name"], default)} for row in own]
    listed += [row | {"default": row["name"] in fit and is_it(row["name"], default)} for row in rows]
    return [*listed, *map(_unreadable, there.unreadable())]


def why_not_now(voice: SavedVoice, config: Config) -> tuple[str, str]:
    """The engine that speaks, "" when none can; and why it cannot use this voice, "" when it can."""
    try:
        engine = Chosen(config).speech.name
    except VigentdError as e:
        return "", e.message
    return engine, why_not(voice, engine, config.speech.model)


def described(voice: SavedVoice, config: Config) -> dict[str, Any]:
    """One of `listed`."""
    return next(one for one in listed(config) if one["kind"] != BUILT_IN and one["name"] == voice.name)


def beginning(text: str, chars: int) -> str:
    """Of a text that people may have written at length."""
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def _built_in(name: str, engine: str) -> dict[str, Any]:
    return {"name": name, "kind": BUILT_IN, "engine": engine, "usable": True, "why": ""} | _NOTHING


def _unreadable(voice: UnreadableVoice) -> dict[str, Any]:
    name, why = voice.folder.name, f"{UNREAD}: {voice.why}"
    facts = {"name": name, "kind": UNREADABLE, "engine": "", "usable": False, "why": why, "default": False}
    return facts | _NOTHING


def _saved(voice: SavedVoice, why: str) -> dict[str, Any]:
    return {
        "name": voice.name,
        "kind": voice.kind,
        "engine": QWEN3,
        "usable": not why,
        "why": why,
        "seconds": voice.seconds or None,
        "text": voice.text,
        "description": voice.description,
        "language": voice.language,
        "at": voice.at,
        "chat_id": voice.chat_id,
    }
