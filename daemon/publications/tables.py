"""Publications, one job going to one target each: the tables. Only `book.py` writes here.

Times are ISO 8601 in UTC, written by `daemon.jobs.iso`, so that they sort as text.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel


class Standing(StrEnum):
    PROPOSED = "proposed"  # a person has to approve it
    APPROVED = "approved"  # waits for its time, or for the next try
    SENDING = "sending"  # the intent: something may be on its way
    UNSURE = "unsure"  # it may have arrived: the target is searched before anything is sent again
    ASKED = "asked"  # it may have arrived, and only a person can say
    HELD = "held"  # nothing has arrived, and a person has to do something first
    PUBLISHED = "published"
    SKIPPED = "skipped"


OVER = frozenset({Standing.PUBLISHED, Standing.SKIPPED})


class Publication(SQLModel, table=True):
    """key: what the target is told, the same for every try."""

    __tablename__ = "publication"
    __table_args__ = (
        Index("once", "job_id", "target", unique=True),
        # The database itself refuses that two things are sent to one target at a time, and a slot used twice.
        Index("one_sending", "target", unique=True, sqlite_where=text("state = 'sending'")),
        Index("slot_used", "target", "slot", unique=True),
        Index("next_publication", "target", "state", "place"),
        Index("taken_on", "target", "day"),
    )

    number: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="job.id")
    target: str
    key: str = Field(unique=True)
    state: str
    approval: str | None = None  # who approved it; "" when nobody has to

    # In order: the lowest place first. due_at: None: with the next slot, or at once where there are none.
    place: int
    due_at: str | None = None
    slot: str | None = None  # the moment of the slot that it has taken
    ripe: bool = False  # its time has come, and it was not too late

    text: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    memo: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    receipt: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))

    token: int = 0  # grows with every claim; a writer with an older one is refused
    tries: int = 0
    next_try: str | None = None
    day: str | None = None  # of its target's zone, on which it counts as taken there
    error: dict[str, str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: str
    changed_at: str


class PublicationEvent(SQLModel, table=True):
    """The audit trail: every step, told in the transaction that made it.

    proposed · approved (by) · edited (by, text) · later (by, due_at) · skipped (by) · slot (moment) · due ·
    late (policy) · sending (attempt) · put (names) · interrupted · failed (code) · spent (code, until) ·
    held (code) · unsure (code) · settling · absent · asked · there (by) · again (by) · published (id, url)
    """

    __tablename__ = "publication_event"

    id: int | None = Field(default=None, primary_key=True)
    publication: int = Field(foreign_key="publication.number", index=True)
    at: str
    name: str
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class PublicationTarget(SQLModel, table=True):
    """What is known of a target. looked_until: no slot before that is given away any more."""

    __tablename__ = "publication_target"

    name: str = Field(primary_key=True)
    looked_until: str | None = None
    spent_until: str | None = None
    paused_by: str | None = None  # None: not paused


def key_of(job_id: str, created_at: str, target: str) -> str:
    """32 letters a–z, 2–7. created_at: ids of jobs are short, and other machines have some, too."""
    digest = hashlib.sha256("\0".join((job_id, created_at, target)).encode()).digest()
    return base64.b32encode(digest[:20]).decode().lower()
