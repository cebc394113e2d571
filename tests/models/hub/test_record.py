"""The record of what was found right: written anew when it is damaged, trusted with no path outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import Unavailable
from models.hub import record
from models.hub.shelf import standing
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import (
    TINY,
    Seen,
    TinyHub,
    lay,
)
from tests.models.hub.pull_kit import whole


def test_a_damaged_record_is_written_anew(fetch: Pull, weights: Path, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    (weights / TINY.name / record.NAME).write_text("{")
    assert standing(weights, TINY).state == "broken"
    fetch()
    assert hub.asked == []
    assert whole(weights)
    assert standing(weights, TINY).state == "whole"
    assert ["is damaged" in note for note in seen.notes] == [True]


def test_a_record_that_leads_elsewhere_is_no_record(weights: Path) -> None:
    kept = {"size": 1, "sha256": "0" * 64, "mtime_ns": 1}
    good = {"model": "x", "repository": "x", "revision": "x", "origin": "x", "at": "x"}
    for name in ("../x", "/etc/passwd", "a/../b", "", "a//b"):
        lay(weights, {record.NAME: json.dumps(good | {"files": {name: kept}}).encode()})
        with pytest.raises(Unavailable):
            record.read(weights)
    lay(weights, {record.NAME: json.dumps(good | {"files": {"a/b": kept}}).encode()})
    assert record.read(weights) is not None
