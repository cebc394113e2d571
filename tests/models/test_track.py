"""A track: the same numbers however it came about, read while it grows, found again, none of it torn."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models.engine import Clip, Picture
from models.errors import Cancelled, StageFailed
from models.faces import Found, Points
from models.progress import Quiet
from models.runs import LOOKAHEAD as RUN_LOOKAHEAD
from models.runs import Runs, runs
from models.track import LOOKAHEAD, Track, open_track, track_clip
from pipeline.media import StillClip, VideoClip, open_clip
from pipeline.probe import inspect
from pipeline.spec import Settings
from tests.face_kit import clip_of, portrait
from tests.media_kit import QUICK, ffmpeg
from tests.progress_kit import Steps

BLOCK = 16  # in these tests
Aside = Callable[..., Future[Any]]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.track.BLOCK", BLOCK)


@pytest.fixture(scope="module")
def clip(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 pictures. The face goes for three pictures (bridged), for twenty, and comes back in every sixth."""
    out = tmp_path_factory.mktemp("gaps") / "gaps.mp4"
    flicker = "+".join(f"between(n,{n},{n + 4})" for n in (64, 70, 76, 82))
    gone = f"between(n,20,22)+between(n,43,62)+{flicker}"
    box = f"drawbox=x=iw*0.2:y=ih*0.2:w=iw*0.6:h=ih*0.5:c=0xa08878:t=fill:enable='{gone}'"  # no cut: a hand
    face = portrait(album, seconds=4)
    ffmpeg("-i", face, "-vf", f"scale=180:320,{box}", *QUICK, "-crf", "10", out)
    return out


@pytest.fixture(scope="module")
def finished(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a track of the whole clip, made in one go. To be copied, not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.track.BLOCK", BLOCK)
        track_clip(clip_of(clip), folder, "largest", Quiet())
    return folder


@pytest.fixture
def whole(clip: Path, finished: Path) -> dict[str, npt.NDArray[Any]]:
    """What is said of every picture."""
    return said(found_again(clip, finished))


def found_again(clip: Path, folder: Path) -> Track:
    steps = Steps()
    track = track_clip(clip_of(clip), folder, "largest", steps)
    assert not steps.seen
    return track


def said(track: Track, upto: int | None = None) -> dict[str, npt.NDArray[Any]]:
    upto = upto or len(track)
    ks = np.arange(upto)
    nothing = np.full((468, 3), np.nan)
    points = [p if (p := track.points(k)) is not None else nothing for k in range(upto)]
    return {
        "run": track.runs(ks),
        "found": track.founds(ks),
        "cut": track.cut[:upto],
        "gap": track.gap[:upto],
        "points": np.stack(points),
    }


def assert_same(a: dict[str, npt.NDArray[Any]], b: dict[str, npt.NDArray[Any]]) -> None:
    for name, value in b.items():
        assert np.array_equal(a[name][: len(value)], value, equal_nan=value.dtype.kind == "f"), name


def test_gaps_are_bridged_and_long_ones_are_not(whole: dict[str, npt.NDArray[Any]]) -> None:
    assert (whole["run"][:43] == 0).all()
    assert (whole["run"][43:63] == -1).all()
    assert (whole["run"][63:] == 63).all()  # known by the fifth face, which is picture 87
    assert not np.isnan(whole["points"][20:23]).any()


@pytest.mark.parametrize("pictures", [5, 33, 70])
def test_a_short_job_says_the_same(
    clip: Path, tmp_path: Path, whole: dict[str, npt.NDArray[Any]], pictures: int
) -> None:
    steps = Steps()
    track = track_clip(clip_of(clip, pictures), tmp_path, "largest", steps)
    assert pictures <= track.settled and len(track) == 100
    assert len(steps.seen) < pictures + LOOKAHEAD + BLOCK + 16
    assert_same(whole, said(track, pictures))


def test_a_job_that_was_killed_goes_on_with_the_same_numbers(
    clip: Path, tmp_path: Path, whole: dict[str, npt.NDArray[Any]]
) -> None:
    for blocks in (2, 4):
        with pytest.raises(Cancelled):
            track_clip(clip_of(clip), tmp_path, "largest", Steps(cancel_after=2 * BLOCK + 5))
        assert len(list(tmp_path.iterdir())) == blocks
    again = Steps()
    track = track_clip(clip_of(clip), tmp_path, "largest", again)
    assert len(again.seen) == 100 - 4 * BLOCK  # one step for every picture looked at, none for the others
    assert again.seen[0][0] == 4 * BLOCK + 1
    assert again.shares[-1] == 1
    assert_same(whole, said(track))


def test_a_longer_job_goes_on_where_a_shorter_one_ended(
    clip: Path, tmp_path: Path, whole: dict[str, npt.NDArray[Any]]
) -> None:
    track_clip(clip_of(clip, 10), tmp_path, "largest", Quiet())
    track = open_track(clip_of(clip), tmp_path, "largest")
    track.follow(Quiet(), 20)  # and within one job, piece by piece
    track.follow(Quiet())
    assert_same(whole, said(track))


@pytest.mark.parametrize(
    "how", ["torn", "turned", *(pytest.param(how, marks=pytest.mark.slow) for how in ("empty", "gone"))]
)
def test_a_block_that_a_power_cut_spoiled_is_made_again(
    clip: Path, tmp_path: Path, finished: Path, whole: dict[str, npt.NDArray[Any]], how: str
) -> None:
    folder = shutil.copytree(finished, tmp_path / "spoiled")
    block = folder / "track-000002.npz"
    content = bytearray(block.read_bytes())
    if how == "gone":
        block.unlink()
    else:
        content[len(content) // 2] ^= 8
        block.write_bytes({"torn": bytes(content[:5000]), "empty": b"", "turned": bytes(content)}[how])
    steps = Steps()
    assert_same(whole, said(track_clip(clip_of(clip), folder, "largest", steps)))
    assert len(steps.seen) == 100 - 2 * BLOCK
    assert sorted(p.name for p in folder.iterdir()) == [f"track-{i:06d}.npz" for i in range(7)]


def test_blocks_of_another_choice_are_not_taken(clip: Path, tmp_path: Path, finished: Path) -> None:
    again = Steps(cancel_after=1)
    with pytest.raises(Cancelled):
        track_clip(clip_of(clip), shutil.copytree(finished, tmp_path / "other"), "left", again)
    assert again.seen == [(1, 100)]


# ---------------------------------------------------------------- while it grows


class Held:
    """A clip whose pictures come when the test lets them."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.fps, self.width, self.height = clip.fps, clip.width, clip.height
        self.pixel_aspect, self.order, self.natural, self.key = 1.0, clip.order, clip.natural, clip.key
        self.allowed = threading.Semaphore(0)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.allowed.release(len(self.natural))  # or a test that fails would wait for ever

    def pictures(self, numbers: Sequence[int]) -> Generator[Picture]:
        for picture in self._clip.pictures(numbers):
            self.allowed.acquire()
            yield picture


def test_what_is_settled_is_read_while_the_rest_is_made(
    clip: Path, tmp_path: Path, whole: dict[str, npt.NDArray[Any]], aside: Aside
) -> None:
    with Held(clip_of(clip)) as held:
        track = open_track(held, tmp_path, "largest")
        following = aside(track.follow, Quiet())
        for first in range(0, 100, 10):
            waiting = aside(track.wait, first, lambda: None)
            while not waiting.done():  # one picture more at a time: it returns as soon as it may
                held.allowed.release()
                with suppress(TimeoutError):
                    waiting.result(0.02)
            assert first < track.settled
            assert_same(whole, said(track, track.settled))
        assert track.settled == 100
        following.result(60)


def test_settled_comes_early_enough_for_the_first_chunk(clip: Path, tmp_path: Path, aside: Aside) -> None:
    with Held(clip_of(clip)) as held:
        track = open_track(held, tmp_path, "largest")
        following = aside(track.follow, Quiet())
        held.allowed.release(16 + LOOKAHEAD)
        track.wait(15, lambda: None)
        assert track.settled == 16
    following.result(20)


def test_who_waits_hears_why_it_ended(clip: Path, tmp_path: Path, aside: Aside) -> None:
    track = open_track(clip_of(clip), tmp_path, "largest")
    waiting = aside(track.wait, 99, lambda: None)
    with pytest.raises(Cancelled):
        track.follow(Steps(cancel_after=3))
    with pytest.raises(Cancelled):
        waiting.result(60)


def test_who_waits_can_be_told_to_stop(clip: Path, tmp_path: Path) -> None:
    def enough() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        open_track(clip_of(clip), tmp_path, "largest").wait(0, enough)


def test_waiting_for_what_nobody_follows_is_a_mistake(clip: Path, finished: Path) -> None:
    track = track_clip(clip_of(clip, 5), finished, "largest", Quiet())
    with pytest.raises(RuntimeError, match="99"):
        track.wait(99, lambda: None)


def test_a_track_that_cannot_be_read_back_is_named(clip: Path, tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "emptied")
    track = found_again(clip, folder)
    (folder / "track-000000.npz").write_bytes(b"")
    with pytest.raises(StageFailed) as caught:
        track.points(0)
    assert caught.value.code == "track_unreadable"


def test_memory_does_not_grow_with_what_is_read(clip: Path, finished: Path) -> None:
    track = found_again(clip, finished)
    for k in range(len(track)):
        track.points(k)
    assert track._raw.cache_info().currsize <= 3
    assert track._piece.cache_info().currsize <= 4
    assert track._growing is None


# ---------------------------------------------------------------- clips


def test_places_are_those_of_one_pass_forwards(clip: Path, tmp_path: Path) -> None:
    there_and_back = clip_of(clip, 150)
    assert isinstance(there_and_back, VideoClip)
    track = open_track(there_and_back, tmp_path, "largest")
    shown = track.index(there_and_back.order)
    assert shown.max() == 99 and shown[149] == 49
    assert np.array_equal(track.numbers[shown], there_and_back.order)


def test_a_photo_is_one_picture(tmp_path: Path) -> None:
    from PIL import Image
    from skimage.data import astronaut

    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()).save(photo)  # type: ignore[no-untyped-call]
    still = clip_of(photo, 50)
    assert isinstance(still, StillClip) and still.natural.tolist() == [0]
    track = track_clip(still, tmp_path, "largest", Quiet())
    assert len(track) == track.settled == 1 and track.run(0) == 0
    assert track.points(0) is not None


def test_a_slow_clip_is_followed_once_through_each_picture(clip: Path, tmp_path: Path) -> None:
    """Time stamps that leave pictures standing: each is looked at once, whatever the video's rate."""
    slow = tmp_path / "slow.mp4"
    ffmpeg(
        "-i",
        clip,
        "-t",
        "1",
        "-vf",
        "setpts=if(gt(N\\,10)\\,N+5\\,N)/25/TB",
        "-fps_mode",
        "vfr",
        *QUICK,
        slow,
    )
    reader = clip_of(slow)
    assert len(reader.natural) > len(np.unique(reader.natural))
    track = open_track(reader, tmp_path, "largest")
    assert np.array_equal(track.numbers, np.unique(reader.natural))
    assert np.array_equal(track.numbers[track.index(reader.order)], reader.order)


def test_a_clip_says_which_it_is(album: Path) -> None:
    facts = replace(inspect(portrait(album, seconds=2), Settings()), sha256="5ea1")
    assert open_clip(facts, 10).key == "5ea1"
    assert np.array_equal(open_clip(facts, 10).natural, np.arange(50))


# ---------------------------------------------------------------- another opinion


class Brows:
    """Sees three points of the mesh, and no face in pictures 30…33."""

    name = "brows 1"

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, picture: Picture, points: Points) -> npt.NDArray[np.float32] | None:
        self.seen += 1
        assert picture.shape == (320, 180, 3)
        return None if 30 <= self.seen < 33 else points[[70, 300, 4], :2]


def test_another_opinion_is_kept_and_bridged(clip: Path, tmp_path: Path) -> None:
    track = open_track(clip_of(clip, 30), tmp_path, "largest", Brows())
    track.follow(Quiet())
    missing = [k for k in range(40) if track.found(k) is Found.NO_FACE]
    assert missing == [20, 21, 22, 32, 33, 34]  # those without a face, and those it does not see
    for k in range(40):
        anchors, points = track.anchors(k), track.points(k)
        assert anchors is not None and points is not None
        assert np.abs(anchors - points[[70, 300, 4], :2]).max() < 3
    again = open_track(clip_of(clip, 30), tmp_path, "largest", Brows())
    again.follow(Steps(cancel_after=1))  # found again: no step
    assert all(np.array_equal(again.anchors(k), track.anchors(k)) for k in range(30))  # type: ignore[arg-type]
    assert open_track(clip_of(clip, 30), tmp_path, "largest").anchors(0) is None


# ---------------------------------------------------------------- runs


def test_runs_bridge_short_gaps_and_drop_flickers() -> None:
    face = np.array([1] * 10 + [0] * 4 + [1] * 10 + [0] * 9 + [1] * 2 + [0] * 9 + [1] * 6, bool)
    cut = np.zeros(len(face), bool)
    got = runs(face, cut)
    assert (got[:24] == 0).all()  # four missing pictures inside a shot are bridged
    assert (got[24:44] == -1).all()  # two pictures with a face are a flicker
    assert (got[44:] == 44).all()
    cut[12] = True
    assert runs(face, cut)[9] == 0  # never across a cut
    assert (runs(face, cut)[10:14] == -1).all()
    assert runs(face, cut)[15] == 14
    assert runs(np.array([True]), np.array([False])).tolist() == [0]  # a photo


def test_runs_are_settled_a_while_later() -> None:
    """Whatever comes, nothing changes in a picture's run after the lookahead; and not much earlier."""
    rng = np.random.default_rng(1)
    latest = 0
    for density in (0.1, 0.2, 0.5, 0.9):
        face, cut = rng.random(4000) < density, rng.random(4000) < 0.02
        face[:60] = np.arange(60) % 6 == 0
        cut[:60] = False
        final, growing = runs(face, cut), Runs(len(face))
        for t in range(len(face)):
            growing.add(bool(face[t]), bool(cut[t]))
            wrong = np.flatnonzero(growing.run[: t + 1] != final[: t + 1])
            latest = max(latest, *(t - wrong + 1), 0)
    assert latest == RUN_LOOKAHEAD
