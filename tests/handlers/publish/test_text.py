"""What is written beside a video, from templates over the facts of its job."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from handlers.publish.facts import Facts
from handlers.publish.target import Video
from handlers.publish.template import NAMES, checked, hashtags, rendered
from handlers.publish.text import TextSettings, text_for, with_cover

FACTS = Facts(
    job="0k3v9m2x",
    date=dt.datetime(2026, 3, 29, 8, 5, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    title="早安 & good morning",
    script="\n Good morning. [pause 1.5s] It rains.\n\nBye!\n",
    language="en",
    tags=("Morning News", "天气"),
)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{title}", "早安 & good morning"),
        ("{first_line}", "Good morning. It rains."),
        ("{script}", "Good morning. It rains.\n\nBye!"),
        ("{script:8}|", "Good mo…|"),
        ("{title:2}", "早…"),
        ("{title:99}", "早安 & good morning"),
        ("{date}", "2026-03-29"),
        ("{date:%d.%m.%Y %H:%M}", "29.03.2026 08:05"),
        ("{date:%-d %B, 100%%}", "29 March, 100%"),
        ("{tags} / {hashtags}", "Morning News, 天气 / #MorningNews #天气"),
        ("{language} {job}", "en 0k3v9m2x"),
        ("{{title}} %s $title", "{title} %s $title"),
        ("", ""),
    ],
)
def test_filled(template: str, said: str) -> None:
    assert rendered(checked(template), FACTS) == said


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{titel}", "{titel} is none: there are {title}"),
        ("{}", "{} is none"),
        ("{0}", "{0} is none"),
        ("{title.__class__}", "{title.__class__} is none"),
        ("{title[0]}", "is none"),
        ("{title!r}", "{title!r} is none"),
        ("{title", "both braces"),
        ("title}", "both braces"),
        ("{title:>30}", "number of characters"),
        ("{title:0}", "number of characters"),
        ("{title:{job}}", "number of characters"),
        ("{title:9999999}", "number of characters"),
        ("{date:%Q}", "a date such as"),
        ("{date:{job}}", "a date such as"),
        ("{date:%}", "a date such as"),
    ],
)
def test_refused_when_it_is_set(template: str, why: str) -> None:
    with pytest.raises(ValidationError) as told:
        TextSettings(title=template)
    assert why in str(told.value)


@given(st.text("{}:!.%Ytile0 a[]", max_size=12))
def test_what_is_checked_can_be_filled(template: str) -> None:
    try:
        checked(template)
    except ValueError:
        return
    rendered(template, FACTS)


@given(st.sampled_from(NAMES), st.text(max_size=30))
def test_facts_are_not_templates(name: str, said: str) -> None:
    """Braces in a script stay what they are."""
    facts = replace(FACTS, title=said + "{job}", script=said + "{job}", tags=("{job}",))
    assert FACTS.job not in rendered(f"{{{name}}}", facts) or name == "job"


def test_without_a_title_it_is_the_first_line() -> None:
    assert rendered("{title}", replace(FACTS, title=" ")) == "Good morning. It rains."
    assert rendered("{title}", replace(FACTS, title="", script="[pause 1s]\n")) == ""


def test_pauses_are_not_shown() -> None:
    assert replace(FACTS, script="One\n[pause 2s]\nTwo [pause 1s]").shown_script == "One\n\nTwo"
    assert replace(FACTS, script="[pause 2s] One").first_line == "One"


def test_hashtags() -> None:
    assert hashtags(["a b", "ab", "#c", "!", "c++", "C-3"]) == "#ab #c #C3"


def test_as_it_is_when_nothing_is_set() -> None:
    text = text_for(TextSettings(), FACTS)
    assert (text.title, text.description) == ("早安 & good morning", "#MorningNews #天气")
    assert (text.tags, text.language, text.facts) == (("Morning News", "天气"), "en", FACTS)


def test_per_target() -> None:
    settings = TextSettings(
        title="{title}\n {date:%d.%m.} ",
        description="{first_line}\n\n{hashtags} {tags}",
        tags=("#daily", "{language}", "天气", "{title:1}"),
    )
    text = text_for(settings, replace(FACTS, title="News"))
    assert text.title == "News 29.03."
    assert text.tags == ("Morning News", "天气", "daily", "en", "…")
    assert text.description.startswith(
        "Good morning. It rains.\n\n#MorningNews #天气 #daily #en Morning News, "
    )


def test_nothing_is_cut() -> None:
    long = replace(FACTS, title="x" * 5000, script="y" * 20000)
    text = text_for(TextSettings(description="{script}"), long)
    assert (len(text.title), len(text.description)) == (5000, 20000)


@pytest.mark.parametrize("tag", ["{tags}", "{hashtags}", "{nothing}"])
def test_tags_are_not_made_of_tags(tag: str) -> None:
    with pytest.raises(ValidationError):
        TextSettings(tags=(tag,))


def test_cover(tmp_path: Path) -> None:
    video = Video(tmp_path / "v.mp4", 1, 2, 3, 4, cover=tmp_path / "cover.jpg")
    own = tmp_path / "own.jpg"
    assert with_cover(TextSettings(), video) == video
    assert with_cover(TextSettings(cover="none"), video).cover is None
    assert with_cover(TextSettings(cover=str(own)), video).cover == own
    for wrong in ("own.jpg", "/pictures/own.png", ""):
        with pytest.raises(ValidationError, match="whole path of a JPEG"):
            TextSettings(cover=wrong)


def test_facts_are_json() -> None:
    assert Facts.from_dict(json.loads(json.dumps(FACTS.as_dict()))) == FACTS


def test_what_nobody_sees_is_left_away() -> None:
    """Some places refuse, or break at, a character that is none; an emoji of several stays one."""
    text = text_for(
        TextSettings(description="{script}"), replace(FACTS, title="A\0B\x1b[1m 👩‍🚀", script="a\r\nb\x85\tc")
    )
    assert (text.title, text.description) == ("AB[1m 👩‍🚀", "a\nb\tc")
