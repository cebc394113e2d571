"""What a target does not take is said in a sentence each, and what it takes is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handlers.publish.errors import Refused
from handlers.publish.fits import check_text, fits
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.folder import Folder
from handlers.publish.kinds.peertube.target import PeerTube
from handlers.publish.kinds.s3.target import S3
from handlers.publish.kinds.telegram import Telegram, TelegramSettings
from handlers.publish.kinds.webhook import Webhook
from handlers.publish.kinds.youtube.target import YouTube
from handlers.publish.target import Length, Limits, Text, Video, in_bytes, in_utf16

VIDEO = Video(Path("v.mp4"), duration_s=60, width=1080, height=1920, size=50_000_000)
TEXT = Text("早安" * 5, "d" * 20, ("news", "weather"))
TELEGRAM = Telegram(
    TelegramSettings(name="channel", chat="@news", token_file=Path("token")), Surroundings(Path("data"))
).limits
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


def test_each_text_as_the_place_counts_it() -> None:
    limits = Limits(title=5, description=Length(9, count=in_bytes, unit="bytes"))
    assert fits(VIDEO, replace(TEXT, title="早安早安早", description="早安早"), limits) == []
    assert fits(VIDEO, replace(TEXT, title="早安早安早安", description="早安早安"), limits) == [
        "The title has 6 characters, and at most 5 are taken there",
        "The description has 12 bytes, and at most 9 are taken there",
    ]


def test_one_field_for_both() -> None:
    limits = Limits(together=Length(10, count=in_utf16))
    assert fits(VIDEO, Text("🌞🌞", "d" * 4), limits) == []
    assert fits(VIDEO, Text("", "d" * 10), limits) == []
    (said,) = fits(VIDEO, Text("🌞🌞", "d" * 5), limits)
    assert said == "Title and description together have 11 characters, and at most 10 are taken there"


def test_too_short_and_not_taken_at_all() -> None:
    limits = Limits(title=Length(120, least=3), forbidden="<>")
    assert fits(VIDEO, Text("a < b", "c"), limits) == ["The title has < in it, which is not taken there"]
    assert fits(VIDEO, Text("ab", "<c>"), limits) == [
        "The title has 2 characters, and at least 3 are wanted there",
        "The description has < and > in it, which is not taken there",
    ]


# What the sites say of themselves, at the last that they take. The texts are of characters that are long in
# one of the ways to count them.
FITTING = [
    (YouTube.limits, Text("早" * 100, "早" * 1666 + "ab", ("a b", "t" * 453))),
    (PeerTube.limits, Text("🌞" * 120, "🌞" * 10_000, ("ab",) * 5)),
    (TELEGRAM, Text("早" * 1000, "🌞" * 11)),
]
BEYOND = [
    (YouTube.limits, Text("早" * 101, "")),
    (YouTube.limits, Text("早", "早" * 1667)),
    (YouTube.limits, Text("<3", "")),
    (YouTube.limits, Text("早", "", ("a b", "t" * 454))),
    (PeerTube.limits, Text("ab", "")),
    (PeerTube.limits, Text("a" * 121, "")),
    (PeerTube.limits, Text("abc", "d" * 10_001)),
    (PeerTube.limits, Text("abc", "", ("ab",) * 6)),
    (TELEGRAM, Text("早" * 1000, "🌞" * 11 + "a")),
]


@pytest.mark.parametrize(("limits", "text"), FITTING)
def test_what_the_sites_take(limits: Limits, text: Text) -> None:
    assert fits(VIDEO, text, limits) == []


@pytest.mark.parametrize(("limits", "text"), BEYOND)
def test_what_the_sites_do_not_take(limits: Limits, text: Text) -> None:
    assert len(fits(VIDEO, text, limits)) == 1
    with pytest.raises(Refused):
        check_text(text, limits)


def test_places_of_our_own_take_everything() -> None:
    assert S3.limits == Folder.limits == Webhook.limits == Limits()
