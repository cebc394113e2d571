"""A conversation with the whole bot but for its network: everything goes through Dispatch.

bot = Bot(tmp_path)
job = bot.makes("Good morning.", state=State.DONE)
bot.says("/jobs")
bot.taps("1")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.chats import ChatJob, Draft
from daemon.jobs import JobRow, State, iso
from daemon.publications.plan import Plan, Planned
from daemon.publications.tables import Publication
from handlers.telegram.buttons import pressed
from handlers.telegram.dispatch import Dispatch
from handlers.telegram.draft import Contents, Part
from handlers.telegram.incoming import Attachment, Pressed, Said, Where, Who
from handlers.telegram.poll import Toast
from handlers.telegram.settings import ChatSettings
from handlers.telegram.store.ledger import Turn
from models.errors import StageFailed
from pipeline.spec import JobSpec
from tests.handlers.telegram.talking import ANNA, BO, PRIVATE, ROOT, Conversation, video

OFFICE = Where(ROOT.id)  # the private chat of the admin
HOME = Where(BO.id)


class Board:
    """Where videos can go, by the machine's clock. published: job, target, time."""

    def __init__(self, *targets: str) -> None:
        self.names = targets
        self.published: list[tuple[str, str, dt.datetime | None]] = []
        self._lines: tuple[Planned, ...] = ()

    def targets(self) -> Sequence[str]:
        return self.names

    def zone(self, target: str) -> None:
        return None

    def plan(self, now: dt.datetime) -> Plan:
        return Plan(self._lines, ())

    def wake(self) -> None:
        pass

    def publish(self, job_id: str, target: str, at: dt.datetime | None, by: str) -> tuple[Publication, bool]:
        self.published.append((job_id, target, at))
        due = iso(at) if at else "2000-01-01"
        row = Publication(number=1, job_id=job_id, target=target, state="approved", due_at=due)  # type: ignore[call-arg]
        self._lines = (Planned(target, at or dt.datetime.now(dt.UTC), row),)
        return row, True


class Bot(Conversation):
    """Anna and Bo may use it; Root is its admin."""

    def __init__(self, folder: Path, config: dict[str, Any] | None = None, **lends: Any) -> None:
        who = {"allowed_user_ids": [ANNA.id, BO.id], "admin_user_ids": [ROOT.id]}
        super().__init__(folder, config={"telegram": who} | (config or {}), **lends)
        self.nudges = self.promotions = 0
        self.dispatch = Dispatch(self.house, self._told, self._promoted)
        self.toast: Toast | None = None  # of the last press

    def says(
        self,
        text: str = "",
        *,
        by: Who = ANNA,
        where: Where | None = None,
        attached: Attachment | None = None,
        album: str = "",
        edits: int | None = None,
        reply_to: int | None = None,
        to_us: bool = True,
    ) -> int:
        """where: without it, their private chat."""
        command, _, argument = text[1:].partition(" ") if text.startswith("/") else ("", "", "")
        said = Said(
            next(self._updates), by, where or Where(by.id), next(self._ids) if edits is None else edits,
            self.now, text, attached, album, command.lower(), argument.strip(), reply_to, to_us,
            edits is not None,
        )  # fmt: skip
        self.dispatch.handle(said)
        self.deliver()
        return said.message_id

    def presses_data(self, data: str, *, under: int, by: Who = ANNA, where: Where = PRIVATE) -> str:
        update_id = next(self._updates)
        press = Pressed(update_id, by, where, under, f"query-{update_id}", pressed(data))
        self.toast = self.dispatch.handle(press)
        self.deliver()
        return self.toast.text if self.toast else ""

    def makes(
        self,
        label: str = "Good morning.",
        *,
        by: Who = ANNA,
        where: Where | None = None,
        state: State = State.QUEUED,
    ) -> str:
        """A job that was asked for in a chat; returns its id."""
        where = where or Where(by.id)
        with self.meeting(by, where) as turn:
            draft = self._draft(turn, by, where, label)
            row = turn.queue.submit(JobSpec(script=label, clip=Path("/clips/anna.mp4")), source="telegram")
            turn.drafts.set_state(draft, "started", row.id)  # type: ignore[arg-type]
            turn.jobs.link(
                ChatJob(job_id=row.id, chat_id=where.chat_id, user_id=by.id, draft_id=draft.id, language="en")
            )
        if state == State.CANCELLED:
            self.queue.cancel(row.id)
        elif state != State.QUEUED:
            claim = self.queue.claim("tests", row.id)
            assert claim is not None
            if state == State.DONE:
                self.queue.finish(claim, Path(f"/results/{row.id}.mp4"))
            elif state == State.FAILED:
                self.queue.fail(claim, StageFailed("There is no face", code="no_face"))
        self.passes(1)
        return row.id

    def sends_clip(self, *, by: Who = ANNA, where: Where | None = None) -> str:
        """One that has been fetched; returns the id of its file."""
        self.says(attached=video(), by=by, where=where)
        with self.ledger.turn() as turn:
            draft = turn.drafts.latest((where or Where(by.id)).chat_id)
            assert draft is not None
            file = turn.files.get(Contents.from_json(draft.contents).clip or "")
            assert file is not None
            turn.files.here(file, 1_500_000)
            return file.id

    def row(self, job_id: str) -> JobRow:
        return self.queue.get(job_id)

    def settings(self, where: Where = PRIVATE) -> ChatSettings:
        with self.ledger.look() as turn:
            return turn.people.settings(where.chat_id)

    @contextmanager
    def meeting(self, who: Who, where: Where) -> Iterator[Turn]:
        """A turn in which they are known."""
        with self.ledger.turn() as turn:
            turn.people.met(who)
            turn.people.chat(where)
            yield turn

    def _draft(self, turn: Turn, by: Who, where: Where, text: str) -> Draft:
        contents = Contents(script=(Part(1, self.now.isoformat(), text),))
        return turn.drafts.add(where.chat_id, by.id, None, "en", contents)

    def _told(self) -> None:
        self.nudges += 1

    def _promoted(self) -> None:
        self.promotions += 1
