"""Finished videos go where they should, when they should: once, and only once."""
