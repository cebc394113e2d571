"""vigentd on that machine, as its administrator and its programs meet it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.control.client import Client, DaemonAway
from tests.systemd.container import Container, until

UNIT = "vigentd.service"
TIMER = "vigentd-health.timer"
HEALTH = "vigentd-health.service"
DROP_INS = Path("/etc/systemd/system/vigentd.service.d")
CONFIGURATION = Path("/etc/vigentd/vigentd.toml")
DATA = Path("/var/lib/vigentd")
CLIP = Path("/srv/clip.mp4")
# What hang.py makes of these signals.
BLOCK, BLOCK_AND_FEED = signal.SIGRTMIN + 1, signal.SIGRTMIN + 2
SHORT = "Good morning."
# Some seconds of work in the stage where most tests strike.
LONG = "Every morning we look at what changed overnight, and pick the stories that matter. " * 3
UP_S = 60.0
JOB_S = 180.0


class Vigentd:
    def __init__(self, machine: Container) -> None:
        self.machine = machine

    @property
    def client(self) -> Client:
        return Client(self.machine.at(DATA / "control.sock"), read_timeout_s=60)

    def systemctl(self, *command: object) -> str:
        return self.machine.run("systemctl", *command).stdout

    def shown(self, *properties: str, unit: str = UNIT) -> dict[str, str]:
        """What `systemctl show` says of the unit."""
        said = self.systemctl("show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def main_pid(self) -> int:
        """As it is called inside; 0: it does not run."""
        return int(self.shown("MainPID")["MainPID"])

    def restarts(self) -> int:
        return int(self.shown("NRestarts")["NRestarts"])

    # ------------------------------------------------------------ jobs

    def submit(self, script: str = SHORT, **options: Any) -> str:
        """Through the control socket, as programs do."""
        job: dict[str, Any] = self.client.post("/jobs", {"clip": str(CLIP), "script": script, **options})
        return str(job["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Empty while no daemon answers."""
        try:
            return dict(self.client.get(f"/jobs/{job_id}"))
        except DaemonAway:
            return {}

    def until_job(self, job_id: str, seen: Callable[[dict[str, Any]], object], what: str) -> float:
        """seen: asked what is known of the job, while a daemon answers. Returns the seconds that it took."""
        last: dict[str, Any] = {}

        def look() -> object:
            nonlocal last
            last = self.job(job_id) or last
            assert last.get("state") not in ("failed", "cancelled"), last["error"]
            return last and seen(last)

        return until(look, lambda: f"the job {what}: {last}", JOB_S)

    def until_stage(self, job_id: str, stage: str, progress: float = 0.0) -> None:
        """At work in it, and so far. It must not be done before anybody has seen it there."""

        def there(job: dict[str, Any]) -> bool:
            assert job["state"] != "done", job
            return (job["state"], job["stage"]) == ("running", stage) and bool(job["progress"] > progress)

        self.until_job(job_id, there, f"to come to {stage}")

    def until_at_lips(self) -> None:
        """Some job is well in them."""

        def there() -> bool:
            job = self.client.get("/status")["job"] or {}
            return job.get("stage") == "lipsync" and bool(job["progress"] > 0.3)

        until(there, "a job at its lips", JOB_S)

    def until_second_attempt(self, jobs: list[str]) -> str:
        """One of them is at work, or done, for the second time."""
        again: list[str] = []

        def seen() -> bool:
            known = [job for job in self.client.get("/jobs") if job["id"] in jobs]
            again[:] = [j["id"] for j in known if j["attempts"] == 2 and j["state"] in ("running", "done")]
            assert any(job["state"] != "done" for job in known) or again, "all were done too soon"
            return bool(again)

        until(seen, "a job to be taken up again", JOB_S)
        return again[0]

    def cancel_waiting(self, jobs: list[str]) -> None:
        for job in self.client.get("/jobs"):
            if job["id"] in jobs and job["state"] == "queued":
                self.client.post(f"/jobs/{job['id']}/cancel", {})

    def until_done(self, job_id: str) -> dict[str, Any]:
        self.until_job(job_id, lambda job: job["state"] == "done", "to be done")
        done = self.job(job_id)
        assert self.machine.at(done["output"]).stat().st_size > 10_000
        return done

    def milestones(self, job_id: str) -> list[str]:
        return [milestone["name"] for milestone in self.job(job_id)["milestones"]]

    # ------------------------------------------------------------ the daemon's life

    def answers(self) -> bool:
        try:
            self.client.get("/status")
        except DaemonAway:
            return False
        return True

    def until_back(self, before: int, within_s: float = UP_S) -> float:
        """Seconds until another process than `before` (as called inside) is ready and answers."""

        def back() -> bool:
            state = self.shown("MainPID", "ActiveState")
            return (
                state["ActiveState"] == "active"
                and int(state["MainPID"]) not in (0, before)
                and self.answers()
            )

        return until(back, lambda: f"the daemon: {self.machine.journal()[-6000:]}", within_s)

    # ------------------------------------------------------------ as an administrator

    def install(self) -> None:
        done = self.machine.run("vigentd", "service", "install", check=False)
        assert done.returncode == 0, done.stderr + self.machine.journal(UNIT)[-3000:]

    def configure(self, *lines: str) -> None:
        """In force after the next start."""
        file = self.machine.at(CONFIGURATION)
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join((*lines, "")))

    def drop_in(self, name: str, *lines: str) -> None:
        """Of one's own, for the service; no lines: it is taken away. In force after the next start."""
        file = self.machine.at(DROP_INS / f"{name}.conf")
        if lines:
            file.parent.mkdir(exist_ok=True)
            file.write_text("\n".join(("[Service]", *lines, "")))
        else:
            file.unlink(missing_ok=True)
        self.systemctl("daemon-reload")

    def restart(self) -> None:
        before = self.main_pid()
        self.systemctl("restart", UNIT)
        self.until_back(before)

    def fresh(self) -> None:
        """Runs, is ready, and has no failures counted against it."""
        self.systemctl("reset-failed")
        self.systemctl("start", UNIT, TIMER)
        self.until_back(0)

    def signal(self, number: int) -> None:
        """To the daemon alone."""
        self.systemctl("kill", "--kill-whom=main", f"--signal={int(number)}", UNIT)
