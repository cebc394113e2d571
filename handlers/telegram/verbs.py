"""Which button does what. A verb belongs to one room only."""

from __future__ import annotations

from collections.abc import Callable

from handlers.telegram.buttons import Press
from handlers.telegram.commands import jobs, lists, people, plan, presenters, settings
from handlers.telegram.courier import question
from handlers.telegram.drafting import presses as drafting
from handlers.telegram.pressing import jobs as of_jobs
from handlers.telegram.pressing import publications, publishing
from handlers.telegram.talk import Talk

PRESSES: dict[str, Callable[[Talk, Press], None]] = {
    **drafting.PRESSES,
    **of_jobs.PRESSES,
    **publishing.PRESSES,
    **publications.PRESSES,
    **jobs.PRESSES,
    **lists.PRESSES,
    **presenters.PRESSES,
    **settings.PRESSES,
    **people.PRESSES,
    **plan.PRESSES,
    question.VERB: question.arrived,
}
