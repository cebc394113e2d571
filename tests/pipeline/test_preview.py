from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import BadInput
from pipeline import ffmpeg
from pipeline.preview import gradient, preview
from pipeline.spec import Settings
from tests.pipeline.captioning import ink


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview of the look "panel"."""
    out = tmp_path_factory.mktemp("looks") / "panel.png"
    preview("panel", out, Settings())
    return out


def test_a_look_is_drawn_on_the_neutral_backdrop(panel: Path) -> None:
    drawn = np.asarray(Image.open(panel).convert("RGB"), np.int16)
    difference = np.abs(drawn - gradient(1920, 1080))
    assert ink(difference[:960], grey=0)[2] > 500  # the title
    x0, y0, x1, y1 = ink(difference[960:], grey=0)  # the subtitle
    assert x1 - x0 > 400 and y1 - y0 > 60


def test_two_looks_look_different(panel: Path, tmp_path: Path) -> None:
    preview("clean", tmp_path / "clean.png", Settings())
    assert (tmp_path / "clean.png").read_bytes() != panel.read_bytes()


def test_a_clip_filmed_upright_is_shown_upright(tmp_path: Path) -> None:
    # Red above, green below, stored lying on its side with a rotation flag, as phones do.
    lying, clip = tmp_path / "lying.mp4", tmp_path / "clip.mp4"
    red, green = (
        ffmpeg.generated("color=red:s=160x180:d=1.2:r=25"),
        ffmpeg.generated("color=green:s=160x180:d=1.2:r=25"),
    )
    stacked = ["-filter_complex", "[0][1]vstack,transpose=2", "-pix_fmt", "yuv420p"]
    inputs = [*red.output("-").get_args()[:4], *green.output("-").get_args()[:4]]
    ffmpeg.run([*inputs, *stacked, str(lying)], doing="making a clip")
    ffmpeg.run(["-display_rotation", "-90", "-i", str(lying), "-c", "copy", str(clip)], doing="turning it")
    preview("film", tmp_path / "look.png", Settings(), clip)
    drawn = np.asarray(Image.open(tmp_path / "look.png").convert("RGB"))
    assert drawn.shape[:2] == (360, 160)
    assert drawn[5, 80, 0] > 150 and drawn[-5, 80, 0] < 80


def test_an_unknown_name_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        preview("headlin", tmp_path / "x.png", Settings())
    assert "Did you mean headline?" in caught.value.hint and "karaoke" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_clip_is_refused_and_nothing_written(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("not a video")
    with pytest.raises(BadInput):
        preview("clean", tmp_path / "x.png", Settings(), clip)
    assert list(tmp_path.iterdir()) == [clip]


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    Image.new("RGB", (320, 320)).save(photo)
    with pytest.raises(BadInput, match=r"no/x\.png") as caught:
        preview("clean", tmp_path / "no" / "x.png", Settings(), photo)
    assert caught.value.code == "out_unwritable"


def test_a_preview_is_a_png_and_never_the_clip_itself(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"precious")
    with pytest.raises(BadInput) as caught:
        preview("film", clip, Settings(), clip)
    assert caught.value.code == "out_suffix"
    photo, link = tmp_path / "me.png", tmp_path / "same.png"
    Image.new("RGB", (320, 320)).save(photo)
    link.hardlink_to(photo)
    before = photo.read_bytes()
    for out in (photo, link):
        with pytest.raises(BadInput) as caught:
            preview("film", out, Settings(), photo)
        assert caught.value.code == "out_overwrites_input"
    assert clip.read_bytes() == b"precious" and photo.read_bytes() == before
