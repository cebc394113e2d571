"""systemctl, asked and told. Nothing here needs a shell, and nothing waits for ever."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field

from models.errors import StageFailed, Unavailable

TIMEOUT_S = 30.0
JOURNAL_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Systemctl:
    """per_user: the user's own service manager."""

    per_user: bool = False
    timeout_s: float = TIMEOUT_S

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Property → value, of a unit or (unit "") of the manager. Raises Unavailable `no_systemd`."""
        named = [f"--property={name}" for name in properties]
        done = self._run("show", *([unit] if unit else []), *named)
        if done.returncode:
            raise no_systemd(self.per_user, done.stderr.strip())
        found = (line.partition("=") for line in done.stdout.splitlines())
        return {name: value for name, equals, value in found if equals}

    def tell(self, *words: str) -> None:
        """Raises StageFailed `systemctl_failed` with what it said; Unavailable `no_systemd`."""
        done = self._run(*words)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it does not say why"]
            raise StageFailed(
                f"`{self.line(*words)}` failed: {said[0].rstrip('.')}",
                code="systemctl_failed",
                hint=f"`{self.line('status', words[-1])}` says more." if len(words) > 1 else "",
            )

    def line(self, *words: str) -> str:
        """As a person would type it."""
        return " ".join(["systemctl", *(["--user"] if self.per_user else []), *words])

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        program = shutil.which("systemctl")
        if program is None:
            raise no_systemd(self.per_user, "there is no systemctl")
        scope = ["--user"] if self.per_user else []
        try:
            return subprocess.run(
                [program, *scope, "--no-pager", "--no-ask-password", *words],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=self.timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise no_systemd(self.per_user, "it does not answer") from None
        except OSError as e:
            raise no_systemd(self.per_user, e.strerror or str(e)) from e


@dataclass(frozen=True)
class Journal:
    per_user: bool = False
    timeout_s: float = field(default=JOURNAL_TIMEOUT_S)

    def tail(self, unit: str, lines: int) -> list[str]:
        """The unit's last lines; none when they cannot be had."""
        program = shutil.which("journalctl")
        if program is None:
            return []
        scope = ["--user"] if self.per_user else []
        try:
            done = subprocess.run(
                [program, *scope, "--no-pager", "--quiet", "-o", "short-iso", "-n", str(lines), "-u", unit],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=self.timeout_s,
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        return done.stdout.splitlines()


def no_systemd(per_user: bool, why: str) -> Unavailable:
    said = why.splitlines()[0].rstrip(".") if why else "it does not answer"
    if per_user and "bus" in said:  # by `su` or `sudo -u` nobody has logged in
        return Unavailable(
            f"Your own systemd does not run, or cannot be reached: {said}",
            code="no_systemd",
            hint="Log in as this user, not by su or sudo; or `sudo loginctl enable-linger NAME` once.",
        )
    return Unavailable(
        f"systemd cannot be asked on this machine: {said}",
        code="no_systemd",
        hint="Without systemd, start `vigentd run` by other means; `vigentd service render` shows the units.",
    )
