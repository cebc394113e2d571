"""What all doors and targets share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from httpx._transports import default


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """It takes as long as the rest of a small test, and nearly each of them opens connections of its own."""
    create = httpx.create_ssl_context
    usual = create()

    def kept(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        return usual if verify is True and cert is None else create(verify, cert, trust_env)

    with pytest.MonkeyPatch.context() as patch:
        for module in (httpx, default):
            patch.setattr(module, "create_ssl_context", kept)
        yield
