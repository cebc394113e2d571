"""Which files belong together, and why the rest has to stay. Pure: from what was seen to what it means."""
