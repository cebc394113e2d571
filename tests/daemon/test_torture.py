"""Killed at random moments, nothing is lost. A few blows here; `make test-slow` deals three hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.benches.torture import torture
from tests.face_kit import portrait


@pytest.mark.parametrize("blows", [3, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_nothing_is_lost(tmp_path: Path, blows: int) -> None:
    clip = portrait(tmp_path, (180, 320))
    outcome = torture(clip, tmp_path / "bench", blows, seed=blows)
    assert outcome.ok, outcome.wrong
    assert outcome.accepted == outcome.done + outcome.cancelled + sum(outcome.failed.values())
    assert outcome.accepted > 0 and outcome.orphans == 0
    assert sum(outcome.kills.values()) >= blows
