"""Options out of files: names and values, and a mistake told with its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from models.errors import BadInput
from pipeline.options import check_options
from pipeline.spec import JobSpec, Language, Options


def refusal(said: dict[str, Any]) -> BadInput:
    with pytest.raises(BadInput) as caught:
        check_options(said, "monday.toml")
    assert "monday.toml" in caught.value.message
    assert caught.value.hint and caught.value.message.isprintable()
    return caught.value


def test_texts_become_what_a_job_takes() -> None:
    said = {
        "seed": " 5 ",
        "music_volume": "0.5",
        "title": " News ",
        "publish": "youtube, telegram",
        "voice": None,
    }
    assert check_options(said, "x") == {
        "seed": 5,
        "music_volume": 0.5,
        "title": "News",
        "publish": ("youtube", "telegram"),
    }


def test_only_what_was_said_is_given_back() -> None:
    """The others would stand in the way of the configuration's defaults."""
    assert check_options({"seed": 5}, "x") == {"seed": 5}
    assert check_options({}, "x") == {}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("music-volume", "Did you mean music_volume?"),
        ("Titel", "Did you mean title?"),
        ("clip", "Known are voice, tone, language"),
        ("volume\x1b[2J" + "x" * 500, "music_volume"),
    ],
)
def test_an_unknown_option(name: str, hint: str) -> None:
    error = refusal({name: "x"})
    assert error.code == "option_unknown"
    assert "in monday.toml is not an option" in error.message and len(error.message) < 100
    assert hint in error.hint


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"music_volume": "loud"}, "music_volume in monday.toml must be a number from 0 to 1, not 'loud'"),
        ({"music_volume": 1.5}, "not 1.5"),
        ({"music_volume": "nan"}, "not 'nan'"),
        ({"music_volume": True}, "not true"),
        ({"seed": "-1"}, "seed in monday.toml must be a whole number from 0 to 2147483647, not '-1'"),
        ({"seed": False}, "not false"),
        ({"title": 5}, "title in monday.toml must be a text, not 5"),
        ({"title": ["a"]}, "not a list"),
        ({"voice": {"name": "anna"}}, "not a table"),
        ({"title": dt.date(2026, 1, 1)}, "not 2026-01-01"),
        ({"language": "klingon"}, "language in monday.toml must be one of auto, zh, en"),
        ({"tags": 5}, "tags in monday.toml must be a list of words such as news, morning"),
        ({"tags": "a" * 101}, "each of at most 100 characters"),
        ({"tags": [str(n) for n in range(61)]}, "at most 60"),
        ({"tags": "a\x1b[2J"}, "tags in monday.toml must be"),
        ({"publish": [["a"]]}, "publish in monday.toml must be a list of names"),
        ({"title": "half \ud83d"}, "title in monday.toml is not valid Unicode"),
        ({"publish": ["\ud83d"]}, "publish in monday.toml is not valid Unicode"),
        ({"seed": "x" * 10_000}, "x…'"),
    ],
)
def test_a_bad_value(said: dict[str, Any], words: str) -> None:
    error = refusal(said)
    assert error.code == "option_invalid"
    assert words in error.message and len(error.message) < 200


def test_the_bounds_that_are_told_are_those_that_hold() -> None:
    assert check_options({"music_volume": "1", "seed": "2147483647"}, "x")
    for name, value in (("music_volume", "1.01"), ("seed", "2147483648")):
        refusal({name: value})
    assert all(check_options({"language": language}, "x") for language in get_args(Language))


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-11-23 08:00", None),
        ("2026-11-23T08:00:00", None),
        ("2026-11-23 08:00+01:00", dt.timedelta(hours=1)),
        ("2026-11-23 08:00 -0530", dt.timedelta(hours=-5, minutes=-30)),
        ("2026-11-23T08:00:00.000Z", dt.timedelta()),
        (dt.datetime(2026, 11, 23, 8), None),  # TOML's own
    ],
)
def test_a_time_has_a_zone_and_comes_back_from_json_as_it_was(
    text: object, zone: dt.timedelta | None
) -> None:
    at = check_options({"publish_at": text}, "x")["publish_at"]
    local = dt.datetime(2026, 11, 23, 8).astimezone().utcoffset()
    assert at.replace(tzinfo=None) == dt.datetime(2026, 11, 23, 8)
    assert at.utcoffset() == (local if zone is None else zone)
    again = JobSpec.model_validate(JobSpec(clip=Path("/a.mp4"), publish_at=at).model_dump(mode="json"))
    assert again.publish_at == at


@pytest.mark.parametrize(
    "text",
    [
        *(
            "tomorrow",
            "2026-11-23",
            "08:00",
            "1700000000",
            "2026-02-31 08:00",
            "2026-11-23 25:00",
            "0001-01-01 00:00",
            "9999-12-31T23:59-12:00",
        ),
        *("2026-11-23T08:00TZ", "", 1700000000, dt.date(2026, 1, 1), dt.time(8), True),
    ],
)
def test_a_bad_time_is_told_how_to_be_written(text: object) -> None:
    """A number would be taken for seconds since 1970, and a day for midnight."""
    error = refusal({"publish_at": text})
    assert "must be a time such as 2026-11-23 08:00, or with its zone" in error.message


@pytest.mark.parametrize(
    ("said", "targets"),
    [("youtube", ("youtube",)), (["b", " a ", "b"], ("b", "a")), (" , ", ()), ("none", ()), ((), ())],
)
def test_targets(said: object, targets: tuple[str, ...]) -> None:
    assert Options.model_validate({"publish": said}).publish == targets


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        ("#news, good  morning", ("news", "good morning")),
        (["##a", "a", "#"], ("a",)),
        ("早安", ("早安",)),
        ("none", ()),
    ],
)
def test_tags_have_no_sign_before_them(said: object, tags: tuple[str, ...]) -> None:
    assert Options.model_validate({"tags": said}).tags == tags


def test_targets_are_names() -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"publish": {"youtube": 1}})


@pytest.mark.parametrize(
    ("said", "tone"),
    [
        (" warm and calm ", "warm and calm"),
        ("温暖，\u3000平静", "温暖， 平静"),
        ("x" * 500, "x" * 500),
        ("", ""),
    ],
)
def test_a_tone(said: str, tone: str) -> None:
    assert check_options({"tone": said}, "x") == {"tone": tone}


@pytest.mark.parametrize("said", ["x" * 501, "warm\nand calm", "warm\u2028calm", "a\x07b", 5, ["warm"]])
def test_a_tone_that_cannot_be(said: Any) -> None:
    error = refusal({"tone": said})
    assert error.code == "option_invalid" and "words on one line, at most 500 characters" in error.message
