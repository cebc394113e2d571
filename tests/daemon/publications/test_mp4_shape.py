"""What the header of a video says is what a decoder sees; and what is no whole video says so."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from daemon.publications.mp4_shape import shape
from tests.face_kit import portrait
from tests.media_kit import ffmpeg


@pytest.fixture
def clip(album: Path) -> Path:
    return portrait(album, (180, 320), 1)


def test_it_is_what_a_decoder_sees(clip: Path) -> None:
    with av.open(str(clip)) as container:
        assert container.duration is not None
        seconds, video = container.duration / av.time_base, container.streams.video[0]
        found = shape(clip)
        assert found[1:] == (video.width, video.height) and found[0] == pytest.approx(seconds, abs=0.02)


def test_on_its_side_it_is_what_is_shown(clip: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", clip, "-c", "copy", turned)
    assert shape(clip)[1:] == (180, 320) and shape(turned)[1:] == (320, 180)


@pytest.mark.parametrize("kept", [0, 7, 40, 200])
def test_what_was_cut_off_is_none(clip: Path, tmp_path: Path, kept: int) -> None:
    part = tmp_path / "part.mp4"
    whole = clip.read_bytes()
    part.write_bytes(whole[:kept])
    with pytest.raises(ValueError, match=r"part\.mp4 is no whole MP4"):
        shape(part)


def test_what_is_no_video_is_none(tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_bytes(b"Good morning. " * 100)
    with pytest.raises(ValueError, match="no whole MP4"):
        shape(notes)
