"""The demo's material, and (slow) the whole way from `vigentd demo` to a video."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
import pytest

from daemon import demo
from daemon.admission import admit
from daemon.config import Config
from tests.daemon.conftest import Cli


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.clip(tmp_path_factory.mktemp("cache"), size=(360, 640), seconds=2)


def pictures(clip: Path) -> list[npt.NDArray[np.float32]]:
    with av.open(str(clip)) as container:
        return [frame.to_ndarray(format="gray").astype(np.float32) for frame in container.decode(video=0)]


def test_the_clip_has_the_size_and_rate_that_were_asked_for(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (360, 640, 50)
        assert stream.average_rate == 25


def test_the_portrait_moves_gently(clip: Path) -> None:
    """Catches a still picture, and a jump: no picture differs much from the one before."""
    shown = pictures(clip)
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(shown)]
    assert max(steps) < 6
    assert float(np.abs(shown[-1] - shown[0]).mean()) > 3


def test_no_edge_of_the_portrait_comes_into_view() -> None:
    """Everything shown lies within the portrait and its painted headroom, at every moment of the clip."""
    height, width = demo._portrait().shape[:2]
    w, h = demo.PORTRAIT
    corners = np.array([[0, 0, 1], [w - 1, 0, 1], [0, h - 1, 1], [w - 1, h - 1, 1]]).T
    for number in range(demo.SECONDS * demo.FPS):
        x, y = demo._view(number / demo.FPS, demo.PORTRAIT) @ corners / demo.UPSCALE
        assert x.min() >= 0 and x.max() <= width - 1
        assert y.min() >= 0 and y.max() <= height - 1


def test_the_clip_is_made_once_and_leaves_nothing_else(clip: Path) -> None:
    made = clip.stat().st_mtime_ns
    assert demo.clip(clip.parent, size=(360, 640), seconds=2).stat().st_mtime_ns == made
    assert list(clip.parent.iterdir()) == [clip]


def test_a_clip_of_another_recipe_is_not_used(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = clip.stat().st_mtime_ns
    monkeypatch.setattr(demo, "VERSION", demo.VERSION + 1)
    other = demo.clip(clip.parent, size=(360, 640), seconds=2)
    assert other != clip and clip.stat().st_mtime_ns == made
    other.unlink()


def test_the_clip_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut between the two would leave an empty clip, and every later demo would take it."""
    synced: list[tuple[str, list[str]]] = []
    real = os.fsync

    def seen(number: int) -> None:
        real(number)
        there = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
        synced.append((Path(f"/proc/self/fd/{number}").readlink().name, there))

    monkeypatch.setattr(os, "fsync", seen)
    made = demo.clip(tmp_path, size=(64, 64), seconds=0.2)
    assert synced == [(f".{made.stem}.part.mp4", []), (tmp_path.name, [made.name])]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_demo_asks_for_is_admitted(
    config: Config, tmp_path: Path, clip: Path, language: Literal["en", "zh"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "clip", lambda _: clip)
    spec = admit(demo.request(config, tmp_path / "demo.mp4", language), config)
    assert spec.title and spec.music == "calm" and spec.language == language


@pytest.mark.slow
def test_the_demo_makes_a_video(process: Cli, tmp_path: Path) -> None:
    said = process("demo", "--out", "demo.mp4", "--json", timeout=600)
    assert said.code == 0, said.err
    job = said.json
    assert (job["state"], job["output"]) == ("done", str(tmp_path / "demo.mp4"))
    for suffix in (".mp4", ".srt", ".vtt", ".jpg"):
        assert (tmp_path / f"demo{suffix}").stat().st_size > 100
