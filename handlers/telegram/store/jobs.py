"""Jobs of chats, and how far the chats know of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, func, or_, select

from daemon.chats import ChatJob
from daemon.jobs import FINISHED, JobRow
from daemon.queue import Queue

SOURCE = "telegram"  # of the jobs that come from here


class Jobs:
    def __init__(self, s: Session, queue: Queue) -> None:
        self._s = s
        self._queue = queue

    def link(self, link: ChatJob) -> ChatJob:
        self._s.add(link)
        self._s.flush()
        return link

    def get(self, job_id: str) -> ChatJob | None:
        return self._s.get(ChatJob, job_id)

    def row(self, job_id: str) -> JobRow | None:
        return self._s.exec(select(JobRow).where(JobRow.id == job_id)).first()

    def untold(self) -> Sequence[tuple[ChatJob, JobRow]]:
        """Those of which something may be new: under way, ended without a word, or begun again after one."""
        wanted = (
            select(ChatJob, JobRow)
            .join(JobRow, col(JobRow.id) == ChatJob.job_id)
            .where(
                or_(
                    col(ChatJob.told).is_(None),
                    col(JobRow.state).not_in(FINISHED),
                    col(JobRow.finished_at) != ChatJob.told,
                )
            )
            .order_by(col(JobRow.number))
        )
        return self._s.exec(wanted).all()

    def of_chat(self, chat_id: int, limit: int, skip: int = 0) -> Sequence[tuple[ChatJob, JobRow]]:
        """The newest first."""
        wanted = (
            select(ChatJob, JobRow)
            .join(JobRow, col(JobRow.id) == ChatJob.job_id)
            .where(ChatJob.chat_id == chat_id)
            .order_by(col(JobRow.number).desc())
        )
        return self._s.exec(wanted.offset(skip).limit(limit)).all()

    def count(self, chat_id: int) -> int:
        """Jobs of this chat, whatever became of them."""
        return self._s.exec(select(func.count()).select_from(ChatJob).where(ChatJob.chat_id == chat_id)).one()

    def told(self, link: ChatJob, finished_at: str | None) -> None:
        """The chat was told of that end; None: it is under way again."""
        if finished_at is not None:
            link.run += 1
        link.told = finished_at
        self._s.add(link)
        self._s.flush()
