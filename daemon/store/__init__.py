"""The SQLite file, and what is read from it."""
