"""A target of the configuration, opened: its kind's own keys are read here."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.config import Config
from daemon.publications.settings import TargetSection
from handlers.publish.kind import Surroundings, TargetSettings
from handlers.publish.registry import Registry
from handlers.publish.target import Target
from models.errors import BadInput


@dataclass(frozen=True)
class Opened:
    settings: TargetSettings
    target: Target


def opened(section: TargetSection, registry: Registry, config: Config) -> Opened:
    """Reaches for nothing. Raises BadInput `unknown_kind`, `config_invalid`; Unavailable when its kind cannot
    be used."""
    kind = registry.kind(section.kind)
    try:
        settings = kind.settings.model_validate(section.own_of(kind.settings) | _lent(section, config))
    except ValidationError as e:
        raise _explained(
            section, kind.settings, e
        ) from None  # what pydantic says holds the values, secrets too
    return Opened(settings, kind.open(settings, Surroundings(config.targets / section.name)))


def _lent(section: TargetSection, config: Config) -> dict[str, Any]:
    """The bot's own token and server are what a channel is written to with, unless it says otherwise."""
    bot = config.telegram
    if section.kind != "telegram" or section.own.keys() & {"token", "token_file", "base_url"}:
        return {}
    lent = {"token": bot.token, "token_file": bot.token_file, "base_url": bot.base_url}
    return {name: value for name, value in lent.items() if value is not None} | {"local_mode": bot.local_mode}


def _explained(section: TargetSection, kind: type[TargetSettings], error: ValidationError) -> BadInput:
    """The first mistake, without the value, which may be a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    near = difflib.get_close_matches(key, kind.model_fields, 1)
    where = f'It stands in [[publish.target]] with name = "{section.name}"'
    unknown = first["type"] == "extra_forbidden"
    return BadInput(
        " ".join(part for part in (f"The target {section.name}:", key, _wrong(first, section.kind)) if part),
        code="config_invalid",
        hint=f"Did you mean {near[0]}? {where}" if unknown and near else where,
    )


def _wrong(first: ErrorDetails, kind: str) -> str:
    said = first["type"]
    if said == "missing":
        return "is missing"
    if said == "extra_forbidden":
        return f"is no key of the kind {kind}"
    if said in _WORDS:
        return _WORDS[said]
    return re.sub(r"^((Input|String|List|Tuple|Value) (?=should)|Value error, )", "", first["msg"])


_WORDS = {
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "tuple_type": 'should be a list, such as ["one", "two"]',
    "path_type": "should be a path",
    "dict_type": "should be a table, such as { name = 1 }",
    "model_type": "should be a table, such as { name = 1 }",
    "string_type": "should be text in quotes",
    "string_pattern_mismatch": "is not what it should look like",
}
