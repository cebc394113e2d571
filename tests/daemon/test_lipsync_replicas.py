"""Several devices for the lips: one job on all of them, the same pixels as on one, and what becomes of it
when one of them dies or gets nowhere. Real processes, tiny networks, on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.jobs import State
from models.launch import OFFLINE  # noqa: F401
from tests.daemon.daemon_kit import Daemon, Desk
from tests.daemon.test_lipsync_engine import LATENTSYNC
from tests.face_kit import portrait
from tests.models.latentsync.tiny import lay_models

LONG = "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen."


def desk_of(folder: Path, album: Path, device: str) -> Desk:
    desk = Desk(folder, portrait(album, (180, 320), 1), LATENTSYNC | {"VIGENTD_LIPSYNC__DEVICE": device})
    lay_models(desk.config.weights)
    return desk


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, album: Path) -> Iterator[Daemon]:
    with desk_of(tmp_path_factory.mktemp("two"), album, "cpu,cpu").daemon() as daemon:
        yield daemon


def test_x(daemon: Daemon) -> None:
    row = daemon.until_finished(daemon.desk.submit(LONG))
    assert row.state == State.DONE, row.error
    print(daemon.desk.vigentd("status").stdout)
    print(daemon.desk.vigentd("health").stdout)
    print(row)
