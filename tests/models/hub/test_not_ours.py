"""What lies there and is not vigentd's own is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import Unavailable
from models.hub import record
from models.hub.adopt import adopt
from models.hub.catalogue import INDEX, ONE_FILE
from tests.models.hub.conftest import NOW, Pull
from tests.models.hub.hub_kit import (
    TINY,
    TINY_FILES,
    WEIGHTS,
    Seen,
    TinyHub,
    lay,
    model_of,
)


def left_alone(fetch: Pull, hub: TinyHub, folder: Path) -> None:
    """Weights of somebody's own are not touched, and the sentence says how they are kept."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_other"
    assert f"models add {TINY.name} {folder} --anyway" in raised.value.hint
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert hub.asked == []


@pytest.mark.parametrize("tuned", [b"tuned", bytes(WEIGHTS.size)])
def test_own_weights_laid_by_hand_are_left_alone(
    tuned: bytes, fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    folder = lay(weights / TINY.name, TINY_FILES | {"weights.bin": tuned})
    left_alone(fetch, hub, folder)
    adopt(weights, TINY, folder, Seen(), anyway=True, now=lambda: NOW)
    assert [(one.state, one.own) for one in fetch()] == [("whole", True)]
    assert (folder / "weights.bin").read_bytes() == tuned


@pytest.mark.parametrize("way", ["in place", "by links", "by links that lead nowhere now"])
def test_own_weights_are_left_alone_when_their_record_is_torn(
    way: str, fetch: Pull, weights: Path, hub: TinyHub, tmp_path: Path
) -> None:
    folder = weights / TINY.name
    theirs = lay(folder if way == "in place" else tmp_path / "theirs", TINY_FILES | {"weights.bin": b"tuned"})
    adopt(weights, TINY, theirs, Seen(), anyway=True, now=lambda: NOW)
    (folder / record.NAME).write_text('{"model": "Ti')
    if way == "by links that lead nowhere now":
        theirs.rename(tmp_path / "unmounted")
    left_alone(fetch, hub, folder)
    assert (folder / "weights.bin").is_symlink() == (way != "in place")


def test_own_weights_in_several_pieces_get_no_other_beside_them(
    fetch: Pull, weights: Path, hub: TinyHub
) -> None:
    files = {"config.json": b"{}", ONE_FILE: b"x" * 99}
    model = model_of("Shards", files)
    hub.has(model, files)
    folder = lay(weights / "Shards", {"config.json": b"{}", INDEX: b"{}", "model-1.safetensors": b"1"})
    with pytest.raises(Unavailable) as raised:
        fetch(model)
    assert raised.value.code == "model_other"
    assert not (folder / ONE_FILE).exists()


def test_what_is_laid_there_while_it_is_fetched_is_left_alone(
    fetch: Pull, weights: Path, hub: TinyHub, seen: Seen
) -> None:
    folder = lay(weights / TINY.name, {"config.json": TINY_FILES["config.json"]})
    seen.when = lambda what, count: None if not what.endswith("weights.bin") else _lay_own(folder)
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_other"
    assert (folder / "weights.bin").read_bytes() == b"tuned"


def _lay_own(folder: Path) -> None:
    lay(folder, {"weights.bin": b"tuned"})


def test_nothing_is_written_behind_a_link(fetch: Pull, weights: Path, tmp_path: Path, hub: TinyHub) -> None:
    theirs = lay(tmp_path / "theirs", {"config.json": TINY_FILES["config.json"]})
    weights.mkdir()
    (weights / TINY.name).symlink_to(theirs)
    with pytest.raises(Unavailable) as raised:
        fetch()
    assert raised.value.code == "model_linked"
    assert [path.name for path in theirs.iterdir()] == ["config.json"]
    lay(theirs, TINY_FILES)
    assert [one.state for one in fetch()] == ["whole"]
    assert not (theirs / record.NAME).exists()
