"""Bundles in an inbox, to be taken up."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.inbox.bundles.bundle import Bundle
from handlers.inbox.claim.take import Taken, take
from handlers.inbox.places import Places
from tests.handlers.inbox.claiming import (
    FOLDER,
    ID,
    OWNER,
    PAIR,
    Scenario,
    marks_of,
    prepare,
)

NAMES = ["Monday", " a\n'b\" ", "名前🙂", "caf\udce9", "x" * 251, "é" * 125 + "\udcff"]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """An inbox in which a pair lies."""
    return prepare(Scenario(PAIR), tmp_path)


def take_up(places: Places, bundle: Bundle) -> Taken:
    return take(places, bundle, marks_of(places, bundle), ID, OWNER)


def is_empty(places: Places) -> bool:
    return not places.work.exists() or not any(places.work.iterdir())


def of(bundle_name: str, tmp_path: Path) -> tuple[Places, Bundle, Path]:
    """The inbox, the bundle, and its clip in the inbox."""
    bundle = {"a pair": PAIR, "a folder": FOLDER}[bundle_name]
    places = prepare(Scenario(bundle), tmp_path)
    return places, bundle, places.root / (bundle.folder or "") / bundle.sources[1].name
