"""How the database of an older vigentd becomes one of today, without loss.

Once released, an upgrade is never changed: databases out there have been through it. That is why each
says in plain SQL what the tables of its day were, whatever `jobs.py` says now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from daemon.jobs import out_key
from daemon.store.version5 import CHATS
from daemon.store.version6 import add_publications
from daemon.store.version7 import LANES

Upgrade = Callable[[Connection], None]


def _add_reused(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE job ADD COLUMN reused JSON NOT NULL DEFAULT '[]'")


_MILESTONES = (
    "ALTER TABLE job ADD COLUMN out_key VARCHAR",
    "CREATE INDEX who_writes_there ON job (out_key, state)",
    "CREATE INDEX end_of_line ON job (place)",
    """CREATE TABLE milestone (
        id INTEGER NOT NULL, job_id VARCHAR NOT NULL, at VARCHAR NOT NULL, name VARCHAR NOT NULL,
        facts JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(job_id) REFERENCES job (id))""",
    "CREATE INDEX ix_milestone_job_id ON milestone (job_id)",
    """CREATE TABLE stage_time (
        id INTEGER NOT NULL, at VARCHAR NOT NULL, stage VARCHAR NOT NULL, engine VARCHAR NOT NULL,
        seconds FLOAT NOT NULL, amount_s FLOAT NOT NULL, PRIMARY KEY (id))""",
    "CREATE INDEX times_of_a_stage ON stage_time (stage, engine)",
)


def _add_milestones_and_times(connection: Connection) -> None:
    for statement in _MILESTONES:
        connection.exec_driver_sql(statement)
    jobs = connection.exec_driver_sql("SELECT number, json_extract(spec, '$.out') FROM job").all()
    named = [{"number": number, "key": out_key(Path(out))} for number, out in jobs if out]
    if named:
        connection.execute(text("UPDATE job SET out_key = :key WHERE number = :number"), named)


_INTAKES = (
    """CREATE TABLE intake (
        number INTEGER NOT NULL, id VARCHAR NOT NULL, inbox VARCHAR NOT NULL, name VARCHAR NOT NULL,
        taken JSON NOT NULL, state VARCHAR NOT NULL, at VARCHAR NOT NULL, deaths INTEGER NOT NULL,
        error JSON, settlement JSON, settled_at VARCHAR, PRIMARY KEY (number), UNIQUE (id))""",
    "CREATE INDEX unsettled ON intake (inbox, number) WHERE state != 'settled'",
    "CREATE INDEX intakes_of_a_name ON intake (inbox, name)",
    """CREATE TABLE intake_item (
        number INTEGER NOT NULL, intake_id VARCHAR NOT NULL, position INTEGER NOT NULL,
        name VARCHAR NOT NULL, job_id VARCHAR, duplicate BOOLEAN NOT NULL, error JSON,
        result JSON, PRIMARY KEY (number), FOREIGN KEY(intake_id) REFERENCES intake (id))""",
    "CREATE UNIQUE INDEX items_of_an_intake ON intake_item (intake_id, position)",
    "CREATE INDEX ix_intake_item_job_id ON intake_item (job_id)",
)


def _add_intakes(connection: Connection) -> None:
    for statement in _INTAKES:
        connection.exec_driver_sql(statement)


def _add_chats(connection: Connection) -> None:
    for statement in CHATS:
        connection.exec_driver_sql(statement)


def _add_lanes(connection: Connection) -> None:
    for statement in LANES:
        connection.exec_driver_sql(statement)


# Upgrade number i takes a database from version i + 1 to i + 2, all of them inside one transaction.
UPGRADES: Sequence[Upgrade] = (
    _add_reused,
    _add_milestones_and_times,
    _add_intakes,
    _add_chats,
    add_publications,
    _add_lanes,
)
