"""A download that was cut short goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.hub import folders
from models.hub.shelf import incomplete, standing
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import (
    TINY,
    TINY_FILES,
    WEIGHTS,
    Fault,
    Seen,
    TinyHub,
    lay,
)
from tests.models.hub.pull_kit import whole


@pytest.mark.parametrize("kind", ["cut", "end"])
def test_after_a_cut_connection_it_goes_on_where_it_was(
    kind: str, fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    """cut: reset in the middle. end: closed in order, by a server that did not say how long the file is."""
    hub.fault("weights.bin", Fault(kind, after=100_000))
    fetch()
    first, second = hub.ranges_of("weights.bin")
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 100_000
    assert whole(weights)
    assert seen.got[f"{TINY.name}/weights.bin"] == WEIGHTS.size
    assert len(seen.notes) == 1


def test_it_goes_on_as_long_as_every_try_brings_something(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("weights.bin", *[Fault("cut", after=30_000)] * 9)
    fetch(waits=(0.0, 0.0))
    assert whole(weights)


def test_what_an_earlier_command_got_is_not_fetched_again(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    part = folders.part_of(weights, TINY.name)
    lay(part, {"part/more.bin": TINY_FILES["part/more.bin"]})
    begun = incomplete(part, WEIGHTS)
    begun.write_bytes(TINY_FILES["weights.bin"][:250_000])
    assert standing(weights, TINY).state == "begun"
    fetch()
    assert hub.ranges_of("weights.bin") == ["bytes=250000-"]
    assert hub.ranges_of("part/more.bin") == []
    assert whole(weights)


def test_a_server_without_ranges_sends_it_from_the_beginning(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    hub.ranges = False
    hub.fault("weights.bin", Fault("cut", after=100_000))
    fetch()
    assert whole(weights)
    assert seen.got[f"{TINY.name}/weights.bin"] == WEIGHTS.size


def test_a_part_that_is_too_long_is_thrown_away(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    part = incomplete(folders.part_of(weights, TINY.name), WEIGHTS)
    lay(part.parent, {part.name: b"?" * (WEIGHTS.size + 1)})
    fetch()
    assert hub.ranges_of("weights.bin") == [""]
    assert whole(weights)


def test_a_part_that_was_bad_is_found_out_and_fetched_from_its_beginning(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    """After a power cut the end of a file may be zeros."""
    part = incomplete(folders.part_of(weights, TINY.name), WEIGHTS)
    lay(part.parent, {part.name: bytes(1000)})
    fetch()
    assert hub.ranges_of("weights.bin") == ["bytes=1000-", ""]
    assert whole(weights)


def test_a_passing_trouble_of_the_server_passes(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    hub.fault("config.json", Fault("refuse", status=503), Fault("refuse", status=429))
    fetch()
    assert whole(weights)
