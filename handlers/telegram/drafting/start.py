"""From a draft to a job: once, however often it is asked for."""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from daemon.chats import ChatJob, Draft, DraftState
from handlers.telegram.access import may
from handlers.telegram.draft import Contents
from handlers.telegram.drafting.showing import findings_of, show
from handlers.telegram.house import House
from handlers.telegram.report.naming import label
from handlers.telegram.settings import REMEMBERED
from handlers.telegram.store.drafts import UNSTARTED
from handlers.telegram.store.jobs import SOURCE
from handlers.telegram.store.ledger import Turn
from pipeline.spec import JobSpec


def start(turn: Turn, house: House, draft: Draft) -> None:
    """Puts the job into the queue; or, while something is still to be looked at, says that it will be.

    Raises BadInput as `Queue.submit` does.
    """
    if draft.state not in UNSTARTED or not Contents.from_json(draft.contents).complete:
        return
    spec = spec_of(draft)
    if spec is None:
        _wait(turn, house, draft)
        return
    if not may(turn, house.config, draft.user_id):  # they were shut out since they pressed
        turn.drafts.set_state(draft, DraftState.OPEN)
        return
    row, _ = turn.queue.submit_once(
        spec, source=SOURCE, key=f"telegram:{draft.id}", label=label(draft.language, spec)
    )
    turn.drafts.set_state(draft, DraftState.STARTED, row.id)
    contents = Contents.from_json(draft.contents)
    turn.jobs.link(
        ChatJob(
            job_id=row.id,
            chat_id=draft.chat_id,
            user_id=draft.user_id,
            thread_id=draft.thread_id,
            draft_id=draft.id,
            reply_to=contents.reply_to,
            language=draft.language,
        )
    )
    _remember(turn, draft, contents)
    show(turn, house, draft)
    job_id = row.id
    turn.then(lambda: house.changed(job_id))


def spec_of(draft: Draft) -> JobSpec | None:
    """The job, if these very contents were looked at and are right."""
    findings = findings_of(draft)
    if findings is None or findings.version != draft.version or findings.error or findings.spec is None:
        return None
    try:
        return JobSpec.model_validate(findings.spec)
    except ValidationError:  # found by another version of vigentd: it is looked at once more
        return None


def _wait(turn: Turn, house: House, draft: Draft) -> None:
    turn.drafts.set_state(draft, DraftState.STARTING)
    key = examine_key(draft)
    # When it was looked at already, something was wrong with it: perhaps that is no longer so.
    if all(errand.key != key for errand in turn.errands.to_do()):
        turn.errands.add(key, "examine", draft=draft.id)
    show(turn, house, draft)


def examine_key(draft: Draft) -> str:
    return f"examine:{draft.id}"


def _remember(turn: Turn, draft: Draft, contents: Contents) -> None:
    """The next video of this chat begins with the same choices."""
    chosen = {name: value for name, value in contents.options.items() if name in REMEMBERED}
    if chosen:
        settings = turn.people.settings(draft.chat_id)
        turn.people.choose(draft.chat_id, replace(settings, options=settings.options | chosen))
