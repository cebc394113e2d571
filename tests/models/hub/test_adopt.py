"""A model that lies somewhere already is taken as it is: by links, and never touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import BadInput
from models.hub import folders
from models.hub.adopt import adopt
from models.hub.catalogue import Model
from models.hub.check import verify
from models.hub.shelf import Standing, incomplete, standing
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
    without_rights,
)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return lay(tmp_path / "theirs", TINY_FILES | {"README.md": b"hello"})


def take(weights: Path, path: Path, model: Model = TINY, *, anyway: bool = False) -> Standing:
    return adopt(weights, model, path, Seen(), anyway=anyway, now=lambda: NOW)


def refused(weights: Path, path: Path, model: Model = TINY, *, anyway: bool = False) -> BadInput:
    with pytest.raises(BadInput) as raised:
        take(weights, path, model, anyway=anyway)
    assert standing(weights, model).state == "missing"
    assert {path.name for path in weights.iterdir()} == {folders.LOCK}
    return raised.value


def test_a_folder_is_taken_by_links_and_stays_as_it_is(weights: Path, theirs: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in theirs.rglob("*"))
    now = take(weights, theirs)
    assert (now.state, now.own, now.checked_at) == ("whole", False, NOW)
    for name in TINY_FILES:
        assert (weights / TINY.name / name).readlink() == theirs / name
    assert not (weights / TINY.name / "README.md").exists()
    assert sorted((path, path.stat().st_mtime_ns) for path in theirs.rglob("*")) == before


def test_a_file_that_is_lost_later_is_fetched_into_our_folder(
    weights: Path, theirs: Path, fetch: Pull, hub: TinyHub
) -> None:
    take(weights, theirs)
    (theirs / "weights.bin").unlink()
    now = standing(weights, TINY)
    assert (now.state, now.why) == (
        "broken",
        f"weights.bin is a link to {theirs}/weights.bin, which is not there",
    )
    fetch()
    assert {asked.file for asked in hub.asked} == {"weights.bin"}
    assert (weights / TINY.name / "weights.bin").read_bytes() == TINY_FILES["weights.bin"]
    assert (weights / TINY.name / "config.json").is_symlink()
    assert not (theirs / "weights.bin").exists()


def test_the_cache_of_huggingface_hub_is_understood(weights: Path, tmp_path: Path) -> None:
    """Snapshots of links into blobs; the repository's folder may be given, or the snapshot's."""
    cache = tmp_path / "models--tiny--Tiny-1.0"
    for number, (name, data) in enumerate(TINY_FILES.items()):
        lay(cache / "blobs", {str(number): data})
        link = cache / "snapshots" / REVISION / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path("../" * (2 + name.count("/"))) / "blobs" / str(number))
    lay(cache / "snapshots" / ("f" * 40), {"config.json": b"another version"})
    assert take(weights, cache).state == "whole"
    assert take(tmp_path / "again", cache / "snapshots" / REVISION).state == "whole"


def test_what_is_missing_is_named(weights: Path, theirs: Path) -> None:
    (theirs / "part/more.bin").unlink()
    (theirs / "config.json").unlink()
    error = refused(weights, theirs)
    assert error.code == "model_incomplete"
    assert error.message.endswith("config.json, part/more.bin are missing")


def test_another_models_files_are_refused_unless_one_insists(weights: Path, theirs: Path) -> None:
    (theirs / "weights.bin").write_bytes(bytes(WEIGHTS.size))
    error = refused(weights, theirs)
    assert (error.code, "--anyway" in error.hint) == ("model_other", True)
    (theirs / "weights.bin").write_bytes(b"tuned")
    assert "has 5 bytes instead of 400,000" in refused(weights, theirs).message
    now = take(weights, theirs, anyway=True)
    assert (now.state, now.own) == ("whole", True)
    (theirs / "weights.bin").write_bytes(b"other")
    (finding,) = [one for one in verify(weights, [TINY], Seen()) if one.state != "whole"]
    assert (finding.file, "models add Tiny-1.0 PATH --anyway" in finding.fix) == ("weights.bin", True)


def test_own_weights_are_not_replaced_by_the_hubs(
    weights: Path, theirs: Path, fetch: Pull, hub: TinyHub
) -> None:
    (theirs / "weights.bin").write_bytes(b"tuned")
    take(weights, theirs, anyway=True)
    assert [one.own for one in fetch()] == [True]
    assert hub.asked == []
    (theirs / "weights.bin").unlink()
    with pytest.raises(Exception, match=r"weights of your own, and not whole: weights\.bin is a link"):
        fetch()
    assert hub.asked == []


def test_own_weights_may_be_in_several_pieces(weights: Path, tmp_path: Path) -> None:
    model = model_of("Shards", {"config.json": b"{}", "model.safetensors": b"x" * 99})
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = {
        "config.json": b"{}",
        "model-1.safetensors": b"1",
        "model.safetensors.index.json": json.dumps(index).encode(),
    }
    theirs = lay(tmp_path / "theirs", files)
    assert "model-2.safetensors is missing" in refused(weights, theirs, model, anyway=True).message
    lay(theirs, {"model-2.safetensors": b"22"})
    assert take(weights, theirs, model, anyway=True).state == "whole"
    assert (weights / "Shards/model-2.safetensors").read_bytes() == b"22"
    wrong: list[object] = [{"weight_map": {"a": "../x"}}, {"weight_map": {"a": 1}}, [], {}]
    for bad in wrong:
        lay(theirs, {"model.safetensors.index.json": json.dumps(bad).encode()})
        assert refused(tmp_path / "elsewhere", theirs, model, anyway=True).code == "model_incomplete"


def test_what_is_there_is_not_replaced(weights: Path, theirs: Path, fetch: Pull, tmp_path: Path) -> None:
    fetch()
    with pytest.raises(BadInput) as raised:
        take(weights, theirs)
    assert raised.value.code == "model_there"
    assert not (weights / TINY.name / "config.json").is_symlink()


def test_a_folder_in_its_place_is_only_recorded(weights: Path, fetch: Pull) -> None:
    lay(weights / TINY.name, TINY_FILES)
    assert standing(weights, TINY).checked_at == ""
    assert take(weights, weights / TINY.name).checked_at == NOW
    assert not (weights / TINY.name / "config.json").is_symlink()


def test_a_download_that_was_begun_is_given_up(weights: Path, theirs: Path) -> None:
    part = folders.part_of(weights, TINY.name)
    lay(part, {incomplete(part, WEIGHTS).name: b"begun"})
    take(weights, theirs)
    assert {path.name for path in weights.iterdir()} == {TINY.name, folders.LOCK}


@pytest.mark.parametrize("way", ["itself", "a link to it", "links into it"])
def test_a_download_is_not_taken_as_a_folder(way: str, weights: Path, tmp_path: Path) -> None:
    """It would be thrown away as soon as there are links to it."""
    part = lay(folders.part_of(weights, TINY.name), TINY_FILES)
    path = part
    if way == "a link to it":
        path = tmp_path / "link"
        path.symlink_to(part)
    elif way == "links into it":
        path = lay(tmp_path / "theirs", TINY_FILES)
        (path / "weights.bin").unlink()
        (path / "weights.bin").symlink_to(part / "weights.bin")
    with pytest.raises(BadInput) as raised:
        take(weights, path)
    assert (raised.value.code, "models pull Tiny-1.0" in raised.value.hint) == ("model_begun", True)
    assert {name: (part / name).read_bytes() for name in TINY_FILES} == TINY_FILES
    assert not (weights / TINY.name).exists()


@pytest.mark.parametrize("closed", ["", "snapshots"])
def test_a_folder_that_is_closed_is_said(closed: str, weights: Path, tmp_path: Path) -> None:
    theirs = lay(tmp_path / "theirs", {"snapshots/0/config.json": b"{}"})
    (theirs / closed).chmod(0)
    try:
        error = without_rights(lambda: take(weights, theirs if closed else theirs / "x"))
    finally:
        (theirs / closed).chmod(0o700)
    assert (error.code, "Permission denied" in error.message) == ("models_unreadable", True)


def test_what_is_no_folder_is_said(weights: Path, theirs: Path, tmp_path: Path) -> None:
    assert refused(weights, tmp_path / "nowhere").code == "folder_missing"
    assert refused(weights, theirs / "config.json").code == "folder_missing"


def test_the_one_file_that_serves_instead_is_taken_too(weights: Path, tmp_path: Path) -> None:
    data = content("single", 3000)
    model = model_of(TINY.name, TINY_FILES, model_of("x", {"single/tiny.pt": data}).files[0])
    file = lay(tmp_path / "cache", {"tiny.pt": bytes(3000)}) / "tiny.pt"
    assert refused(weights, file, model).code == "model_other"
    file.write_bytes(data)
    now = take(weights, file, model)
    assert (now.state, now.path, now.path.readlink()) == ("whole", weights / "single/tiny.pt", file)
    assert (now.own, now.checked_at) == (False, NOW)


def test_a_single_file_of_ones_own_is_taken_when_one_insists(
    weights: Path, fetch: Pull, hub: TinyHub, tmp_path: Path
) -> None:
    model = model_of(TINY.name, TINY_FILES, file_of("single/tiny.pt", content("single", 3000)))
    file = lay(tmp_path / "cache", {"tuned.pt": b"tuned"}) / "tuned.pt"
    assert "--anyway" in refused(weights, file, model).hint
    now = take(weights, file, model, anyway=True)
    assert (now.state, now.own, now.present, now.path.readlink()) == ("whole", True, 5, file)
    assert [one.state for one in verify(weights, [model], Seen())] == ["whole"]
    assert [one.own for one in fetch(model)] == [True]
    assert hub.asked == []
    file.write_bytes(b"tuned again")
    now = standing(weights, model)
    assert (now.state, now.why) == ("broken", "single/tiny.pt has 11 bytes instead of 5")
    (finding,) = verify(weights, [model], Seen())
    assert "models add Tiny-1.0 PATH --anyway" in finding.fix


def test_a_single_file_is_not_taken_where_the_folder_is(weights: Path, fetch: Pull, tmp_path: Path) -> None:
    """The folder serves before it."""
    data = content("single", 3000)
    model = model_of(TINY.name, TINY_FILES, model_of("x", {"single/tiny.pt": data}).files[0])
    fetch(model)
    with pytest.raises(BadInput) as raised:
        take(weights, lay(tmp_path / "cache", {"tiny.pt": data}) / "tiny.pt", model)
    assert (raised.value.code, (weights / "single").exists()) == ("model_there", False)
