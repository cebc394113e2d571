"""What can be set for a target of the kind s3."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from handlers.publish.kind import TargetSettings


def _web_address(given: str) -> str:
    if given and not given.startswith(("https://", "http://")):
        raise ValueError("should begin with https:// or http://")
    if "@" in given:
        raise ValueError("should carry no name and password: there are access_key and secret_key_file")
    return given.rstrip("/")


def _prefix(given: str) -> str:
    if given.startswith("/") or len(given.encode()) > 800 or not given.isprintable():
        raise ValueError('should be the beginning of an object\'s name, without a first "/"')
    return given


WebAddress = Annotated[str, AfterValidator(_web_address)]


class S3Settings(TargetSettings):
    """access_key and the secret: without them, those of AWS's own places (AWS_… in the environment,
    ~/.aws/credentials, the role of the machine). public_url: where people see the bucket, for the link."""

    kind: Literal["s3"] = "s3"
    bucket: Annotated[str, Field(min_length=3, max_length=63, pattern=r"^[A-Za-z0-9._-]+$")]
    endpoint_url: WebAddress = ""
    region: Annotated[str, Field(min_length=1)] = "us-east-1"
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    access_key: str = ""
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    addressing: Literal["auto", "path", "virtual"] = "auto"
    public_url: WebAddress = ""

    @model_validator(mode="after")
    def _one_secret(self) -> S3Settings:
        secrets = [given for given in (self.secret_key, self.secret_key_file) if given is not None]
        if len(secrets) > 1:
            raise ValueError("secret_key and secret_key_file: give one of the two")
        if bool(self.access_key) != bool(secrets):
            raise ValueError("access_key and a secret_key or secret_key_file belong together")
        return self
