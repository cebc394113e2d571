"""The kinds of places to publish to: one module each, imported only when a target of its kind is set up."""
