"""The server that weights are fetched from: the hub, or a mirror of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from models.errors import BadInput
from models.hub.catalogue import HUB


@dataclass(frozen=True)
class Source:
    """endpoint: an address without a slash at its end. token: "" for none; it goes to this server only.

    withheld: whether there is one that is not for this server.
    """

    endpoint: str = HUB
    token: str = field(default="", repr=False)
    withheld: bool = False

    @property
    def is_hub(self) -> bool:
        return self.endpoint == HUB

    @property
    def host(self) -> str:
        """As a person is told it: without a password that may stand in the address."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    @property
    def shown(self) -> str:
        """The address, without a password."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.host}{parts.path}"


def chosen(endpoint: str | None, environment: Mapping[str, str]) -> Source:
    """endpoint: what the person said, if anything; it counts before HF_ENDPOINT. HF_TOKEN opens a person's
    account at the hub, so it is for the hub alone.

    Raises BadInput `endpoint_invalid`, `token_invalid`.
    """
    said = endpoint if endpoint is not None else environment.get("HF_ENDPOINT", "").strip() or HUB
    token = environment.get("HF_TOKEN", "").strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise BadInput(
            "HF_TOKEN is no token: it has spaces or letters in it that none has",
            code="token_invalid",
            hint="Copy it again from https://huggingface.co/settings/tokens, or unset it: none is needed.",
        )
    address = _address(said.strip())
    if address == HUB:
        return Source(address, token)
    return Source(address, withheld=bool(token))


def _address(said: str) -> str:
    try:
        parts = urlsplit(said)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or re.search(r"[^!-~]", said):
        raise BadInput(
            "The endpoint is not an address of a server",
            code="endpoint_invalid",
            hint="Give one such as https://hf-mirror.com, with --endpoint or in HF_ENDPOINT.",
        )
    return said.rstrip("/")
