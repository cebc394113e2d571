"""Script + clip → video. `stages.py` is the place to start reading."""
