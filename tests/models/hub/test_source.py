"""Which server is asked, and who is given the token."""

from __future__ import annotations

import pytest

from models.errors import BadInput
from models.hub.catalogue import HUB
from models.hub.source import chosen


def test_bad_addresses_and_tokens_are_refused_without_showing_them() -> None:
    for address in (
        "hf-mirror.com",
        "ftp://x",
        "http://",
        "https://x y",
        "http://x:99999",
        "https://x/?a=b",
        "",
    ):
        with pytest.raises(BadInput) as raised:
            chosen(address, {})
        assert raised.value.code == "endpoint_invalid"
    with pytest.raises(BadInput) as raised:
        chosen(None, {"HF_TOKEN": "hf_sécret"})
    assert "cret" not in raised.value.message
    assert chosen(None, {}).endpoint == chosen(None, {"HF_ENDPOINT": ""}).endpoint == HUB
    assert chosen("https://a/", {"HF_ENDPOINT": "https://b"}).endpoint == "https://a"
    source = chosen(None, {"HF_ENDPOINT": "https://me:pass@b:81/x"})
    assert (source.host, source.shown) == ("b:81", "https://b:81/x")


def test_a_token_is_for_the_hub_alone() -> None:
    secret = {"HF_TOKEN": " hf_1\n"}
    hub = chosen(f"{HUB}/", secret)
    assert (hub.token, hub.withheld, "hf_1" in repr(hub)) == ("hf_1", False, False)
    for other in (
        "https://hf-mirror.com",
        "http://huggingface.co",
        "https://huggingface.co.x.org",
        f"{HUB}:444",
    ):
        mirror = chosen(other, secret)
        assert (mirror.token, mirror.withheld) == ("", True)
        assert not chosen(other, {}).withheld
