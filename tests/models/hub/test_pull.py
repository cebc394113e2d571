"""Models are fetched whole, from a server that speaks the hub's protocol; nothing half-done gets its name."""

from __future__ import annotations

import json
from pathlib import Path

from models.hub import record
from models.hub.shelf import standing
from tests.models.hub.conftest import NOW, Pull
from tests.models.hub.hub_kit import (
    REVISION,
    TINY,
    TINY_FILES,
    WEIGHTS,
    Seen,
    TinyHub,
    content,
    file_of,
    lay,
    model_of,
)
from tests.models.hub.pull_kit import whole


def test_a_model_is_fetched_checked_and_recorded(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    (now,) = fetch()
    assert (now.state, now.present, now.checked_at, whole(weights)) == ("whole", TINY.size, NOW, True)
    kept = json.loads((weights / TINY.name / record.NAME).read_text())
    assert (kept["repository"], kept["revision"], kept["origin"]) == (TINY.repository, REVISION, hub.endpoint)
    assert {name: (one["size"], one["sha256"]) for name, one in kept["files"].items()} == {
        file.name: (file.size, file.sha256) for file in TINY.files
    }
    assert seen.got == {f"{TINY.name}/{file.name}": file.size for file in TINY.files}


def test_only_the_files_that_are_needed_are_asked_for_and_nothing_is_told_of_the_machine(
    fetch: Pull, hub: TinyHub
) -> None:
    hub.has(TINY, TINY_FILES | {"README.md": b"x" * 5000, "pytorch_model.bin": b"y" * 5000})
    fetch()
    assert {asked.file for asked in hub.asked} == set(TINY_FILES)
    assert {asked.headers["User-Agent"] for asked in hub.asked} == {"vigentd"}


def test_what_is_whole_is_not_fetched_again_nor_read(fetch: Pull, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    seen.checked.clear()
    fetch()
    assert (hub.asked, seen.checked) == ([], [])


def test_files_that_were_laid_there_by_hand_are_taken(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    lay(weights / TINY.name, {name: TINY_FILES[name] for name in ("config.json", "weights.bin")})
    fetch()
    assert {asked.file for asked in hub.asked} == {"part/more.bin"}
    assert whole(weights)


def test_a_damaged_file_alone_is_fetched_again(fetch: Pull, weights: Path, hub: TinyHub, seen: Seen) -> None:
    fetch()
    hub.asked.clear()
    path = weights / TINY.name / "weights.bin"
    path.write_bytes(b"?" * WEIGHTS.size)
    fetch()
    assert {asked.file for asked in hub.asked} == {"weights.bin"}
    assert whole(weights)
    assert seen.notes == [f"{path} is damaged, and fetched again"]


def test_several_models_come_at_once(fetch: Pull, weights: Path, hub: TinyHub) -> None:
    files = {"model.bin": content("other", 50_000)}
    other = model_of("Other-2", files)
    hub.has(other, files)
    assert [one.state for one in fetch(TINY, other)] == ["whole", "whole"]
    assert (weights / "Other-2" / "model.bin").read_bytes() == files["model.bin"]


def test_a_model_is_whole_by_the_one_file_that_serves_instead(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    data = content("single", 3000)
    instead = model_of("x", {"single/tiny.pt": data}).files[0]
    lay(weights, {"single/tiny.pt": data})
    (now,) = fetch(model_of(TINY.name, TINY_FILES, instead))
    assert (now.state, now.path) == ("whole", weights / "single/tiny.pt")
    assert hub.asked == []


def test_where_that_file_is_another_the_folder_is_fetched_beside_it(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    model = model_of(TINY.name, TINY_FILES, file_of("single/tiny.pt", content("single", 3000)))
    lay(weights, {"single/tiny.pt": b"cut short"})
    assert standing(weights, model).why == "single/tiny.pt has 9 bytes instead of 3,000"
    (now,) = fetch(model)
    assert (now.state, now.path) == ("whole", weights / TINY.name)
    assert (weights / "single/tiny.pt").read_bytes() == b"cut short"
    assert ["the hub's Tiny-1.0 is fetched" in note for note in seen.notes] == [True]
