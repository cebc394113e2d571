"""How the daemon is, part by part, and who looks at that."""
