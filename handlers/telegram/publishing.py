"""Publishing, as the bot knows it: the desk and the book, with the words of a chat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handlers.publish.target import Text
from models.errors import BadInput

if TYPE_CHECKING:
    from daemon.publications.book import Book
    from daemon.publications.desk import Desk
    from daemon.publications.plan import Plan
    from daemon.publications.slots import Rules
    from daemon.publications.tables import Publication


@dataclass(frozen=True)
class Publishing:
    """desk: of the configuration in force. book: of the queue's own database: what a turn writes there is a
    part of that turn. wake: tells the publisher to look; once all is written.

    What is asked for here raises BadInput as the desk and the book do.
    """

    desk: Callable[[], Desk]
    book: Book
    wake: Callable[[], None] = lambda: None

    def targets(self) -> Sequence[str]:
        return self.desk().names

    def rules(self, target: str) -> Rules | None:
        """None: there is no such target any more."""
        return self.desk().rules.get(target)

    def zone(self, target: str) -> dt.tzinfo | None:
        """In which its times are told; None: the machine's."""
        rules = self.rules(target)
        return rules.zone if rules else None

    def plan(self, now: dt.datetime) -> Plan:
        from daemon.publications.plan import plan

        return plan(self.book, self.desk().rules, now)

    def paused(self) -> Sequence[str]:
        return [name for name in self.targets() if self.book.target(name).paused_by is not None]

    def publish(self, job_id: str, target: str, at: dt.datetime | None, by: str) -> tuple[Publication, bool]:
        """At that time, or now. False: it was there, or on its way, already."""
        return self.desk().publish(job_id, target, by, at)

    def approve(self, number: int, by: str) -> Publication:
        """Raises BadInput `does_not_fit` when that is what it is held for, and it still is so."""
        return self.desk().approve(number, by)

    def edit(self, number: int, by: str, text: str) -> Publication:
        """text: as `read_text` reads it."""
        return self.desk().edit(number, by, lambda before: read_text(text, before))


def read_text(said: str, before: Text) -> Text:
    """The first line is the title, what follows is the description. Lines of #tags alone are the tags;
    without one, they stay. Raises BadInput `text_empty`."""
    title, *rest = [line.rstrip() for line in said.strip().splitlines()] or [""]
    if not title or _is_tags(title):
        raise BadInput("The first line is to be the title", code="text_empty")
    tagged = [line for line in rest if _is_tags(line)]
    words = (word.strip("#＃,，") for line in tagged for word in line.split())
    tags = tuple(dict.fromkeys(word for word in words if word))
    if not tags_in_description(before):
        rest = [line for line in rest if line not in tagged]
    return replace(
        before,
        title=title.strip(),
        description="\n".join(rest).strip(),
        tags=tags if tagged else before.tags,
    )


def written_text(text: Text) -> str:
    """The other way: to be changed and sent back."""
    tags = "" if tags_in_description(text) else hashed(text.tags)
    return "\n".join(part for part in (text.title, text.description, tags) if part)


def tags_in_description(text: Text) -> bool:
    """So its template has it; then they stand there once more as they are."""
    return bool(text.tags) and all(f"#{tag}" in text.description for tag in text.tags)


def hashed(tags: Iterable[str]) -> str:
    return " ".join(f"#{tag}" for tag in tags)


def _is_tags(line: str) -> bool:
    return bool(line.split()) and all(word.startswith(("#", "＃")) for word in line.split())
