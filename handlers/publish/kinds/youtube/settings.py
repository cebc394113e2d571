"""What can be set for a target of the kind youtube."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from handlers.publish.kind import TargetSettings


def _secure(given: str) -> str:
    host = given.split("//", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
    if not given.startswith("https://") and not (
        given.startswith("http://") and host in ("127.0.0.1", "[::1]")
    ):
        raise ValueError("should begin with https://")
    if "@" in given:
        raise ValueError("should carry no name and password")
    return given.rstrip("/")


class YouTubeSettings(TargetSettings):
    """client_file: JSON of an OAuth client. login: device: with a code, on any other device, for a client of
    the type "TVs and limited input devices"; browser: with one on this machine, for a "desktop app".
    channel: its id (UC…), when the login must be for that one and no other. public_after_min: uploaded as
    private, and made public by YouTube so many minutes after the upload was begun. synthetic: tells viewers
    that what they see was made or changed by a machine, as YouTube demands of what looks real."""

    kind: Literal["youtube"] = "youtube"
    client_file: Path
    login: Literal["device", "browser"] = "device"
    channel: Annotated[str, Field(pattern=r"^(UC[A-Za-z0-9_-]{22})?$")] = ""
    privacy: Literal["private", "unlisted", "public"] = "private"
    public_after_min: Annotated[float, Field(gt=0, le=60 * 24 * 90)] | None = None
    category: Annotated[int, Field(ge=1, le=99)] = 22
    made_for_kids: bool = False
    synthetic: bool = True
    notify_subscribers: bool = True
    thumbnail: bool = True
    endpoint_url: Annotated[str, AfterValidator(_secure)] = "https://www.googleapis.com"

    @model_validator(mode="after")
    def _private_until_then(self) -> YouTubeSettings:
        if self.public_after_min is not None and self.privacy != "private":
            raise ValueError('public_after_min: privacy should be "private": it is, until then')
        return self
