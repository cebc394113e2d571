class Skipped(Exception):
    """This machine cannot do that to a daemon."""
