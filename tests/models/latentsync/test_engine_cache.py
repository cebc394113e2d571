"""A presenter who was there before costs neither tracking nor encoding, and looks the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.latentsync.engine import LatentSyncEngine
from models.presenters import Presenters
from tests.face_kit import clip_of
from tests.models.latentsync.job_kit import Counts, Job, Pictures, assert_same, film, keyed_clip

COUNT = 24  # frames of 20 pictures
ENCODED = 2 * (16 + 5)  # faces, with their mouths and without, when nothing is remembered between chunks
PLENTY = 2**30


@pytest.fixture(scope="module")
def path(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("presenter") / "daily.mp4", pictures[:20])


Open = Callable[..., Job]


@pytest.fixture
def remembering(engine: LatentSyncEngine, tmp_path: Path) -> Open:
    """An engine that remembers presenters; a new one each time, as after a restart."""

    def opened(limit: int = PLENTY, fingerprint: str = "") -> Job:
        weights = fingerprint or engine.fingerprint
        presenters = Presenters(tmp_path / "presenters", limit)
        other = LatentSyncEngine(engine.networks, engine.whisper, fingerprint=weights, presenters=presenters)
        return Job(other, tmp_path)

    return opened


@pytest.fixture
def counts(engine: LatentSyncEngine, monkeypatch: pytest.MonkeyPatch) -> Counts:
    return Counts(engine, monkeypatch)


def test_a_daily_presenter_costs_sampling_alone(
    job: Job, remembering: Open, path: Path, counts: Counts
) -> None:
    plain = job(clip_of(path, COUNT))
    assert (counts.tracked, counts.encoded) == (20, ENCODED)
    assert_same(remembering()(keyed_clip(path, COUNT)), plain)
    known = (40, ENCODED + 2 * 20)  # each picture once
    assert (counts.tracked, counts.encoded) == known
    assert_same(remembering()(keyed_clip(path, COUNT)), plain)
    assert remembering()(keyed_clip(path, COUNT), seed=3)[0].box == plain[0].box  # other lips, same face
    assert (counts.tracked, counts.encoded) == known


def test_a_longer_job_looks_at_the_rest(job: Job, remembering: Open, path: Path, counts: Counts) -> None:
    remembering()(keyed_clip(path, 10))
    assert counts.encoded == 2 * 10
    assert_same(remembering()(keyed_clip(path, COUNT)), job(clip_of(path, COUNT)))
    assert counts.encoded == ENCODED + 2 * 20
    assert counts.tracked == 20 + 20


@pytest.mark.parametrize("other", ["face", "weights", "clip"])
def test_what_was_learned_otherwise_is_not_used(
    remembering: Open, path: Path, pictures: Pictures, tmp_path: Path, counts: Counts, other: str
) -> None:
    remembering()(keyed_clip(path, 5))
    again = remembering(fingerprint="others") if other == "weights" else remembering()
    if other == "clip":
        path = film(tmp_path / "daily.mp4", pictures[5:25])
    again(keyed_clip(path, 5), face="left" if other == "face" else "largest")
    assert (counts.tracked, counts.encoded) == (40, 2 * 10)


@pytest.mark.parametrize(
    "harm", ["torn", *(pytest.param(harm, marks=pytest.mark.slow) for harm in ("overwritten", "empty"))]
)
def test_damage_is_harmless(
    job: Job, remembering: Open, path: Path, tmp_path: Path, counts: Counts, harm: str
) -> None:
    remembering()(keyed_clip(path, 10))
    files = [file for file in (tmp_path / "presenters").rglob("*") if file.suffix in (".npz", ".bin")]
    assert len(files) == 2
    for file in files:
        data = bytearray(file.read_bytes())
        middle = len(data) // 2
        if harm == "overwritten":
            data[middle : middle + 100] = bytes(100)
        file.write_bytes(data[: {"overwritten": len(data), "torn": middle, "empty": 0}[harm]])
    before = counts.encoded
    assert_same(remembering()(keyed_clip(path, 10)), job(clip_of(path, 10)))
    assert counts.encoded > before + 2 * 10  # some of those in the cache, and all of those outside of it


def test_a_full_cache_is_harmless(job: Job, remembering: Open, path: Path, tmp_path: Path) -> None:
    """There is room for nothing, or for some of the latents."""
    plain = job(clip_of(path, 10))
    for limit in (1, 150_000, 150_000):
        assert_same(remembering(limit)(keyed_clip(path, 10)), plain)
        kept = sum(file.stat().st_blocks * 512 for file in (tmp_path / "presenters").rglob("*.*"))
        assert kept <= limit


def test_a_cache_that_cannot_be_had_loses_no_job(
    job: Job, remembering: Open, path: Path, tmp_path: Path
) -> None:
    (tmp_path / "presenters").write_text("a file where a folder should be")
    assert_same(remembering()(keyed_clip(path, 5)), job(clip_of(path, 5)))


def test_an_unknown_clip_is_not_kept(remembering: Open, path: Path, tmp_path: Path) -> None:
    remembering()(clip_of(path, 5))
    assert not (tmp_path / "presenters").exists()
