"""The options at the head of a script: what they come to, and what is wrong with one of them.

What was chosen with the buttons of the card counts more: what the head says of it is not even looked at.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from daemon import catalogue
from daemon.config import Config
from daemon.said import Said, checked, checked_head
from handlers.telegram.choices import NONE
from handlers.telegram.door import theirs
from models.errors import BadInput
from models.shortened import shortened
from pipeline.options import KNOWN
from pipeline.spec import Language, Options, Settings

LISTED = 12  # names in a sentence
_CODES = {
    "option_unknown": "head_unknown",
    "option_invalid": "head_invalid",
    "tone_unfit": "head_unfit",
    "voice_wrong_kind": "head_unfit",
}
VALUE_CHARS = 40


class WrongHead(Exception):
    """told: as `Findings.error`; option, value: which; near: what was perhaps meant; known: what there is."""

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__(told["message"])
        self.told = told


def without(head: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What of the head counts."""
    return {name: value for name, value in head.items() if name not in chosen}


def check(head: Said, config: Config, chat_id: int, place: str) -> None:
    """place: where it is to be corrected: "message" or "file". Raises WrongHead, Unavailable."""
    for name, value in head.options.items():
        one = Said({name: value}, head.where)
        try:
            chosen = Options(**checked_head(one, config.settings))
            look = catalogue.checks(chosen, config.settings, chat_id).get(name)
            if look is not None:
                look()
        except BadInput as e:
            raise WrongHead(_told(e, name, value, _names(name, config, chat_id), place)) from e


def counting(
    head: Said, preset: Said, chosen: Said, defaults: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """All options as they will count, as JSON. The later counts: defaults, chat, script, card."""
    values = dict(defaults)
    for said in (preset, head, chosen):
        values |= checked(said, settings)
    return Options(**{name: values[name] for name in KNOWN if name in values}).model_dump(mode="json")


def _told(error: BadInput, name: str, value: Any, names: list[str], place: str) -> dict[str, str]:
    code = _CODES.get(error.code, "head_gone")
    known = list(KNOWN) if code == "head_unknown" else names
    meant = name if code == "head_unknown" else str(value)
    near = difflib.get_close_matches(meant.lower().replace("-", "_"), known, 1)
    return error.as_dict() | {
        "code": code,
        "option": _short(name),
        "value": _short(value),
        "near": near[0] if near else "",
        "known": ", ".join(known[:LISTED]) + (" …" if len(known) > LISTED else ""),
        "place": place,
    }


def _names(option: str, config: Config, chat_id: int) -> list[str]:
    """What there is to choose from; empty for what is no name."""
    settings = config.settings
    if option == "language":
        return list(get_args(Language))
    if option == "voice":
        return list(dict.fromkeys(["default", *theirs.voices_of(config, chat_id)]))
    if option == "music":
        return [NONE, *(track["name"] for track in catalogue.music(settings))]
    kind = {"subtitles": "subtitle", "title_style": "title"}.get(option)
    return [look["name"] for look in catalogue.styles(settings) if look["kind"] == kind]


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shortened("".join(c if c.isprintable() else " " for c in text), VALUE_CHARS)
