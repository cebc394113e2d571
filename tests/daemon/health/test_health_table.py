"""The table of `vigentd health`: what stands beside each part."""

from __future__ import annotations

import pytest

from daemon.commands.health_table import show
from daemon.health.component import Component
from daemon.health.report import Report


def test_each_part_says_what_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"site": {"approved": 2, "published": 7}, "blog": {"held": 1, "skipped": 3}}
    parts = (
        Component("disk", "idle", facts={"free": 80_300_000_000}),
        Component("queue", "idle", facts={"counts": {"queued": 3, "running": 1}}),
        Component("publications", "idle", facts={"counts": counts, "last_published": {}}),
        Component("publish:site", "busy", facts={"job": "8h1x4k2m"}),
        Component("worker", "busy", facts={"job": "8h1x4k2m", "stage": "lipsync"}),
    )
    show(Report(parts).as_dict() | {"from": "daemon"})
    rows = capsys.readouterr().out.splitlines()[-len(parts) :]
    assert [row.split("ago")[1].strip() for row in rows] == [
        "80.3 GB free",
        "3 waiting",
        "3 waiting",
        "8h1x4k2m",
        "8h1x4k2m lipsync",
    ]
