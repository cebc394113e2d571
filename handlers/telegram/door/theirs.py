"""Whose voice it is: one that was kept in a chat may be used there, and for others it does not exist."""

from __future__ import annotations

from typing import Any

from daemon import catalogue
from daemon.config import Config
from daemon.voice_choice import DEFAULT_VOICE
from daemon.voice_list import listed
from models.progress import Progress
from pipeline.spec import JobSpec


def with_voice(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "chat_id", "spec": JobSpec as JSON}. Returns {"spec": with the voice that it names}.

    Raises BadInput when that chat cannot have this voice; Unavailable.
    """
    config, spec = Config(**asked["config"]), JobSpec.model_validate(asked["spec"])
    found = catalogue.with_voice(spec, config.settings, asked["chat_id"])
    return {"spec": found.model_dump(mode="json")}


def usable_voices(config: Config) -> list[tuple[str, int | None]]:
    """Of all that the engine can speak with now, beside "default": the name, and the chat that it is for."""
    there = [voice for voice in listed(config) if voice["usable"]]
    return [(v["name"], v["chat_id"]) for v in there if v["name"] != DEFAULT_VOICE]


def voices_of(config: Config, chat_id: int) -> list[str]:
    """What may be chosen there, beside "default"."""
    return [name for name, of_chat in usable_voices(config) if of_chat in (None, chat_id)]
