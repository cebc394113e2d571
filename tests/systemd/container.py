"""A machine of its own: a real systemd as process 1, in systemd-nspawn.

with Container(root, log).booted() as machine:
    machine.run("systemctl", "start", "vigentd")
    machine.cut()  # the power fails
    machine.boot()
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.systemd.tree import LENT

NAME = "vigentd-test"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_S = 60.0
STOP_S = 120.0
COMMAND_S = 120.0
LOOK_S = 0.05
AGAIN = 133  # nspawn's way to say to whoever started it that it wants to be started again
# Where nspawn puts its control groups; on a machine whose own systemd made the groups, that takes them away.
GROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))


class Container:
    """root: its file system. log: what its console says, for when it does not boot."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self._log = log
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    @contextmanager
    def booted(self) -> Iterator[Container]:
        """Afterwards nothing of it runs any more, however the test went."""
        try:
            self.boot()
            yield self
        finally:
            self.cut()

    def boot(self) -> None:
        assert self._nspawn is None, "it runs"
        _sweep()
        lent = [f"--bind-ro={outside}:{inside}" for outside, inside in LENT.items()]
        # A systemd out here is asked for a scope; where there is none, nobody can be asked.
        scope = [] if Path("/run/systemd/system").is_dir() else ["--keep-unit"]
        with self._log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # when the tests are killed, it is shut down
                    *("systemd-nspawn", "--quiet", "--boot", "--register=no", *scope, "--settings=no"),
                    *("--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off"),
                    *(f"--directory={self.root}", f"--machine={NAME}", *lent),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._until_up()

    def run(
        self,
        *command: object,
        user: str = "root",
        check: bool = True,
        timeout_s: float = COMMAND_S,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Inside, with an environment as after a login. check: it has to succeed."""
        as_user = [] if user == "root" else ["runuser", "-u", user, "--"]
        home = "/root" if user == "root" else f"/home/{user}"
        done = subprocess.run(
            [
                *("nsenter", "--target", str(self._leader), "--mount", "--uts", "--ipc", "--pid", "--cgroup"),
                *("--wd=/", "--", *as_user, *map(str, command)),
            ],
            env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": home, "USER": user, **(variables or {})},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{command}: {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def says(self, *command: object, **how: str) -> str:
        """The command's output; whether it succeeds does not matter."""
        return self.run(*command, check=False, **how).stdout.strip()  # type: ignore[arg-type]

    def journal(self, unit: str = "") -> str:
        """All that was said since the first boot, by one unit or by all."""
        of_unit = ["-u", unit] if unit else []
        return self.run("journalctl", "--no-pager", "-o", "short-monotonic", *of_unit).stdout

    def at(self, path: str | Path) -> Path:
        """A file in there, seen from here."""
        return self.root / Path(path).relative_to("/")

    # ------------------------------------------------------------ its ends

    def reboot(self) -> None:
        """Returns when it is up again."""
        assert self._nspawn is not None
        nspawn, before = self._nspawn, self._leader
        self.run("systemctl", "--no-block", "reboot", check=False)
        until(lambda: nspawn.poll() is not None or self._found_leader() != before, "it to go down", STOP_S)
        if nspawn.poll() is None:
            self._until_up()
            return
        assert nspawn.returncode == AGAIN, nspawn.returncode
        self._over()
        self.boot()

    def power_off(self) -> None:
        """In good order."""
        assert self._nspawn is not None
        self.run("systemctl", "--no-block", "poweroff", check=False)
        self._nspawn.wait(STOP_S)
        self._over()

    def cut(self) -> None:
        """The power fails: all its processes are killed at once. What they wrote stays in the kernel's cache,
        which a real power cut would empty too."""
        if self._nspawn is None:
            return
        leader = self._found_leader()
        if leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
        else:
            self._nspawn.kill()
        try:
            self._nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(20)
        if leader:
            until(lambda: not Path(f"/proc/{leader}").exists(), "its processes to end", 20)
        self._over()

    def _over(self) -> None:
        self._nspawn, self._leader = None, 0
        _sweep()

    # ------------------------------------------------------------ its beginning

    def _until_up(self) -> None:
        until(self._is_up, lambda: f"it to boot: {self._log.read_text('utf-8', 'replace')[-2000:]}", BOOT_S)

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, self._log.read_text("utf-8", "replace")[-2000:]
        self._leader = self._found_leader()
        if not self._leader:
            return False
        state = self.says("systemctl", "is-system-running")
        return state in ("running", "degraded")

    def _found_leader(self) -> int:
        """The process that is number 1 inside; 0: there is none now."""
        if self._nspawn is None:
            return 0
        nspawn = self._nspawn.pid
        for child in _read(Path(f"/proc/{nspawn}/task/{nspawn}/children")).split():
            status = _read(Path(f"/proc/{child}/status"))
            numbers = next((line.split() for line in status.splitlines() if line.startswith("NSpid:")), [])
            if len(numbers) > 2 and numbers[-1] == "1":
                return int(child)
        return 0


def until(seen: Callable[[], object], what: str | Callable[[], str], within_s: float) -> float:
    """Looks again and again. Returns the seconds that it took."""
    begun = time.monotonic()
    while not seen():
        waited = time.monotonic() - begun
        assert waited < within_s, f"waited {waited:.0f} s for {what if isinstance(what, str) else what()}"
        time.sleep(LOOK_S)
    return time.monotonic() - begun


def _sweep() -> None:
    """Empty groups of a container that had no time to take them away. Those with a process in them stay."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        own = line.split(":", 2)[2].lstrip("/")
        for place in GROUPS:
            for name in ("payload", "supervisor"):
                for folder, _, _ in os.walk(place / own / name, topdown=False):
                    with contextlib.suppress(OSError):
                        Path(folder).rmdir()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has ended
        return ""
