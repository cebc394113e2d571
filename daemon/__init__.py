"""The long-running side: what runs, what waits, what is due. `app.py` puts everything together."""
