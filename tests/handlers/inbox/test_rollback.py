"""What was taken up can go back, whenever it was killed; what others have there is left alone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from handlers.inbox.bundles.bundle import Bundle, Source
from handlers.inbox.claim.rollback import MANIFEST
from handlers.inbox.claim.take import forget, left_over, put_back
from handlers.inbox.places import Places
from tests.daemon.conftest import ROOT
from tests.handlers.inbox.claim_kit import NAMES, is_empty, of, take_up
from tests.handlers.inbox.claim_kit import places as places
from tests.handlers.inbox.claiming import (
    CLIP,
    ID,
    OWNER,
    PAIR,
    SCENARIOS,
    SCRIPT,
    places_in,
    tree,
)

# ---------------------------------------------------------------- put back


@pytest.mark.parametrize("earlier", ["", "one without a note", "one with a note"])
@pytest.mark.parametrize("kind", ["a pair", "a folder"])
def test_a_name_that_was_taken_meanwhile(kind: str, earlier: str, tmp_path: Path) -> None:
    """Nothing is overwritten: what was taken up goes to failed/, and a note says why."""
    places, bundle, clip = of(kind, tmp_path)
    before = tree(clip.parent)
    take_up(places, bundle)
    clip.parent.mkdir(exist_ok=True)
    clip.write_bytes(b"another")
    if earlier:
        places.failed.mkdir()
        for name in ("monday", "monday.mp4"):
            (places.failed / name).write_bytes(b"an earlier one")
    if earlier == "one with a note":
        (places.failed / "monday.error.txt").write_text("Why.")
    number = "-2" if earlier else ""
    suffix = "" if kind == "a folder" else ".mp4"
    assert put_back(places.work / ID, places) == [places.failed / f"monday{number}{suffix}"]
    assert clip.read_bytes() == b"another" and is_empty(places)
    note = (places.failed / f"monday{number}.error.txt").read_text("utf-8")
    assert (places.failed / "monday.error.txt").exists() == (earlier != "one without a note")
    assert note.startswith(f"No video could be made of monday{suffix}.\n")
    assert "something else got its name" in note and "give one of them another name" in note.replace(
        "\n", " "
    )
    if kind == "a pair":
        assert (places.failed / f"monday{number}.mp4").read_bytes() == CLIP
        assert (places.root / "monday.txt").read_bytes() == SCRIPT
    else:
        assert tree(places.failed / f"monday{number}") == before
    if earlier:
        assert (places.failed / f"monday{suffix}").read_bytes() == b"an earlier one"


@pytest.mark.parametrize("name", NAMES)
def test_any_name_goes_to_failed(name: str, tmp_path: Path) -> None:
    places = places_in(tmp_path)
    bundle = Bundle(name, (Source(name + ".mp4", "clip"),), None, 0)
    for content in (b"1", b"2", b"3"):
        (tmp_path / bundle.sources[0].name).write_bytes(content)
        take_up(places, bundle)
        (tmp_path / bundle.sources[0].name).write_bytes(b"another")
        put_back(places.work / ID, places)
    clips = [path.read_bytes() for path in places.failed.iterdir() if path.suffix == ".mp4"]
    assert sorted(clips) == [b"1", b"2", b"3"]
    assert len(list(places.failed.glob("*.error.txt"))) == 3


def test_the_same_file_has_come_again(places: Places) -> None:
    take_up(places, PAIR)
    (places.root / "monday.mp4").write_bytes(CLIP)
    assert put_back(places.work / ID, places) == []
    assert (places.root / "monday.mp4").read_bytes() == CLIP and is_empty(places)
    assert not places.failed.exists()


def test_putting_back_what_is_back(places: Places) -> None:
    take_up(places, PAIR)
    before = tree(places.root)
    put_back(places.work / ID, places)
    after = tree(places.root)
    assert put_back(places.work / ID, places) == []
    assert tree(places.root) == after != before


# ---------------------------------------------------------------- left over


def test_what_others_have_in_the_work_folder_is_left_alone(places: Places) -> None:
    take_up(places, PAIR)
    work = places.work
    manifest = json.loads((work / ID / MANIFEST).read_bytes())
    for name in ("another daemon's", "evil", "evil too", "not JSON", "not a manifest", "no manifest"):
        (work / name).mkdir()
        (work / name / "clip.mp4").write_bytes(CLIP)
    told = {
        "another daemon's": manifest | {"owner": "/somebody/else"},
        "evil": manifest | {"names": {"clip.mp4": "../../etc/passwd"}},
        "evil too": manifest | {"names": {"../elsewhere": "monday.mp4"}},
        "not a manifest": [1],
    }
    for name, content in told.items():
        (work / name / MANIFEST).write_text(json.dumps(content))
    (work / "not JSON" / MANIFEST).write_text('{"owner": ')
    (work / "a file").touch()
    (work / "a link").symlink_to(work / ID)
    (work / "empty").mkdir()
    (work / "begun").mkdir()
    (work / "begun" / f".{MANIFEST}.part").write_text('{"owner": ')
    (work / "known").mkdir()
    before = {str(path) for path in work.rglob("*")}
    assert left_over(places, ["known"], OWNER) == [work / ID]
    after = {str(path) for path in work.rglob("*")}
    gone = {str(work / "empty"), str(work / "begun"), str(work / "begun" / f".{MANIFEST}.part")}
    assert before - after == gone


def test_an_intake_is_forgotten(places: Places) -> None:
    take_up(places, PAIR)
    folder = places.work / ID
    (folder / "folder" / "deep").mkdir(parents=True)
    forget(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "script.txt"]
    assert left_over(places, [], OWNER) == [], "it is never put back"
    for path in folder.iterdir():
        path.unlink()
    forget(folder)
    forget(folder)
    assert is_empty(places)


# ---------------------------------------------------------------- killed


def sweep(*options: str) -> dict[str, Any]:
    """Scenario → the steps at each of which it was killed."""
    unshare = shutil.which("unshare")
    own = [str(unshare), "--map-root-user", "--mount"]
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        mount = ["mount", "-t", "tmpfs", "tmpfs", name]
        if unshare is None or subprocess.run([*own, *mount], capture_output=True).returncode:
            pytest.skip("this machine does not let us mount a file system")
        work = [sys.executable, "-m", "tests.handlers.inbox.claiming", name, *options]
        run = subprocess.run([*own, "sh", "-c", shlex.join(work)], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    return dict(json.loads(run.stdout))


@pytest.fixture(scope="module")
def killed() -> dict[str, Any]:
    return sweep()


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_each_step_it_is_put_back(name: str, killed: dict[str, Any]) -> None:
    steps = killed[name]
    assert isinstance(steps, list), steps
    scenario = SCENARIOS[name]
    wanted = {"os.mkdir", "open", "os.rename", "os.remove", "os.rmdir"}
    wanted.add("os.link" if scenario.steps else "before _rename_exclusively")
    wanted |= {"half a copy"} if scenario.linked or scenario.mounts or scenario.bound else set()
    assert wanted <= set(steps)


@pytest.mark.slow
def test_killed_at_each_step_of_both() -> None:
    for name, steps in sweep("all").items():
        assert isinstance(steps, list), f"{name}: {steps}"
