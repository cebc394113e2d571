"""/queue: what is worked on and what waits. People see their own jobs, and how many others there are.

An admin sees all of them, though not in a group: what somebody makes in their private chat is named in none.
"""

from __future__ import annotations

from daemon.chats import ChatJob
from daemon.jobs import JobRow
from handlers.telegram import moments
from handlers.telegram.content import Content
from handlers.telegram.incoming import Said
from handlers.telegram.pressing.cards import job_button, job_line
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked

MOST = 10  # jobs that are named
IN_A_ROW = 5


def queue(talk: Talk, said: Said) -> None:
    places, running = talk.turn.queue.positions(), talk.turn.queue.all_running()
    line = [*(row.id for row in running), *places]
    if not line:
        talk.answer("queue.empty")
        return
    links = {link.job_id: link for link, _ in talk.turn.jobs.untold()}
    seen = [job for job in line if may_be_named(talk, links.get(job))]
    rows = [row for job in seen[:MOST] if (row := talk.turn.jobs.row(job)) is not None]
    parts = [
        talk.say("queue.head", running=len(running), waiting=len(places)),
        *(_line(talk, n, row, places.get(row.id)) for n, row in enumerate(rows, 1)),
    ]
    if others := len(line) - len(rows):
        parts.append(talk.say("queue.others", n=others))
    # A job that came from elsewhere, which only admins see, has no card in a chat.
    buttons = [job_button(row, str(n)) for n, row in enumerate(rows, 1) if row.id in links]
    talk.show(
        Content(
            "\n".join(parts),
            tuple(tuple(buttons[i : i + IN_A_ROW]) for i in range(0, len(buttons), IN_A_ROW)),
        )
    )


def may_be_named(talk: Talk, link: ChatJob | None) -> bool:
    if talk.where.private:
        return talk.admin or (link is not None and link.user_id == talk.who.id)
    return link is not None and (link.chat_id, link.user_id) == (talk.where.chat_id, talk.who.id)


def _line(talk: Talk, n: int, row: JobRow, place: int | None) -> Marked:
    since = talk.say("queue.since", line=job_line(talk, row, place), time=moments.shown(row.created_at))
    return talk.say("jobs.numbered", number=n, line=since)
