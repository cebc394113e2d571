"""Version 7 of the database: one running job in each lane, where there was one in all."""

LANES = (
    "ALTER TABLE job ADD COLUMN lane INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX one_running",
    "CREATE UNIQUE INDEX one_running ON job (lane) WHERE state = 'running'",
)
