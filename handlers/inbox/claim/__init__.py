"""The way into .work/ID and back, so that no file is lost."""
