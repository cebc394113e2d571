"""A machine for the tests of one file, with vigentd on it; and the table at their end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.face_kit import portrait
from tests.systemd import tree
from tests.systemd.container import Container
from tests.systemd.product import CLIP, Vigentd
from tests.systemd.times import Times

TREE = "SYSTEMD_TREE"  # names a folder for the Debian, which is then built only once
TIMES = pytest.StashKey[Times]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    times = config.stash.get(TIMES, None)
    if times is not None and times.rows:
        terminalreporter.section("from a fault to working again, under systemd")
        for line in times.table():
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> Times:
    return pytestconfig.stash.setdefault(TIMES, Times())


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can start a system in a container")
    if why := tree.missing():
        pytest.skip(why)
    kept = os.environ.get(TREE)
    root = Path(kept) if kept else tmp_path_factory.mktemp("systemd") / "debian"
    tree.build(root)
    yield root
    if not kept:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def bare(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Booted; vigentd's files are there, and nothing is installed."""
    folder = tmp_path_factory.mktemp("machine")
    root = folder / "root"
    root.mkdir(mode=0o755)
    try:
        tree.copy(debian, root)
        tree.furnish(root)
        shutil.copy(portrait(folder, (180, 320), 1), root / CLIP.relative_to("/"))
        with Container(root, folder / "console.log").booted() as machine:
            machine.run("ldconfig")
            yield machine
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def installed(bare: Container) -> Vigentd:
    """By the command, as DEPLOY.md says. The usual grace would be enough for jobs as short as ours."""
    vigentd = Vigentd(bare)
    vigentd.configure("[queue]", "stop_grace = 1")
    vigentd.install()
    return vigentd


@pytest.fixture
def vigentd(installed: Vigentd) -> Vigentd:
    """Running and ready, with nothing to do, whatever the test before has left."""
    installed.fresh()
    return installed
