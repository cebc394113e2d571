"""Where targets, the configuration, jobs and the book come together: what people and the publisher ask for.

One desk stands for one configuration; a new one takes its place when that is read again. It keeps nothing
but opened targets: the book is what lasts.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.config import Config
from daemon.jobs import JobRow
from daemon.publications.book import KEPT, OPEN, Book, Proposal, Sending
from daemon.publications.finished import finished_video
from daemon.publications.opening import Opened, opened
from daemon.publications.settings import TargetSection
from daemon.publications.slots import Rules
from daemon.publications.tables import Publication, Standing
from daemon.publications.written import text_json, text_of, written
from handlers.publish.fits import fits
from handlers.publish.kind import TargetSettings
from handlers.publish.registry import Registry
from handlers.publish.target import Target, Text, Video
from handlers.publish.text import with_cover
from models.errors import BadInput, VigentdError


@dataclass(frozen=True)
class Preview:
    """What would be sent, and when; misfits: what does not fit there, in sentences."""

    video: Video
    text: Text
    at: dt.datetime
    misfits: tuple[str, ...]


class Desk:
    """now: with its zone."""

    def __init__(
        self,
        config: Config,
        book: Book,
        registry: Registry | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.book = book
        self.rules: Mapping[str, Rules] = {one.name: one for one in config.publish.rules()}
        self._sections = {one.name: one for one in config.publish.target}
        self._config = config
        self._registry = registry or Registry()
        self._now = now
        self._opened: dict[str, Opened] = {}
        self._opening = threading.Lock()

    # ------------------------------------------------------------ targets

    @property
    def names(self) -> list[str]:
        return list(self._sections)

    def section(self, name: str) -> TargetSection:
        """Raises BadInput `unknown_target`."""
        return self._config.publish.named(name)

    def check_settings(self) -> None:
        """Raises BadInput `config_invalid` for a target whose own keys are wrong. A kind that cannot be used
        now is no mistake in the configuration: who needs it is told."""
        for section in self._sections.values():
            try:
                self._open(section.name)
            except BadInput:
                raise
            except VigentdError:
                continue

    def settings(self) -> list[TargetSettings]:
        """Of the targets that were opened; with their secrets."""
        return [one.settings for one in self._opened.values()]

    def target(self, name: str) -> Target:
        return self._open(name).target

    def _open(self, name: str) -> Opened:
        """Raises BadInput `unknown_target`, `unknown_kind`, `config_invalid`; Unavailable when its kind
        cannot be used."""
        section = self.section(name)
        with self._opening:
            if name not in self._opened:
                self._opened[name] = opened(section, self._registry, self._config)
            return self._opened[name]

    # ------------------------------------------------------------ for the publisher

    def propose_done(self) -> int:
        """How many there were."""
        lacking = self.book.lacking()
        for job, target in lacking:
            self.book.propose(job, target, self._proposal(job, target))
        return len(lacking)

    def _proposal(self, job: JobRow, name: str) -> Proposal:
        said = job.spec.get("publish_at")
        due_at = dt.datetime.fromisoformat(said) if said else None
        rules = self.rules.get(name)
        if rules is None:  # kept, and told, until somebody puts it right
            text, gone = Text(title=job.label), self._config.publish.unknown(name)
            return Proposal(text_json(text), None, due_at, gone)
        text, held = Text(title=job.label), None
        try:
            preview = self.preview(job, name, due_at)
            text, held = preview.text, misfit(name, preview.misfits)
        except BadInput as e:
            held = e
        except VigentdError:  # it cannot be looked at now: the target itself will say what does not fit
            held = None
        return Proposal(text_json(text), None if rules.approve else "", due_at, held)

    def video(self, claim: Sending) -> Video:
        return self._video(self.book.job(claim.job_id), claim.target)

    def text(self, claim: Sending) -> Text:
        """As a person left it; else written now, for now is when it goes out."""
        if claim.text.get("kept") and _is_written(claim.text):
            return text_of(claim.text)
        return self._written(self.book.job(claim.job_id), claim.target, self._now())

    def _video(self, job: JobRow, name: str) -> Video:
        return with_cover(self._open(name).settings.text, finished_video(job))

    def _written(self, job: JobRow, name: str, at: dt.datetime) -> Text:
        return written(self._open(name).settings.text, job, at.astimezone(self.rules[name].zone))

    # ------------------------------------------------------------ for people

    def preview(
        self,
        job: JobRow,
        name: str,
        at: dt.datetime | None = None,
        text: Callable[[Text], Text] = lambda as_written: as_written,
    ) -> Preview:
        """What would be sent. text: changes what is written. Reaches for nothing but the video's own file.

        Raises BadInput `unknown_target`, `job_unfinished`, `video_gone`; Unavailable as `_open`.
        """
        at = at or self._now()
        opened, video = self._open(name), self._video(job, name)
        said = text(self._as_it_stands(job, name, at))
        return Preview(video, said, at, tuple(fits(video, said, opened.target.limits)))

    def _as_it_stands(self, job: JobRow, name: str, at: dt.datetime) -> Text:
        kept = (row.text for row in self.book.of_job(job.id, name) if row.text.get("kept"))
        known = next(kept, None)
        return text_of(known) if known is not None else self._written(job, name, at)

    def publish(
        self,
        job_id: str,
        name: str,
        by: str,
        at: dt.datetime | None = None,
        text: Callable[[Text], Text] | None = None,
    ) -> tuple[Publication, bool]:
        """A person wants it there: at that time, or at once, whatever slots there are. Quiet hours and the
        number a day still count. False: there was a publication of it already; what is published, on its way,
        or may be there, stays as it is.

        Raises BadInput as `preview`, and `does_not_fit`.
        """
        job, at = self.book.job(job_id), at or self._now()
        self.section(name)
        for row in self.book.of_job(job_id, name):
            if row.state in (*OPEN, Standing.SKIPPED):
                row = self._taken_up(job, row, by, at, text)
            return row, False
        preview = self.preview(job, name, at, text or (lambda as_written: as_written))
        if (wrong := misfit(name, preview.misfits)) is not None:
            raise wrong
        kept = KEPT if text else {}
        number, new = self.book.propose(job, name, Proposal(text_json(preview.text) | kept, by, at))
        return self.book.get(number), new

    def _taken_up(
        self, job: JobRow, row: Publication, by: str, at: dt.datetime, text: Callable[[Text], Text] | None
    ) -> Publication:
        assert row.number is not None
        if text is not None:
            self._edit(job, row, by, text)
        else:
            self._check_again(job, row, by)
        return self.book.approve(row.number, by, at)

    def approve(self, number: int, by: str, at: dt.datetime | None = None) -> Publication:
        """As the book does. Raises BadInput `does_not_fit`, too: what was held for that has to fit by now."""
        row = self.book.get(number)
        self._check_again(self.book.job(row.job_id), row, by)
        return self.book.approve(number, by, at)

    def _check_again(self, job: JobRow, row: Publication, by: str) -> None:
        if row.state == Standing.HELD and row.error is not None and row.error.get("code") in MISFITS:
            self._edit(job, row, by, lambda as_written: as_written)

    def edit(self, number: int, by: str, text: Callable[[Text], Text]) -> Publication:
        """text: changes what is written for it. Raises BadInput `does_not_fit`, and as the book does."""
        row = self.book.get(number)
        return self._edit(self.book.job(row.job_id), row, by, text)

    def _edit(self, job: JobRow, row: Publication, by: str, text: Callable[[Text], Text]) -> Publication:
        assert row.number is not None
        known = text_of(row.text) if _is_written(row.text) else self._written(job, row.target, self._now())
        said = text(known)
        video, limits = self._video(job, row.target), self._open(row.target).target.limits
        if (wrong := misfit(row.target, tuple(fits(video, said, limits)))) is not None:
            raise wrong
        return self.book.edit(row.number, by, text_json(said))


def _is_written(text: Mapping[str, Any]) -> bool:
    """By its target's templates: there was no such target, perhaps, when it was put into the book."""
    return text.get("facts") is not None


MISFITS = frozenset({"does_not_fit", "unknown_target"})


def misfit(name: str, sentences: tuple[str, ...]) -> BadInput | None:
    """None: all fits."""
    if not sentences:
        return None
    return BadInput(
        f"{name} does not take it: {'. '.join(sentences)}",
        code="does_not_fit",
        hint="Change the text with `vigentd publish edit` (or --title, --description, --tags), "
        "or its template in [publish.target.text]",
    )
