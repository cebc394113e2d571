"""How the database of an older vigentd becomes one of today, without loss.

Once released, an upgrade is never changed: databases out there have been through it. That is why each
says in plain SQL what the tables of its day were, whatever `jobs.py` says now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from daemon.jobs import out_key

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


# Upgrade number i takes a database from version i + 1 to i + 2, all of them inside one transaction.
UPGRADES: Sequence[Upgrade] = (_add_reused, _add_milestones_and_times)
