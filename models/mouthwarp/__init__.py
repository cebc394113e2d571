"""Draft lip-sync: a mesh warp of the lower face, driven by phonemes or loudness. No GPU, no weights."""
