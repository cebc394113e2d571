"""Videos that are being put together, and what a person was asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, col, select

from daemon.chats import Draft, DraftState
from daemon.jobs import IDS_A_SECOND, iso, new_id
from handlers.telegram.draft import Contents, Findings

UNSTARTED = (DraftState.OPEN, DraftState.STARTING)


class Drafts:
    def __init__(self, s: Session, now: dt.datetime, chance: Callable[[int], int]) -> None:
        self._s = s
        self._now = now
        self._chance = chance

    def get(self, draft_id: str) -> Draft | None:
        return self._s.exec(select(Draft).where(Draft.id == draft_id)).first()

    def of_job(self, job_id: str) -> Draft | None:
        return self._s.exec(select(Draft).where(Draft.job_id == job_id)).first()

    def current(self, chat_id: int, user_id: int) -> Draft | None:
        """The newest that this person has open here."""
        return self._newest(
            Draft.chat_id == chat_id, Draft.user_id == user_id, col(Draft.state).in_(UNSTARTED)
        )

    def latest(self, chat_id: int) -> Draft | None:
        """The one that was begun last in this chat, whatever became of it."""
        return self._newest(Draft.chat_id == chat_id)

    def recent(self, chat_id: int, limit: int = 40) -> Sequence[Draft]:
        """Those of this chat, whatever became of them; the one that was begun last comes first."""
        return self._s.exec(
            select(Draft).where(Draft.chat_id == chat_id).order_by(col(Draft.number).desc()).limit(limit)
        ).all()

    def unstarted(self) -> Sequence[Draft]:
        return self._s.exec(select(Draft).where(col(Draft.state).in_(UNSTARTED))).all()

    def add(
        self, chat_id: int, user_id: int, thread_id: int | None, language: str, contents: Contents
    ) -> Draft:
        draft_id = new_id(self._now, self._chance(IDS_A_SECOND))
        while self.get(draft_id) is not None:
            draft_id = new_id(self._now, self._chance(IDS_A_SECOND))
        return self._put(
            Draft(
                id=draft_id,
                chat_id=chat_id,
                user_id=user_id,
                thread_id=thread_id,
                language=language,
                contents=contents.as_json(),
                created_at=iso(self._now),
                changed_at=iso(self._now),
            )
        )

    def change(self, draft: Draft, contents: Contents) -> None:
        """Other contents; what was found out about the old ones stays until it is replaced."""
        if draft.contents != contents.as_json():
            draft.contents, draft.version = contents.as_json(), draft.version + 1
        self._put(draft)

    def found(self, draft: Draft, findings: Findings) -> None:
        draft.findings = findings.as_json()
        self._put(draft)

    def set_state(self, draft: Draft, state: DraftState, job_id: str | None = None) -> None:
        draft.state, draft.job_id = state, job_id or draft.job_id
        self._put(draft)

    def _newest(self, *conditions: Any) -> Draft | None:
        return self._s.exec(
            select(Draft).where(*conditions).order_by(col(Draft.number).desc()).limit(1)
        ).first()

    def _put(self, draft: Draft) -> Draft:
        draft.changed_at = iso(self._now)
        self._s.add(draft)
        self._s.flush()
        return draft
