"""What the inboxes took up: the tables. Only `handlers/inbox/ledger.py` writes here."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel


class IntakeState(StrEnum):
    TAKEN = "taken"  # its files are in .work/ID; what jobs they are is being found out
    AT_WORK = "at_work"  # all its jobs are in the queue
    SETTLING = "settling"  # it is decided where everything goes, and it is on its way
    SETTLED = "settled"


class Intake(SQLModel, table=True):
    """Files that were taken from an inbox together. Names of files may be no Unicode: JSON keeps them."""

    __tablename__ = "intake"
    __table_args__ = (
        Index("unsettled", "inbox", "number", sqlite_where=text("state != 'settled'")),
        Index("intakes_of_a_name", "inbox", "name"),
    )

    number: int | None = Field(default=None, primary_key=True)  # order of arrival
    id: str = Field(unique=True)  # and the name of its folder in .work
    inbox: str
    name: str  # as people call it; shown only
    taken: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # claim.Taken.as_json()
    state: str = IntakeState.TAKEN
    at: str  # when it was taken
    deaths: int = 0  # of processes that looked at it
    error: dict[str, str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )  # of all of it
    settlement: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    settled_at: str | None = None


class IntakeItem(SQLModel, table=True):
    """One video that was asked for: the only one of its intake, or a row of a batch."""

    __tablename__ = "intake_item"
    __table_args__ = (Index("items_of_an_intake", "intake_id", "position", unique=True),)

    number: int | None = Field(default=None, primary_key=True)
    intake_id: str = Field(foreign_key="intake.id")
    position: int  # 0, 1, … in the batch
    name: str  # what its result is called, without a suffix; shown only
    job_id: str | None = Field(default=None, index=True)
    duplicate: bool = False  # the job was made for something dropped before
    error: dict[str, str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))  # no job
    result: str | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )  # its place, once there
