"""What can be set for a target of the kind peertube."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from handlers.publish.kind import TargetSettings
from handlers.publish.kinds import speaking


def _base(given: str) -> str:
    if speaking.checked_address(given).startswith("http:") and not speaking.is_local(given):
        raise ValueError("should begin with https://: a password goes there")
    return given.rstrip("/")


class PeerTubeSettings(TargetSettings):
    """channel: its short name. category, licence: PeerTube's numbers. support: shown beside the video."""

    kind: Literal["peertube"] = "peertube"
    url: Annotated[str, AfterValidator(_base)]
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    password_file: Path | None = None
    channel: Annotated[str, Field(min_length=1)]
    privacy: Literal["public", "unlisted", "private", "internal"] = "private"
    category: Annotated[int, Field(ge=1)] | None = None
    licence: Annotated[int, Field(ge=1)] | None = None
    support: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _one_password(self) -> PeerTubeSettings:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give one of password and password_file")
        return self
