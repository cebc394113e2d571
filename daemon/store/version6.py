"""Version 6 of the database: the tables of publishing, as they were when they came."""

from __future__ import annotations

import base64
import hashlib

from sqlalchemy import Connection, text

PUBLICATIONS = (
    """CREATE TABLE publication (
        number INTEGER NOT NULL, job_id VARCHAR NOT NULL, target VARCHAR NOT NULL, key VARCHAR NOT NULL,
        state VARCHAR NOT NULL, approval VARCHAR, place INTEGER NOT NULL, due_at VARCHAR, slot VARCHAR,
        ripe BOOLEAN NOT NULL, text JSON NOT NULL, memo JSON NOT NULL, receipt JSON,
        token INTEGER NOT NULL, tries INTEGER NOT NULL, next_try VARCHAR, day VARCHAR, error JSON,
        created_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL,
        PRIMARY KEY (number), FOREIGN KEY(job_id) REFERENCES job (id), UNIQUE (key))""",
    "CREATE UNIQUE INDEX once ON publication (job_id, target)",
    "CREATE UNIQUE INDEX one_sending ON publication (target) WHERE state = 'sending'",
    "CREATE UNIQUE INDEX slot_used ON publication (target, slot)",
    "CREATE INDEX next_publication ON publication (target, state, place)",
    "CREATE INDEX taken_on ON publication (target, day)",
    """CREATE TABLE publication_event (
        id INTEGER NOT NULL, publication INTEGER NOT NULL, at VARCHAR NOT NULL, name VARCHAR NOT NULL,
        facts JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(publication) REFERENCES publication (number))""",
    "CREATE INDEX ix_publication_event_publication ON publication_event (publication)",
    """CREATE TABLE publication_target (
        name VARCHAR NOT NULL, looked_until VARCHAR, spent_until VARCHAR, paused_by VARCHAR,
        PRIMARY KEY (name))""",
)

# What was done before there was publishing may be out there already, by hand: nobody is surprised by it now.
_BEFORE = """
    SELECT DISTINCT job.id, job.created_at, coalesce(job.finished_at, job.created_at), target.value
    FROM job, json_each(job.spec, '$.publish') AS target WHERE job.state = 'done' ORDER BY job.number"""
_SKIPPED = """
    INSERT INTO publication (job_id, target, key, state, place, ripe, text, memo, token, tries,
        created_at, changed_at)
    VALUES (:job, :target, :key, 'skipped', :place, 0, '{}', '{}', 0, 0, :at, :at)"""


def add_publications(connection: Connection) -> None:
    for statement in PUBLICATIONS:
        connection.exec_driver_sql(statement)
    for place, (job, created, at, target) in enumerate(connection.exec_driver_sql(_BEFORE).all(), 1):
        digest = hashlib.sha256("\0".join((job, created, target)).encode()).digest()
        key = base64.b32encode(digest[:20]).decode().lower()
        told = {"job": job, "target": target, "key": key, "place": place, "at": at}
        connection.execute(text(_SKIPPED), told)
