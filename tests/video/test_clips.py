"""Size, rate and orientation of the video are those of the clip, whatever kind of clip it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import speech
from pipeline.media import main_video, open_local
from tests.face_kit import clip_of
from tests.media_kit import QUICK, ffmpeg, psnr
from tests.video.conftest import Desk, seconds_of


@pytest.mark.parametrize(
    ("name", "options", "size", "rate"),
    [
        # stored lying, shown upright
        ("turned film", ["-vf", "fps=24000/1001,transpose=2"], (180, 320), 24000 / 1001),
        ("odd and fast", ["-vf", "fps=60,scale=181:321,setsar=1", "-pix_fmt", "yuv444p"], (180, 320), 60),
        (
            "squeezed vfr",
            ["-vf", r"select='lt(mod(n\,7)\,5)',scale=144:320,setsar=5/4", "-fps_mode", "vfr"],
            (144, 320),
            25,
        ),
    ],
)
def test_size_rate_and_orientation_are_the_clips(
    desk: Desk, face: Path, name: str, options: list[str], size: tuple[int, int], rate: float
) -> None:
    clip = desk.folder / f"{name}.mp4"
    ffmpeg("-i", face, *options, *QUICK, "-crf", "14", clip)
    if "turned" in name:
        lying = clip.rename(desk.folder / "lying.mp4")
        ffmpeg("-display_rotation", "270", "-i", lying, "-c", "copy", clip)
    desk.submit("Hello.", clip, "--subtitles", "none", "--out", "out.mp4")
    with open_local(desk.folder / "out.mp4") as container:
        stream = main_video(container)
        assert stream is not None
        assert (stream.width, stream.height) == size
        assert float(stream.average_rate or 0) == pytest.approx(rate, rel=1e-4)
        assert float(stream.sample_aspect_ratio or 1) == (1.25 if "squeezed" in name else 1)
        frame = next(container.decode(stream))
        assert frame.rotation == 0
    (ours,) = clip_of(desk.folder / "out.mp4").pictures([0])
    (theirs,) = clip_of(clip).pictures([0])
    assert psnr(ours[: size[1] // 3], theirs[: size[1] // 3]) > 35  # the forehead, the right way up


def test_at_25_pictures_a_second_when_that_is_set(desk: Desk, face: Path) -> None:
    """Whatever the clip has, and as long as it would be otherwise."""
    (desk.folder / "vigentd.toml").write_text("[lipsync]\nfps = 25\n")
    clip = desk.folder / "fast.mp4"
    ffmpeg("-i", face, "-vf", "fps=60", *QUICK, "-crf", "14", clip)
    job = desk.submit("Hello.", clip, "--subtitles", "none", "--out", "out.mp4")
    with open_local(desk.folder / "out.mp4") as container:
        stream = main_video(container)
        assert stream is not None and stream.average_rate == 25
    spoken = speech.load(desk.artifact(job, "speech")).speech
    assert seconds_of(desk.folder / "out.mp4") == pytest.approx(spoken.duration_s, abs=1 / 25)
