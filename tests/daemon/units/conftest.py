from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.units.fake import FakeSystemd


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """In the place of the machine's own."""
    fake = FakeSystemd(tmp_path / "systemd")
    monkeypatch.setenv("PATH", f"{fake.path}:/usr/bin:/bin")
    return fake
