"""What is written beside a video: of its job's facts, and as the book keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from daemon.jobs import JobRow
from handlers.publish.facts import Facts
from handlers.publish.target import Text
from handlers.publish.text import TextSettings, text_for


def written(settings: TextSettings, job: JobRow, at: dt.datetime) -> Text:
    """at: when it goes out, in the zone of who reads it."""
    return text_for(settings, facts_of(job, at))


def facts_of(job: JobRow, at: dt.datetime) -> Facts:
    spec = job.spec
    return Facts(
        job=job.id,
        date=at,
        title=spec.get("title") or job.label,
        script=spec.get("script", ""),
        language=_language(spec),
        tags=tuple(spec.get("tags", ())),
    )


def _language(spec: Mapping[str, Any]) -> str:
    from pipeline.language import detect_language

    said: str = spec.get("language", "auto")
    if said != "auto":
        return said
    return detect_language(spec["script"]) if spec.get("script") else ""


def text_json(text: Text) -> dict[str, Any]:
    return {
        "title": text.title,
        "description": text.description,
        "tags": list(text.tags),
        "language": text.language,
        "facts": text.facts.as_dict() if text.facts else None,
    }


def text_of(said: Mapping[str, Any]) -> Text:
    """The other way."""
    facts = said.get("facts")
    return Text(
        title=said.get("title", ""),
        description=said.get("description", ""),
        tags=tuple(said.get("tags", ())),
        language=said.get("language", ""),
        facts=Facts.from_dict(facts) if facts else None,
    )
