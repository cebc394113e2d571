"""A target of the configuration, opened: its kind's own keys are read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

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
        raise _explained(section, e) from None  # what pydantic says holds the values, secrets too
    return Opened(settings, kind.open(settings, Surroundings(config.targets / section.name)))


def _lent(section: TargetSection, config: Config) -> dict[str, Any]:
    """The bot's own token and server are what a channel is written to with, unless it says otherwise."""
    bot = config.telegram
    if section.kind != "telegram" or section.own.keys() & {"token", "token_file", "base_url"}:
        return {}
    lent = {"token": bot.token, "token_file": bot.token_file, "base_url": bot.base_url}
    return {name: value for name, value in lent.items() if value is not None} | {"local_mode": bot.local_mode}


def _explained(section: TargetSection, error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    what = {"missing": "is missing", "extra_forbidden": f"is no key of the kind {section.kind}"}.get(
        first["type"], first["msg"].removeprefix("Value error, ")
    )
    return BadInput(
        f"The target {section.name}: {key} {what}" if key else f"The target {section.name} {what}",
        code="config_invalid",
        hint=f'It stands in [[publish.target]] with name = "{section.name}"',
    )
