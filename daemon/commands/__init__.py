"""The commands, by theme. Each module has `register(app)`."""
