"""A sheet shows frames from the whole of a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.sheet import GAP, WIDTH, frame_sheet
from tests.media_kit import ffmpeg


@pytest.mark.parametrize(("suffix", "written"), [(".jpg", "JPEG"), (".PNG", "PNG")])
def test_frames_are_spread_over_the_whole_video(tmp_path: Path, suffix: str, written: str) -> None:
    video = tmp_path / "red-then-blue.mp4"
    halves = "color=red:s=160x284:d=2[a];color=blue:s=160x284:d=2[b];[a][b]concat"
    ffmpeg("-f", "lavfi", "-i", halves, video)
    frame_sheet(video, tmp_path / f"sheet{suffix}", columns=4)
    with Image.open(tmp_path / f"sheet{suffix}") as sheet:
        assert sheet.format == written
        assert sheet.size == (4 * WIDTH + 3 * GAP, round(WIDTH * 284 / 160 / 2) * 2)
        middles = [np.asarray(sheet)[100, WIDTH // 2 + i * (WIDTH + GAP)] for i in range(4)]
    assert [("red" if m[0] > 150 else "blue") for m in middles] == ["red", "red", "blue", "blue"]
