"""/publish: of the job that is named, or of the newest video. /schedule: of the job that is named; alone, the
plan."""

from __future__ import annotations

from daemon.jobs import JobRow, State
from handlers.telegram.commands import plan
from handlers.telegram.incoming import Said
from handlers.telegram.pressing import publishing
from handlers.telegram.pressing.whose import named_job, own_jobs
from handlers.telegram.talk import Talk


def publish(talk: Talk, said: Said) -> None:
    if said.argument.lower().split(" ")[0] in (plan.PAUSE, plan.RESUME):
        plan.pause(talk, said)
    elif (row := _meant(talk, said)) is not None:
        publishing.publish(talk, row)


def schedule(talk: Talk, said: Said) -> None:
    if said.argument:
        publishing.schedule(talk, named_job(talk, said.argument))
    else:
        plan.schedule(talk)


def _meant(talk: Talk, said: Said) -> JobRow | None:
    """None: there is none, and that was said."""
    if said.argument:
        return named_job(talk, said.argument)
    done = [row for row in own_jobs(talk, State.DONE) if row.output is not None]
    if not done:
        talk.answer("publishing.no_video")
        return None
    return done[0]
