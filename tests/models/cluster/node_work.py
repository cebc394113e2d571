"""What the host of a replica is asked for in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.progress import Progress


def reverse(engine: Any, arguments: dict[str, Any], progress: Progress) -> list[str]:
    """Writes what it reads, backwards. Returns the names of what it was given."""
    Path(arguments["writes"]).write_bytes(Path(arguments["reads"][0]).read_bytes()[::-1])
    return [Path(path).name for path in (*arguments["reads"], arguments["writes"])]
