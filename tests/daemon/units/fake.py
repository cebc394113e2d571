"""A systemctl that only writes down what it is asked, and answers what a file says."""

from __future__ import annotations

import json
from pathlib import Path

_PROGRAM = """#!/bin/sh
cd {folder} || exit 9
printf '%s\\n' "$*" >> asked
for word in "$@"; do
    if [ "$word" = show ]; then
        for unit in "$@"; do
            [ -f "shown/$unit" ] && exec cat "shown/$unit"
        done
        exec cat shown/manager
    fi
    if [ -f "refused/$word" ]; then
        cat "refused/$word" >&2
        exit 1
    fi
done
exit 0
"""


class FakeSystemd:
    """folder: becomes one for the PATH, with systemctl and its helpers in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self._kept = folder / "kept"
        for made in (self.path, self._kept / "shown", self._kept / "refused"):
            made.mkdir(parents=True)
        (self._kept / "asked").touch()
        for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles"):
            program = self.path / name
            program.write_text(_PROGRAM.format(folder=self._kept))
            program.chmod(0o755)
        (self._kept / "shown/manager").write_text("Version=252\n")

    def shows(self, unit: str, **properties: object) -> None:
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        (self._kept / "shown" / unit).write_text(text)

    def refuses(self, verb: str, why: str) -> None:
        (self._kept / "refused" / verb).write_text(why)

    def asked(self) -> list[str]:
        """What was to be changed, in order, and each only once asked for."""
        said = (self._kept / "asked").read_text().splitlines()
        (self._kept / "asked").write_text("")
        kept = (line.replace("--no-pager --no-ask-password ", "") for line in said)
        return [line for line in kept if not line.removeprefix("--user ").startswith("show")]


def as_json(file: Path) -> dict[str, object]:
    return dict(json.loads(file.read_text()))
