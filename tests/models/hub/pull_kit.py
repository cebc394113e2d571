"""What tests of `pull` look for: a whole model, or none at all and one plain sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import Unavailable
from models.hub import folders, record
from tests.models.hub.conftest import Pull
from tests.models.hub.hub_kit import (
    TINY,
    TINY_FILES,
)


def whole(weights: Path) -> bool:
    """The folder holds the model's files, a record of them, and nothing else; nothing is left beside it."""
    folder = weights / TINY.name
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in weights.iterdir()} == {TINY.name, folders.LOCK}
    return there == {*TINY_FILES, record.NAME} and all(
        (folder / name).read_bytes() == data for name, data in TINY_FILES.items()
    )


def refused(fetch: Pull, weights: Path, **how: str) -> Unavailable:
    """One plain sentence; and the engines see no model."""
    with pytest.raises(Unavailable) as raised:
        fetch(**how)
    error = raised.value
    assert "\n" not in error.message + error.hint
    assert not error.message.endswith(".")
    assert error.hint
    assert not (weights / TINY.name).exists()
    return error
