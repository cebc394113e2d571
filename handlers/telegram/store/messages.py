"""What the chats are to show, and what they do show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, and_, col, func, or_, select, text
from sqlmodel.sql.expression import SelectOfScalar

from daemon.chats import ChatJob, ChatMessage, Draft, MessageState
from daemon.jobs import FINISHED, JobRow, iso
from handlers.telegram.content import Content, Rank
from handlers.telegram.store.drafts import UNSTARTED

ENDED = (MessageState.GONE, MessageState.REFUSED)
# Named, and word for word the condition of that index: otherwise SQLite reads the whole table.
ON_THE_WAY = text(
    "SELECT number FROM telegram_message INDEXED BY messages_to_send "
    "WHERE state = 'due' OR state = 'sending' OR (state = 'shown' AND shown != version)"
)

# So begin keys of what is looked for, or may be answered, at any time.
KEPT = ("result", "ask", "admission", "publication")
FORGOTTEN_AT_ONCE = 5000


class Messages:
    def __init__(self, s: Session, now: dt.datetime) -> None:
        self._s = s
        self._now = now

    # ------------------------------------------------------------ for those who have something to say

    def post(
        self,
        chat_id: int,
        key: str,
        content: Content,
        *,
        rank: Rank = Rank.ANSWER,
        reply_to: int | None = None,
        thread_id: int | None = None,
        repeatable: bool = True,
    ) -> ChatMessage:
        """This is to be seen in the chat: a new message, or what the message of this key is to show now."""
        row = self.of_key(key)
        if row is None:
            row = ChatMessage(
                chat_id=chat_id,
                key=key,
                rank=rank,
                repeatable=repeatable,
                wanted=content.as_json(),
                reply_to=reply_to,
                thread_id=thread_id,
                at=iso(self._now),
                changed_at=iso(self._now),
            )
        elif row.wanted != content.as_json():
            row.wanted, row.version, row.rank = content.as_json(), row.version + 1, rank
            if row.state in ENDED and rank == Rank.ANSWER:  # they deleted it, and look for it now
                self.send_again(row)
        return self._put(row)

    def remove(self, key: str) -> None:
        """The message is not to be seen any more."""
        row = self.of_key(key)
        if row is not None and row.wanted is not None:
            row.wanted, row.version = None, row.version + 1
            self._put(row)

    def send_again(self, row: ChatMessage) -> None:
        """It did not arrive: as if it had never been sent."""
        row.state, row.message_id, row.shown, row.due_at = MessageState.DUE, None, 0, None
        self._put(row)

    def somebody_is_there(self, chat_id: int) -> None:
        """The chat can be written to again."""
        away = (ChatMessage.state == MessageState.AWAY, ChatMessage.chat_id == chat_id)
        for row in self._s.exec(select(ChatMessage).where(*away)).all():
            self.send_again(row)

    def arrived(self, row: ChatMessage, message_id: int | None = None) -> None:
        """Of one that was unsure: it is there."""
        row.state, row.message_id, row.shown = MessageState.SHOWN, message_id, row.version
        self._put(row)

    def of_key(self, key: str) -> ChatMessage | None:
        return self._s.exec(select(ChatMessage).where(ChatMessage.key == key)).first()

    def about(self, begin: str) -> Sequence[ChatMessage]:
        """Those whose keys begin so, with a colon at its end."""
        beyond = begin[:-1] + chr(ord(begin[-1]) + 1)
        within = (col(ChatMessage.key) >= begin, col(ChatMessage.key) < beyond)
        return self._s.exec(select(ChatMessage).where(*within).order_by(col(ChatMessage.number))).all()

    def numbered(self, number: int) -> ChatMessage | None:
        return self._s.get(ChatMessage, number)

    def at(self, chat_id: int, message_id: int) -> ChatMessage | None:
        """The one that has this id in Telegram."""
        wanted = select(ChatMessage).where(
            ChatMessage.chat_id == chat_id, ChatMessage.message_id == message_id
        )
        return self._s.exec(wanted).first()

    # ------------------------------------------------------------ for the courier

    def to_do(self) -> Sequence[ChatMessage]:
        """All that is to be sent, edited or deleted, in order; also what waits for its time."""
        wanted = _on_the_way().where(ChatMessage.state != MessageState.SENDING)
        return self._s.exec(wanted.order_by(col(ChatMessage.number))).all()

    def counts(self) -> dict[str, int]:
        """Of each state, how many are in it."""
        found = self._s.exec(select(ChatMessage.state, func.count()).group_by(col(ChatMessage.state))).all()
        return {str(state): 0 for state in MessageState} | dict(found)

    def interrupted(self) -> Sequence[ChatMessage]:
        """Those that were on their way when the daemon ended."""
        return self._s.exec(_on_the_way().where(ChatMessage.state == MessageState.SENDING)).all()

    def changed_since(self, when: dt.datetime) -> Sequence[ChatMessage]:
        """Those that stand in chats and were sent or edited after that."""
        recent = select(ChatMessage).where(
            ChatMessage.state == MessageState.SHOWN, ChatMessage.changed_at > iso(when)
        )
        return self._s.exec(recent).all()

    # ------------------------------------------------------------ for those who tidy up

    def forget(self, before: dt.datetime) -> int:
        """Removes the rows of messages that were last changed before that, and with which nothing is to be
        done any more: at most FORGOTTEN_AT_ONCE. Returns how many.

        Results and questions stay; so does what is about a draft that may still be started, or about a job
        that is not finished. And the newest row: its number would be given to another message.
        """
        kind, about = _parts_of_key()
        running = (
            select(ChatJob.job_id)
            .join(JobRow, col(JobRow.id) == ChatJob.job_id)
            .where(col(JobRow.state).not_in(FINISHED))
        )
        old = (
            select(ChatMessage.number)
            .where(
                col(ChatMessage.changed_at) < iso(before),
                or_(
                    col(ChatMessage.state).in_(ENDED),
                    and_(
                        col(ChatMessage.state) == MessageState.SHOWN,
                        col(ChatMessage.shown) == ChatMessage.version,
                    ),
                ),
                col(ChatMessage.number) < select(func.max(ChatMessage.number)).scalar_subquery(),
                kind.not_in(KEPT),
                about.not_in(select(Draft.id).where(col(Draft.state).in_(UNSTARTED))),
                about.not_in(running),
            )
            .limit(FORGOTTEN_AT_ONCE)
        )
        return self._s.exec(delete(ChatMessage).where(col(ChatMessage.number).in_(old))).rowcount

    # ------------------------------------------------------------ what is written

    def put(self, row: ChatMessage) -> None:
        """As the courier has changed it."""
        row.changed_at = iso(self._now)
        self._put(row)

    def _put(self, row: ChatMessage) -> ChatMessage:
        self._s.add(row)
        self._s.flush()
        return row


def _on_the_way() -> SelectOfScalar[ChatMessage]:
    """All with which something is to be done, or is being done."""
    return select(ChatMessage).where(col(ChatMessage.number).in_(ON_THE_WAY))


def _parts_of_key() -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Of "progress:JOB:0": what it is, and what it is about."""
    key = col(ChatMessage.key).concat("::")  # there are keys of one part
    rest = func.substr(key, func.instr(key, ":") + 1)
    return func.substr(key, 1, func.instr(key, ":") - 1), func.substr(rest, 1, func.instr(rest, ":") - 1)
