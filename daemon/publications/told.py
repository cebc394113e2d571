"""A publication as programs see it, and the trail of what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from daemon.publications.tables import Publication, PublicationEvent
from daemon.store.database import Database


def publication_json(row: Publication) -> dict[str, Any]:
    """A contract: keys are added and never changed. Nothing of its memo, where keys to uploads may stand."""
    receipt = row.receipt or {}
    return {
        "number": row.number,
        "job": row.job_id,
        "target": row.target,
        "state": str(row.state),
        "due_at": row.due_at,
        "slot": row.slot,
        "approved_by": row.approval,
        "title": row.text.get("title", ""),
        "description": row.text.get("description", ""),
        "tags": list(row.text.get("tags", ())),
        "tries": row.tries,
        "next_try": row.next_try,
        "error": row.error,
        "id": receipt.get("id", ""),
        "url": receipt.get("url", ""),
        "facts": receipt.get("facts", {}),
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def of_job(db: Database, job_id: str) -> Sequence[Publication]:
    with db.reading() as s:
        wanted = select(Publication).where(Publication.job_id == job_id)
        return s.exec(wanted.order_by(col(Publication.number))).all()


def trail(
    db: Database,
    limit: int,
    *,
    number: int | None = None,
    job_id: str | None = None,
    target: str | None = None,
) -> Sequence[tuple[PublicationEvent, Publication]]:
    """The last so many events, the oldest first, each with its publication as it is now."""
    wanted = select(PublicationEvent, Publication).where(
        col(PublicationEvent.publication) == col(Publication.number)
    )
    for column, value in (
        (Publication.number, number),
        (Publication.job_id, job_id),
        (Publication.target, target),
    ):
        if value is not None:
            wanted = wanted.where(col(column) == value)
    with db.reading() as s:
        found = s.exec(wanted.order_by(col(PublicationEvent.id).desc()).limit(limit)).all()
    return list(reversed(found))
