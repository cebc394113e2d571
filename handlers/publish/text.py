"""What is written beside a video, from templates over the facts of its job.

    [publish.target.text]
    title = "{title} · {date:%d.%m.}"
    description = "{script:900} {hashtags}"
    tags = ["news", "{language}"]
    cover = "none"

A person may change all of it afterwards. What does not fit the target is said when the video is
scheduled (fits.py); nothing is cut but what a template itself says is to be cut.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from handlers.publish.facts import Facts
from handlers.publish.target import Text, Video
from handlers.publish.template import Template, rendered

OWN, NONE = "own", "none"
_NOT_TEXT = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # all controls but \t and \n


def _cover(given: str) -> str:
    if given in (OWN, NONE):
        return given
    path = Path(given).expanduser()
    if not path.is_absolute() or "\0" in given or path.suffix.lower() not in (".jpg", ".jpeg"):
        raise ValueError('should be "own", "none", or the whole path of a JPEG')
    return str(path)


def _not_of_tags(template: str) -> str:
    if "{tags" in template or "{hashtags" in template:
        raise ValueError(
            "should be one tag each, without {tags} and {hashtags}: the job's tags are there anyway"
        )
    return template


class TextSettings(BaseModel):
    """tags: these, after the job's. cover: the job's own, none, or the path of a JPEG."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Template = "{title}"
    description: Template = "{hashtags}"
    tags: tuple[Annotated[Template, AfterValidator(_not_of_tags)], ...] = ()
    cover: Annotated[str, AfterValidator(_cover)] = OWN


def text_for(settings: TextSettings, facts: Facts) -> Text:
    tags = (_one_line(tag).lstrip("#") for tag in (*facts.tags, *(rendered(t, facts) for t in settings.tags)))
    facts = replace(facts, tags=tuple(dict.fromkeys(tag for tag in tags if tag)))
    return Text(
        title=_one_line(rendered(settings.title, facts)),
        description=_plain(rendered(settings.description, facts)).strip(),
        tags=facts.tags,
        language=facts.language,
        facts=facts,
    )


def with_cover(settings: TextSettings, video: Video) -> Video:
    """The video with the cover that is wanted there."""
    if settings.cover == OWN:
        return video
    return replace(video, cover=None if settings.cover == NONE else Path(settings.cover))


def _one_line(text: str) -> str:
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    return _NOT_TEXT.sub("", text.replace("\r\n", "\n"))
