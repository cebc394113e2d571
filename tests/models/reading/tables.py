"""Tables of readings: a case a line, "as it is written → as it is read"; ## begins a heading."""

from __future__ import annotations


def cases(table: str) -> list[tuple[str, str]]:
    """(written, read) of each line."""
    lines = [line.strip() for line in table.splitlines()]
    pairs = [line.split(" → ") for line in lines if line and not line.startswith("##")]
    return [(written.strip(), read.strip()) for written, read in pairs]
