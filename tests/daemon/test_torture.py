"""Killed at random moments, nothing is lost. Two blows here; `make test-slow` deals three hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.benches.torture import torture
from tests.face_kit import portrait

SEED = 39  # with it a host is killed while all of them load, and then the daemon


@pytest.mark.parametrize(
    ("blows", "seed"),
    [(2, SEED), pytest.param(300, 300, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
def test_nothing_is_lost(tmp_path: Path, album: Path, blows: int, seed: int) -> None:
    outcome = torture(portrait(album, (180, 320), 1), tmp_path, blows, seed)
    assert outcome.ok, outcome.wrong
    assert outcome.accepted == outcome.done + outcome.cancelled + sum(outcome.failed.values())
    assert outcome.accepted > 0 and outcome.orphans == 0
    assert sum(outcome.kills.values()) >= blows
