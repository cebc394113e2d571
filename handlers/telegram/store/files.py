"""What people sent, and the presenters that their chats keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence

from sqlmodel import Session, col, select

from daemon.chats import ChatFile, FileState, Presenter
from daemon.jobs import IDS_A_SECOND, iso, new_id
from handlers.telegram.incoming import Attachment
from models.errors import VigentdError


class Files:
    def __init__(self, s: Session, now: dt.datetime, chance: Callable[[int], int]) -> None:
        self._s = s
        self._now = now
        self._chance = chance

    def get(self, file_id: str) -> ChatFile | None:
        return self._s.get(ChatFile, file_id)

    def add(self, chat_id: int, role: str, sent: Attachment) -> ChatFile:
        """Wanted from now on. The errand that fetches it is the caller's to add."""
        kept = new_id(self._now, self._chance(IDS_A_SECOND))
        while self.get(kept) is not None:
            kept = new_id(self._now, self._chance(IDS_A_SECOND))
        return self._put(
            ChatFile(
                id=kept,
                chat_id=chat_id,
                role=role,
                kind=sent.kind,
                file_id=sent.file_id,
                name=sent.name,
                size=sent.size,
                seconds=sent.seconds,
                at=iso(self._now),
                used_at=iso(self._now),
            )
        )

    def here(self, file: ChatFile, size: int) -> None:
        file.state, file.size = FileState.HERE, size
        self._put(file)

    def refuse(self, file: ChatFile, error: VigentdError) -> None:
        file.state, file.error = FileState.REFUSED, error.as_dict()
        self._put(file)

    def removed(self, file: ChatFile) -> None:
        file.state = FileState.REMOVED
        self._put(file)

    def used(self, file: ChatFile) -> None:
        file.used_at = iso(self._now)
        self._put(file)

    def unused_since(self, when: dt.datetime, needed: Collection[str]) -> Sequence[ChatFile]:
        """Those that lie here for nobody: not needed, no presenter, and last used before that time."""
        wanted = select(ChatFile).where(ChatFile.state == FileState.HERE, ChatFile.used_at < iso(when))
        kept = {row.file_id for row in self._s.exec(select(Presenter))} | set(needed)
        return [file for file in self._s.exec(wanted) if file.id not in kept]

    # ------------------------------------------------------------ presenters

    def presenters(self, chat_id: int) -> Sequence[Presenter]:
        return self._s.exec(
            select(Presenter).where(Presenter.chat_id == chat_id).order_by(col(Presenter.number))
        ).all()

    def presenter(self, chat_id: int, name: str) -> Presenter | None:
        return self._s.exec(
            select(Presenter).where(Presenter.chat_id == chat_id, Presenter.name == name)
        ).first()

    def keep(self, chat_id: int, name: str, file_id: str) -> Presenter:
        """As a presenter; an earlier one of this name is replaced."""
        row = self.presenter(chat_id, name) or Presenter(
            chat_id=chat_id, name=name, file_id=file_id, at=iso(self._now)
        )
        row.file_id = file_id
        self._s.add(row)
        self._s.flush()
        return row

    def forget(self, presenter: Presenter) -> None:
        self._s.delete(presenter)
        self._s.flush()

    def _put(self, file: ChatFile) -> ChatFile:
        self._s.add(file)
        self._s.flush()
        return file
