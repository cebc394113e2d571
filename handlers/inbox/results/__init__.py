"""The way out: videos to the outbox, sources to done, failed or duplicates, and a note for the person."""
