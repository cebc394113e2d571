"""A kind of place to publish to: what its part of the configuration looks like, and how it is opened.

    [[publish.target]]
    name = "archive"
    kind = "folder"
    path = "/srv/videos"

A module of kinds/ ends with `KIND = Kind("folder", FolderSettings, open_folder)`; another package has
such an object, too, and names it in its entry points: registry.py.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from handlers.publish.target import Target
from handlers.publish.text import TextSettings

if TYPE_CHECKING:
    import httpx


def _short_name(given: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", given):
        raise ValueError("should be a short name of small letters, digits, - and _")
    return given


class TargetSettings(BaseModel):
    """What is set for every target; a kind adds its own keys. Secrets are SecretStr, or a file's path."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )  # what is wrong is said without the values: one may be a secret

    name: Annotated[str, AfterValidator(_short_name)]
    kind: str
    text: TextSettings = TextSettings()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Surroundings:
    """What a target is given of this machine.

    data_dir: a folder of its own for tokens and the like; made (0700) by who writes there first.
    clock: monotonic seconds. now: with a time zone. transport: how HTTP is spoken; None: as usual.
    """

    data_dir: Path
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None


S = TypeVar("S", bound=TargetSettings)


@dataclass(frozen=True)
class Kind(Generic[S]):
    """open: reads no secret, and reaches for nothing: a target is opened also to look at what is set."""

    name: str
    settings: type[S]
    open: Callable[[S, Surroundings], Target]
