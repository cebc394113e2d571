"""Engines: what does the work of a stage. Nothing here knows of jobs, queues or chats."""
