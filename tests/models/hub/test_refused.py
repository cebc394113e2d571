"""What a server refuses, or sends instead of the file, is one plain sentence, and no model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from models.hub import folders, record
from models.hub.shelf import incomplete
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import (
    TINY,
    TINY_FILES,
    WEIGHTS,
    Fault,
    TinyHub,
)
from tests.models.hub.pull_kit import refused, whole


def test_a_file_that_comes_damaged_is_thrown_away(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    bad = bytes(WEIGHTS.size)
    hub.has(TINY, TINY_FILES | {"weights.bin": bad})
    hub.tells("weights.bin", WEIGHTS.sha256)
    error = refused(fetch, weights)
    assert error.code == "checksum_mismatch"
    assert WEIGHTS.sha256 in error.message
    assert hashlib.sha256(bad).hexdigest() in error.message
    assert not incomplete(folders.part_of(weights, TINY.name), WEIGHTS).exists()
    hub.has(TINY, TINY_FILES)
    fetch()
    assert whole(weights)


def test_another_file_under_the_name_is_noticed_before_it_is_fetched(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    hub.has(TINY, TINY_FILES | {"weights.bin": bytes(WEIGHTS.size)})
    error = refused(fetch, weights)
    assert error.code == "hub_other_file"
    assert not incomplete(folders.part_of(weights, TINY.name), WEIGHTS).exists()


def test_a_web_page_instead_of_the_file_is_noticed(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.has(TINY, TINY_FILES | {"config.json": b"<html>log in to this network</html>"})
    error = refused(fetch, weights)
    assert (error.code, "config.json" in error.message) == ("hub_other_file", True)


GATED = {"X-Error-Code": "GatedRepo"}


@pytest.mark.parametrize(
    ("status", "headers", "token", "code", "says"),
    [
        (401, {}, "", "hub_unauthorized", "wants to know who asks"),
        (401, {}, "hf_secret", "hub_unauthorized", "does not accept the token"),
        (401, GATED, "", "hub_forbidden", "does not let this account have"),
        (403, GATED, "hf_secret", "hub_forbidden", "does not let this account have"),
        (404, {"X-Error-Code": "RepoNotFound"}, "", "hub_not_found", "does not have tiny/Tiny-1.0 (404)"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "", "hub_not_found", "the version 0123456789ab of"),
        (404, {"X-Error-Code": "EntryNotFound"}, "", "hub_not_found", "config.json of"),
        (404, {}, "", "hub_not_found", "does not have tiny/Tiny-1.0 (404)"),
        (451, {}, "", "hub_refused", "it answered 451"),
    ],
)
def test_a_refusal_is_said_in_words(
    status: int,
    headers: dict[str, str],
    token: str,
    code: str,
    says: str,
    fetch: Pull,
    weights: Path,
    hub: TinyHub,
) -> None:
    hub.fault("config.json", Fault("refuse", status=status, headers=headers))
    error = refused(fetch, weights, token=token)
    assert error.code == code
    assert says in error.message
    assert "secret" not in error.message + error.hint


def test_a_server_that_stays_down_is_given_up(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("config.json", *[Fault("refuse", status=502)] * 10)
    error = refused(fetch, weights)
    assert (error.code, "answered 502" in error.message) == ("hub_away", True)


def test_no_network(fetch: Pull, weights: Path) -> None:
    error = refused(fetch, weights, endpoint="http://127.0.0.1:9")
    assert error.code == "hub_away"
    assert error.message == "127.0.0.1:9 cannot be reached"


def test_offline_is_said(fetch: Pull, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refused(fetch, weights).code == "hub_offline"


def test_a_token_goes_to_the_server_and_not_to_where_that_sends_on_to(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    fetch(token="hf_secret")
    told = {(asked.where, asked.headers.get("Authorization")) for asked in hub.asked}
    assert told == {("hub", "Bearer hf_secret"), ("storage", None)}
    assert "hf_secret" not in (weights / TINY.name / record.NAME).read_text()


def test_a_server_that_always_begins_again_is_given_up(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    """Half of the file, then the cut; and it cannot go on there."""
    hub.no_range = True
    hub.fault("weights.bin", *[Fault("cut", after=200_000)] * 50)
    assert refused(fetch, weights).code == "hub_away"
    assert len(hub.ranges_of("weights.bin")) < 20


def test_a_mirror_may_lie_in_a_path_of_its_server(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.prefix = "/mirror/hf"
    fetch(endpoint=f"{hub.endpoint}/mirror/hf")
    assert whole(weights)
