"""Where the mouth is taken over from the clip, and clips that do not show enough of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.errors import BadInput
from models.faces import Found
from models.progress import Quiet
from models.takeover import RAMP, check_faces, takeover, takeover_of
from models.track import Track, track_clip
from tests.face_kit import clip_of, portrait
from tests.media_kit import QUICK, ffmpeg


def test_takeover_is_eased() -> None:
    run = np.array([-1, -1, 0, 0, 0, 0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1], np.int32)
    strength = takeover(run)
    assert (strength[run < 0] == 0).all()
    assert np.allclose(strength[2:10], [0.2, 0.4, 0.6, 0.8, 0.8, 0.6, 0.4, 0.2])
    assert strength[-1] == 1  # the video's own end is no reason to let go


def test_a_cut_from_face_to_face_is_not_eased() -> None:
    assert (takeover(np.array([0] * 5 + [5] * 5, np.int32)) == 1).all()


@pytest.mark.parametrize("run", [[], [3], [-1], [3, -1], [-1, 3, -1]])
def test_short_videos_are_eased_too(run: list[int]) -> None:
    expected = [0.0 if r < 0 else 0.2 if len(run) > 1 else 1.0 for r in run]
    assert takeover(np.array(run, np.int32)).tolist() == expected


# ---------------------------------------------------------------- on a track


@pytest.fixture(scope="module")
def gone(album: Path, tmp_path_factory: pytest.TempPathFactory) -> Track:
    """50 pictures, 20…31 of them without anybody."""
    folder = tmp_path_factory.mktemp("gone")
    box = "drawbox=c=0x8899aa:t=fill:enable='between(n,20,31)'"
    ffmpeg(
        "-i",
        portrait(album, seconds=2),
        "-vf",
        f"scale=180:320,{box}",
        *QUICK,
        "-crf",
        "12",
        folder / "g.mp4",
    )
    return track_clip(clip_of(folder / "g.mp4"), folder, "largest", Quiet())


def test_pieces_of_a_video_are_eased_as_the_whole(gone: Track) -> None:
    shown = np.concatenate([np.arange(50), np.arange(48, 0, -1)])
    whole = takeover(gone.runs(shown))
    assert set(np.unique(whole)) >= {0, 0.2, 0.4, 0.6, 0.8, 1}
    for length in (1, RAMP, 16):
        pieces = [takeover_of(gone, shown, i, min(i + length, 98)) for i in range(0, 98, length)]
        assert np.array_equal(np.concatenate(pieces), whole)


def shown(*pictures: range) -> npt.NDArray[np.int64]:
    return np.concatenate([np.array(p) for p in pictures])


def test_enough_of_a_face_is_enough(gone: Track) -> None:
    check_faces(gone, np.arange(50), 0.25)
    check_faces(gone, shown(range(20)), 0)


@pytest.mark.parametrize(
    ("pictures", "most", "code"),
    [(range(50), 0.2, "too_few_faces"), (range(20, 32), 0.5, "no_face"), (range(20, 32), 1.0, "no_face")],
)
def test_what_is_missing_is_named(gone: Track, pictures: range, most: float, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_faces(gone, shown(pictures), most)
    assert caught.value.code == code
    assert caught.value.hint
    if code == "too_few_faces":
        assert "24%" in caught.value.message and "20%" in caught.value.message


def test_a_mouth_beyond_the_edge_is_named(album: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    # The portrait's mouth is at 53 % of the height; the picture ends above it.
    chain = "trim=end_frame=20,crop=iw:trunc(ih*0.46/2)*2:0:0"
    ffmpeg("-i", portrait(album, seconds=2), "-vf", chain, *QUICK, "-crf", "12", cut)
    track = track_clip(clip_of(cut), tmp_path, "largest", Quiet())
    assert (track.founds(np.arange(20)) == Found.LIPS_OUTSIDE).any()
    with pytest.raises(BadInput) as caught:
        check_faces(track, np.arange(20), 0.2)
    assert caught.value.code == "lips_outside"
