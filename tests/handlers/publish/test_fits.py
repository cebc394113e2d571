"""What a target does not take is said in a sentence each, and what it takes is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handlers.publish.fits import fits
from handlers.publish.target import Limits, Text, Video

VIDEO = Video(Path("v.mp4"), duration_s=60, width=1080, height=1920, size=50_000_000)
TEXT = Text("早安" * 5, "d" * 20, ("news", "weather"))
ALL = Limits(
    title=10, description=20, tags=2, tags_chars=12, duration_s=60, size=50_000_000, aspect=(9 / 16, 1)
)


def test_all_of_it_fits_exactly() -> None:
    assert fits(VIDEO, TEXT, ALL) == []
    assert fits(replace(VIDEO, height=1918), TEXT, replace(ALL, aspect=(9 / 16, 9 / 16))) == []


def test_without_limits_everything_does() -> None:
    assert fits(replace(VIDEO, size=10**15), Text("", "d" * 10**6, ("t",) * 1000), Limits()) == []


@pytest.mark.parametrize(
    ("video", "text", "said"),
    [
        ({}, {"title": "x" * 1234}, "The title has 1,234 characters, and at most 10 are taken there"),
        ({}, {"title": ""}, "The title is empty"),
        ({}, {"description": "d" * 21}, "The description has 21 characters, and at most 20 are taken there"),
        ({}, {"tags": ("a", "b", "c")}, "There are 3 tags, and at most 2 are taken there"),
        ({}, {"tags": ("news", "weathers")}, "All tags together have 13 characters, and at most 12 are"),
        ({"duration_s": 60.04}, {}, "The video is 1:00.1 long, and at most 1:00 is taken there"),
        ({"duration_s": 3725}, {}, "The video is 1:02:05 long"),
        ({"duration_s": 119.96}, {}, "The video is 2:00 long"),
        ({"size": 50_001_000}, {}, "The video has 50.001 MB, and at most 50 MB are taken there"),
        ({"size": 4_000_000_000}, {}, "The video has 4 GB"),
        ({"width": 540}, {}, "The video has 540 × 1920 pixels, which is too narrow there"),
        ({"width": 1950}, {}, "too wide there: the width is to be 1 of the height"),
    ],
)
def test_what_does_not(video: dict[str, int], text: dict[str, str], said: str) -> None:
    wrong = fits(replace(VIDEO, **video), replace(TEXT, **text), ALL)  # type: ignore[arg-type]
    assert len(wrong) == 1 and said in wrong[0]


def test_each_is_said() -> None:
    assert len(fits(replace(VIDEO, size=10**9, duration_s=99), replace(TEXT, title="x" * 11), ALL)) == 3


def test_characters_as_the_place_counts_them() -> None:
    in_bytes = Limits(title=10, count=lambda text: len(text.encode()))
    assert fits(VIDEO, replace(TEXT, title="早安早"), in_bytes) == []
    assert "has 12 characters" in fits(VIDEO, replace(TEXT, title="早安早安"), in_bytes)[0]
