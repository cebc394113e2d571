"""A disk that is full or closed is told in words, and what came by then is kept."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import Unavailable
from models.hub import folders
from models.hub.shelf import incomplete
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import (
    TINY,
    TINY_FILES,
    WEIGHTS,
    Seen,
    TinyHub,
    lay,
    without_rights,
)
from tests.models.hub.pull_kit import refused, whole


def test_too_little_room_is_said_before_anything_is_fetched(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    with pytest.raises(Unavailable, match="There is not enough room") as raised:
        fetch(spare=10**18)
    assert raised.value.code == "disk_full"
    assert hub.asked == []


@pytest.fixture
def small_disk(weights: Path) -> Iterator[Path]:
    weights.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(weights)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield weights
    subprocess.run(["umount", str(weights)], check=True)


def test_a_disk_that_fills_up_is_said_and_what_came_is_kept(
    small_disk: Path, fetch: Pull, hub: TinyHub, seen: Seen
) -> None:
    filler = small_disk / "filler"

    def fill(what: str, count: int) -> None:
        if what.endswith("weights.bin") and not filler.exists():
            with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))

    seen.when = fill
    error = refused(fetch, small_disk)
    assert error.code == "disk_full"
    assert error.message.startswith(f"The disk of {small_disk}")
    begun = incomplete(folders.part_of(small_disk, TINY.name), WEIGHTS).stat().st_size
    assert begun > 0
    seen.when = lambda what, count: None
    filler.unlink()
    fetch()
    assert hub.ranges_of("weights.bin") == ["", f"bytes={begun}-"]
    assert whole(small_disk)


def test_a_folder_that_cannot_be_made_is_said(fetch: Pull, weights: Path) -> None:
    weights.parent.joinpath("models").write_text("a file")
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert (raised.value.code, str(weights) in raised.value.message) == ("models_unwritable", True)


def test_a_folder_without_the_right_to_write_is_said(fetch: Pull, weights: Path) -> None:
    weights.mkdir(mode=0o500)

    error = without_rights(fetch)
    assert error.code == "models_unwritable"
    assert error.message.endswith("cannot be written: Permission denied")


def test_a_limit_on_the_size_of_files_is_said(fetch: Pull, weights: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        assert refused(fetch, weights).code == "file_too_large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_folder_that_is_closed_is_said_before_anything_is_fetched(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    folder = lay(weights / TINY.name, TINY_FILES)
    folder.chmod(0)
    error = without_rights(fetch)
    folder.chmod(0o700)
    assert (error.code, hub.asked) == ("models_unreadable", [])
