"""The doors: work comes in, results go out."""
