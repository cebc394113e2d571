"""What the write probe says on a file system (first argument) that becomes full, has room again, and becomes
read-only: as JSON. Run in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from daemon.health.database_probe import WriteProbe
from tests.database_kit import lay_database


def main(disk: Path) -> None:
    path = disk / "data" / "vigentd.db"
    lay_database(path)
    write = WriteProbe(path)
    said = [write().trouble]
    filler = disk / "filler"
    with filler.open("wb") as file:
        while True:
            try:
                os.write(file.fileno(), bytes(4096))
            except OSError:
                break
    said.append(_until_it_fails(write))
    filler.unlink()
    said.append(write().trouble)
    write.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said.append(write().trouble)
    print(json.dumps(said))


def _until_it_fails(write: WriteProbe) -> str:
    """The log may have some room in it."""
    return next((why for _ in range(100) if (why := write().trouble)), "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
