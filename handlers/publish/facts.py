"""What is known of a job when its video is published: what templates are filled with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from models.words import pauses


@dataclass(frozen=True)
class Facts:
    """job: its id. title, script, language: as in its JobSpec; language "" when not known. tags: without "#".

    date: when it is to be published, in the time zone of who reads it.
    """

    job: str
    date: dt.datetime
    title: str = ""
    script: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()

    @property
    def shown_script(self) -> str:
        """As people read it: without the marks of pauses."""
        kept, begin = [], 0
        for start, end, _ in pauses(self.script):
            kept.append(self.script[begin:start].rstrip(" \t"))
            begin = end
        return "".join([*kept, self.script[begin:]]).strip()

    @property
    def first_line(self) -> str:
        """The first line of the script that says something; "" when there is none."""
        return next((line.strip() for line in self.shown_script.splitlines() if line.strip()), "")

    def with_text(self, title: str, tags: tuple[str, ...]) -> Self:
        """As a person may have changed them."""
        return replace(self, title=title, tags=tags)

    def as_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them."""
        return {
            "job": self.job,
            "date": self.date.isoformat(),
            "title": self.title,
            "script": self.script,
            "language": self.language,
            "tags": list(self.tags),
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        known = dict(said)
        return cls(**known | {"date": dt.datetime.fromisoformat(known["date"]), "tags": tuple(known["tags"])})
