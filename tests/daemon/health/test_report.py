"""The report: when the daemon is down, when only not well, and what is said of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.health.component import Component
from daemon.health.report import Report, is_unwell

WELL = Component("worker", "busy", 1.0, 60.0, vital=True)


@pytest.mark.parametrize(
    ("part", "verdict", "code"),
    [
        (Component("disk", "idle"), "healthy", 0),
        (Component("host:speech", "loading", 5.0, 60.0), "healthy", 0),
        (Component("host:speech", "loading", 61.0, 60.0), "degraded", 1),
        (Component("host:speech", "busy", 1e6), "healthy", 0),  # without a budget nothing is late
        (Component("disk", "idle", trouble="Only 1.2 GB are free"), "degraded", 1),
        (Component("telegram", "stalled"), "degraded", 1),
        (Component("host:speech", "dead"), "degraded", 1),
        (Component("loop", "stalled", vital=True), "down", 2),
        (Component("database", "dead", vital=True), "down", 2),
        (Component("database", "idle", trouble="It was replaced", vital=True), "degraded", 1),
    ],
)
def test_down_is_only_when_something_vital_stands_still(part: Component, verdict: str, code: int) -> None:
    report = Report((WELL, part))
    assert (report.verdict, report.exit_code) == (verdict, code)
    assert is_unwell(part) == (verdict != "healthy")


def test_why_is_the_vital_part_first() -> None:
    parts = (Component("disk", "idle", trouble="Full"), Component("loop", "stalled", trouble="A", vital=True))
    assert Report(parts).why == "A"
    assert Report((Component("loop", "dead", vital=True),)).why == "loop is dead"
    assert Report((Component("host:lipsync", "loading"), WELL)).why == "still loading: host:lipsync"
    assert Report((WELL,)).why == ""


def test_as_json_it_is_whole_whatever_the_facts_are() -> None:
    part = Component("disk", "idle", 1.234, facts={"path": Path("/data"), "set": {1}})
    told: dict[str, Any] = json.loads(json.dumps(Report((part,), 7, 0.16).as_dict()))
    assert told["gathered_s"] == 0.2 and told["pid"] == 7 and told["exit_code"] == 0
    (found,) = told["components"]
    assert (found["age_s"], found["budget_s"], found["well"]) == (1.2, None, True)
    assert found["facts"]["path"] == "/data"
