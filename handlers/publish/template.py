"""Text with the facts of a job in it: "{title}, {date:%d.%m.%Y}".

| title | its title, or else the first line of its script |
| script, first_line | what is said in it, without the marks of pauses |
| date | when it is published: {date:%Y-%m-%d %H:%M} |
| tags, hashtags | "news, weather" and "#news #weather" |
| language, job | "en", and the job's id |

{script:300} are at most 300 characters of it, with an ellipsis when that is not all. {{ and }} are braces.
Only these names can stand there: nothing is looked up, called or computed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from handlers.publish.facts import Facts
from models.shortened import shortened

A_DATE = "%Y-%m-%d"
_DATE = re.compile(r"(?:[^%{}]|%-?[aAbBdHIjmMpSUVWyYGuZz]|%%)*")
_FIELDS: dict[str, Callable[[Facts], str]] = {
    "title": lambda facts: facts.title.strip() or facts.first_line,
    "script": lambda facts: facts.shown_script,
    "first_line": lambda facts: facts.first_line,
    "tags": lambda facts: ", ".join(facts.tags),
    "hashtags": lambda facts: hashtags(facts.tags),
    "language": lambda facts: facts.language,
    "job": lambda facts: facts.job,
}
NAMES = (*_FIELDS, "date")


def rendered(template: str, facts: Facts) -> str:
    """The template is one that `checked` has let pass."""
    return "".join(part if isinstance(part, str) else part.fill(facts) for part in _parts(template))


def checked(template: str) -> str:
    """The same template. Raises ValueError, with what should be there, when it cannot be filled."""
    for part in _parts(template):
        if not isinstance(part, str):
            part.check()
    return template


Template = Annotated[str, AfterValidator(checked)]


def hashtags(tags: Iterable[str]) -> str:
    """ "Morning News" → "#MorningNews"; what cannot stand in a hashtag is left out."""
    joined = (re.sub(r"\W", "", tag) for tag in tags)
    return " ".join(dict.fromkeys(f"#{tag}" for tag in joined if tag))


@dataclass(frozen=True)
class _Field:
    name: str
    form: str

    def check(self) -> None:
        if self.name not in NAMES:
            raise ValueError(
                f"should name facts of a job, and {{{self.name}}} is none: "
                f"there are {', '.join(f'{{{name}}}' for name in NAMES)}"
            )
        if self.name == "date" and not _DATE.fullmatch(self.form):
            raise ValueError(f"should have a date such as {{date:{A_DATE}}}, not {self.form}")
        if self.name != "date" and not re.fullmatch(r"(?:[1-9][0-9]{0,5})?", self.form, re.ASCII):
            raise ValueError(
                f"should have a number of characters such as {{{self.name}:300}}, not {self.form}"
            )

    def fill(self, facts: Facts) -> str:
        if self.name == "date":
            return facts.date.strftime(self.form or A_DATE)
        filled = _FIELDS[self.name](facts)
        return shortened(filled, int(self.form)) if self.form else filled


def _parts(template: str) -> Iterator[str | _Field]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as e:
        raise ValueError("should have both braces of each {name}, and {{ or }} for a brace") from e
    for literal, name, form, conversion in parsed:
        if literal:
            yield literal
        if name is not None:
            yield _Field(f"{name}!{conversion}" if conversion else name, form or "")
