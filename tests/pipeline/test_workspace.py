"""Artifacts are whole or absent, and the same inputs find them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models import durable
from models.beats import heard
from pipeline.workspace import Workspace, artifact_name, write_atomic

INPUTS = {"script": "Hello", "seed": 1}


def writes(text: str):  # type: ignore[no-untyped-def]
    return lambda folder: (folder / "out.txt").write_text(text)


def test_the_same_inputs_are_made_once(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    assert space.find("speech", INPUTS) is None
    made = space.make("speech", INPUTS, writes("a"))
    assert space.find("speech", dict(reversed(INPUTS.items()))) == made
    assert space.find("speech", INPUTS | {"seed": 2}) is None
    assert space.find("lipsync", INPUTS) is None
    assert not list(tmp_path.glob("*.part"))


def test_a_large_file_reaches_a_slow_disk_with_heartbeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In silence, that of a long video was taken for a hang."""
    monkeypatch.setattr(durable, "_PIECE", 2**20)
    content = os.urandom(5 * 2**20 + 7)
    beats: list[None] = []

    def work(folder: Path) -> None:
        (folder / "v").write_bytes(content)

    with heard(lambda: beats.append(None)):
        made = Workspace(tmp_path).make("compose", {}, work)
    assert len(beats) > 5
    assert (made / "v").read_bytes() == content


def test_a_failure_leaves_nothing_that_could_be_taken_for_a_result(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    space = Workspace(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        space.make("speech", INPUTS, fails)
    assert space.find("speech", INPUTS) is None
    assert list(tmp_path.iterdir()) == []


def test_a_resumable_stage_finds_what_it_had(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "chunk").write_text("1")
        raise RuntimeError

    def goes_on(folder: Path) -> None:
        assert (folder / "chunk").read_text() == "1"

    space = Workspace(tmp_path)
    with pytest.raises(RuntimeError):
        space.make("lipsync", INPUTS, fails, resumable=True)
    assert space.find("lipsync", INPUTS) is None
    space.make("lipsync", INPUTS, goes_on, resumable=True)
    assert space.find("lipsync", INPUTS)


@pytest.mark.parametrize("harm", ["missing", "cut", "manifest"])
def test_a_harmed_artifact_is_made_anew(tmp_path: Path, harm: str) -> None:
    space = Workspace(tmp_path)
    made = space.make("speech", INPUTS, writes("whole"))
    if harm == "missing":
        (made / "out.txt").unlink()
    elif harm == "cut":
        (made / "out.txt").write_text("who")
    else:
        (made / "artifact.json").write_text("{")
    assert space.find("speech", INPUTS) is None
    assert (space.make("speech", INPUTS, writes("again")) / "out.txt").read_text() == "again"


def test_names_tell_the_stage_and_depend_on_all_inputs() -> None:
    assert artifact_name("probe", {"a": 1}).startswith("probe-")
    assert artifact_name("probe", {"a": 1}) != artifact_name("probe", {"a": "1"})


def test_write_atomic_keeps_the_old_file_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    write_atomic(target, b"old")
    with pytest.raises(TypeError):
        write_atomic(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


# ---------------------------------------------------------------- what the killed have left

CHUNK = "chunk-000000.npz"


def killed_in(space: Workspace, stage: str) -> Path:
    """A stage that had one chunk, was writing another, and had temporary files of its own."""
    part = space.root / (artifact_name(stage, INPUTS) + ".part")
    for name in (CHUNK, ".chunk-000001.npz.part", "scratch/points.f32", "scratch/track.part.npz"):
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_text("x")
    for folder in ("scratch/hdr-abc", "sound-1/mix-2", "cover-3"):
        (part / folder).mkdir(parents=True)
        (part / folder / "raw").write_text("x")
    return part


def left(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def test_tidied_only_finished_artifacts_are_left(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "work")
    made = space.make("speech", INPUTS, writes("whole"))
    harmed = space.make("captions", INPUTS, writes("cut short"))
    (harmed / "out.txt").write_text("cut")
    killed_in(space, "lipsync")
    killed_in(space, "compose")
    (space.root / "hdr-xyz").mkdir()
    (space.root / ".state.json.part").write_text("half")
    (space.root / "empty-0123456789ab").mkdir()
    before = left(made)
    space.tidy()
    assert [p.name for p in space.root.iterdir()] == [made.name]
    assert left(made) == before
    assert space.find("speech", INPUTS) == made


def test_tidied_to_go_on_the_resumable_stage_keeps_what_it_finds_again(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "work")
    part = killed_in(space, "lipsync")
    killed_in(space, "compose")
    space.tidy(keep_parts={"lipsync"})
    assert [p.name for p in space.root.iterdir()] == [part.name]
    assert left(part) == [CHUNK, "scratch/points.f32"]
    assert not list(part.rglob("hdr-*"))

    def goes_on(folder: Path) -> None:
        assert (folder / CHUNK).exists()

    space.make("lipsync", INPUTS, goes_on, resumable=True)


def test_tidied_what_links_lead_to_is_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "hdr-abc").mkdir(parents=True)
    (outside / "precious").write_text("x")
    space = Workspace(tmp_path / "work")
    part = killed_in(space, "lipsync")
    (space.root / "link").symlink_to(outside)
    (space.root / "lipsync-linked.part").symlink_to(outside)
    (part / "tmplink").symlink_to(outside)
    (part / "folder").symlink_to(outside)
    space.tidy(keep_parts={"lipsync"})
    assert [p.name for p in space.root.iterdir()] == [part.name]
    assert not (part / "tmplink").is_symlink()
    linked = Workspace(tmp_path / "linked")
    linked.root.symlink_to(outside)
    linked.tidy()
    assert left(outside) == ["precious"] and (outside / "hdr-abc").is_dir()


def test_tidied_before_anything_was_made(tmp_path: Path) -> None:
    Workspace(tmp_path / "none").tidy()
    assert not (tmp_path / "none").exists()
