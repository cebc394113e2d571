"""Whose videos are still to go somewhere: of these nothing may be removed or written over."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session


def awaited(s: Session) -> frozenset[str]:
    """Ids of jobs that are done: with a publication that is not over, or with one still to be proposed."""
    return frozenset(s.connection().execute(text(_AWAITED)).scalars())


_AWAITED = """
    SELECT job_id FROM publication WHERE state NOT IN ('published', 'skipped')
    UNION
    SELECT job.id FROM job, json_each(job.spec, '$.publish') AS target
    WHERE job.state = 'done' AND job.output IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM publication p WHERE p.job_id = job.id AND p.target = target.value)"""
