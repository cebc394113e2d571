"""A job as the queue keeps it, what happened to it, and how programs see it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from models.errors import VigentdError
from models.shortened import shortened
from pipeline.spec import JobSpec


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


STALLED = "stalled"  # a milestone: work on the job got nowhere

FINISHED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


class JobRow(SQLModel, table=True):
    """One job. Only `queue.py` writes here. Times are ISO 8601 in UTC."""

    __tablename__ = "job"
    __table_args__ = (
        # One job runs at a time in each lane: the database itself refuses a second one.
        Index("one_running", "lane", unique=True, sqlite_where=text("state = 'running'")),
        Index("next_in_line", "state", text("priority DESC"), "place"),
        Index("end_of_line", "place"),
        Index("who_writes_there", "out_key", "state"),
    )

    number: int | None = Field(default=None, primary_key=True)  # order of arrival
    id: str = Field(unique=True)
    idempotency_key: str | None = Field(default=None, unique=True)
    source: str  # the door that it came through: "cli", …
    label: str  # its title, or how its script begins: for lists
    spec: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: str

    # In line: the highest priority first, then the lowest place. A job that is taken up again after
    # its worker died keeps its place; one that is retried goes to the end.
    priority: int = 0
    place: int

    state: str = State.QUEUED
    stage: str | None = None
    progress: float = 0.0  # of the whole job, 0..1
    eta_s: float | None = None
    attempts: int = 0  # claims; counted before the work, so that a death counts too
    token: int = 0  # grows with every claim; a writer with an older one is refused
    owner: str | None = None  # who works on it, for people
    cancel_asked: bool = False

    started_at: str | None = None  # of the last attempt
    finished_at: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_hint: str | None = None
    output: str | None = None
    engines: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    notes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    timings: dict[str, float] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    reused: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    out_key: str | None = None  # `out_key` of the place that the person named for the result
    # Of the worker, where it runs or ran last (`queue.lanes`); the first is 0.
    lane: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def error(self) -> dict[str, str] | None:
        if self.error_code is None:
            return None
        return {
            "code": self.error_code,
            "message": self.error_message or "",
            "hint": self.error_hint or "",
        }

    def set_error(self, error: VigentdError | None) -> None:
        self.error_code = error.code if error else None
        self.error_message = error.message if error else None
        self.error_hint = error.hint if error else None


class Milestone(SQLModel, table=True):
    """Something that happened to a job, told in the transaction that did it.

    submitted · claimed (attempt, owner) · stage (name, seconds, reused) · cancel_asked · done · failed
    (code) · cancelled · requeued · recovered (attempt, stage) · retried · expired, and what the worker
    has to tell: process_gone (stage, reason) · stalled (stage, reason, silent_s) · gpu_memory,
    gpu_context, gpu_ecc, gpu_lost (stage, reason).
    """

    __tablename__ = "milestone"

    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="job.id", index=True)
    at: str
    name: str
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class StageTime(SQLModel, table=True):
    """How long this machine took for a stage: `seconds` of work for `amount_s` seconds of video."""

    __tablename__ = "stage_time"
    __table_args__ = (Index("times_of_a_stage", "stage", "engine"),)

    id: int | None = Field(default=None, primary_key=True)
    at: str
    stage: str
    engine: str  # "" where none is needed
    seconds: float
    amount_s: float


def job_json(row: JobRow, position: int | None) -> dict[str, Any]:
    """A job as programs see it: a contract, so keys are added and never changed.

    position: how many jobs will be taken up before it, plus one; None unless it is queued.
    """
    return {
        "id": row.id,
        "state": str(row.state),
        "stage": row.stage,
        "progress": round(row.progress, 4),
        "eta_s": None if row.eta_s is None else round(row.eta_s, 1),
        "attempts": row.attempts,
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "output": row.output,
        "source": row.source,
        "engines": row.engines,
        "queue_position": position,
        "label": row.label,
        "priority": row.priority,
        "notes": row.notes,
        "timings": row.timings,  # stage → seconds of work, in the attempt that made its artifact
        "reused": row.reused,  # the stages whose artifacts the last attempt found made
    }


def described(
    row: JobRow, position: int | None, milestones: Sequence[Milestone], log: Path
) -> dict[str, Any]:
    """The whole job: as in lists, with what was asked for, what happened to it, and where its log is."""
    happened = [{"at": m.at, "name": m.name, "facts": m.facts} for m in milestones]
    return job_json(row, position) | {"spec": row.spec, "milestones": happened, "log": str(log)}


def label_of(spec: JobSpec) -> str:
    """What a list shows for a job: its title, or how its script begins."""
    return beginning(spec.title or spec.script or (spec.speech or spec.clip).name)


def beginning(text: str) -> str:
    """For one row of a list."""
    return shortened(" ".join(text.split()), 60)


def out_key(out: Path) -> str:
    """The same for all results whose files beside the video (.srt, .vtt, .jpg) have the same names."""
    return os.path.join(os.path.realpath(out.parent), out.stem)  # noqa: PTH118 - `resolve` fails on a loop


_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to misread
_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
IDS_A_SECOND = 2**10


def new_id(now: dt.datetime, chance: int) -> str:
    """Eight letters and digits that sort by time: 30 bits of seconds, 10 bits of chance (the rest is cut)."""
    number = (int((now - _EPOCH).total_seconds()) % 2**30) << 10 | chance % IDS_A_SECOND
    return "".join(_BASE32[number >> shift & 31] for shift in range(35, -5, -5))


def iso(now: dt.datetime) -> str:
    return now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
