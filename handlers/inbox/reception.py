"""Finds out which jobs an intake is, and puts them into the queue: from TAKEN to AT_WORK.

What people put into files is read in another process (`examine.py`, at the door). What cannot be a job is
refused with a reason; while this machine lacks something, everybody waits and nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from daemon.config import Config, InboxSettings
from daemon.intakes import Intake
from handlers.inbox.claim.files import digest
from handlers.inbox.claim.take import Kept, Taken
from handlers.inbox.ledger import Ledger, content_key
from handlers.inbox.look.scan import Mark
from handlers.inbox.names import Alike, shown
from models.beats import beat
from models.errors import BadInput, ProcessDied, StageFailed, Unavailable, VigentdError
from models.progress import Progress, Quiet
from pipeline.spec import JobSpec

CHECK_S = 60.0  # in which files are examined
DEATHS = 3  # of the processes that look at an intake; then it is refused
OF_THE_SCRIPT = {"font_missing"}  # lacking only for what is in this script: the others need not wait


class Door(Protocol):
    """daemon.engines.hosts.Hosts."""

    def at_the_door(self, do: str, asked: dict[str, Any], progress: Progress) -> Any: ...


class Wait(Exception):
    """Not now; nothing is wrong with the intake. Its text: why.

    for_all: that is nothing of this intake's own: no other can go on, either.
    """

    def __init__(self, why: str, *, for_all: bool = True) -> None:
        super().__init__(why)
        self.for_all = for_all


class Reception:
    """stopping: whether to leave off now. clock: monotonic seconds."""

    def __init__(
        self,
        inbox: InboxSettings,
        config: Config,
        ledger: Ledger,
        door: Door,
        stopping: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._config = config.model_dump(mode="json")
        self._ledger = ledger
        self._door = door
        self._stopping = stopping
        self._clock = clock
        self._presenter: tuple[Mark, str] | None = None  # its digest, as long as it is the same file

    def examine(self, intake: Intake, folder: Path) -> list[str]:
        """folder: .work/ID. Returns the ids of its jobs. Raises Wait, and Unavailable of the database."""
        taken = Taken.from_json(intake.taken)
        there = {item.position for item in self._ledger.items(intake)}
        jobs = []
        try:
            for position, row in enumerate(self._rows(taken, folder)):
                if position not in there:
                    jobs += self._examine(intake, taken, folder, position, row)
        except ProcessDied as e:
            self._ledger.examined(intake, self._died(intake, e))
            return []
        except (BadInput, StageFailed) as e:
            self._ledger.examined(intake, e)
            return []
        self._ledger.examined(intake)
        return jobs

    def _rows(self, taken: Taken, folder: Path) -> list[dict[str, Any] | None]:
        """The rows of its batch; or None, once, when it is one job."""
        batch = next((kept for kept in taken.files if kept.role == "batch"), None)
        if batch is None:
            return [None]
        asked = {"path": str(folder / batch.kept), "name": shown(batch.name)}
        return list(self._ask("rows", asked)["rows"])

    def _examine(
        self, intake: Intake, taken: Taken, folder: Path, position: int, row: dict[str, Any] | None
    ) -> list[str]:
        """One job, or the reason why it is none. Returns its id, if it is a new one."""
        name = row["name"] if row else taken.name
        try:
            if row and row["error"]:
                raise BadInput(**row["error"])
            files = _files_of(taken, row)
            spec = self._spec(folder, files, row)
            key = self._key(intake, position, spec, files)
        except ProcessDied as e:
            self._ledger.refuse(intake, position, name, self._died(intake, e))
            return []
        except (BadInput, StageFailed) as e:
            self._ledger.refuse(intake, position, name, e)
            return []
        return [self._ledger.submit(intake, position, name, spec, key, self._inbox.priority).id]

    def _spec(self, folder: Path, files: dict[str, Kept], row: dict[str, Any] | None) -> JobSpec:
        asked = {
            "config": self._config,
            "inbox": self._inbox.name,
            "sources": {role: str(folder / kept.kept) for role, kept in files.items()},
            "names": {role: shown(kept.name) for role, kept in files.items()},
            "row": row,
        }
        return JobSpec.model_validate(self._ask("examine", asked)["spec"])

    def _key(self, intake: Intake, position: int, spec: JobSpec, files: dict[str, Kept]) -> str:
        clip = files["clip"].sha256 if "clip" in files else self._presenter_digest(spec.clip)
        speech = files["speech"].sha256 if "speech" in files else None
        apart = f"{intake.id}:{position}" if self._inbox.duplicates == "make" else ""
        return content_key(self._inbox.name, spec, clip, speech, apart)

    def _presenter_digest(self, clip: Path) -> str:
        try:
            mark = Mark.of(clip.stat())
            if self._presenter is None or self._presenter[0] != mark:
                self._presenter = (mark, digest(clip.resolve()))
        except OSError as e:
            raise Wait(f"The presenter {clip} cannot be read: {e.strerror}", for_all=False) from e
        return self._presenter[1]

    def _ask(self, what: str, asked: dict[str, Any]) -> Any:
        try:
            in_time = _InTime(self._stopping, self._clock)
            return self._door.at_the_door(f"handlers.inbox.contents.examine:{what}", asked, in_time)
        except OSError as e:
            raise ProcessDied(f"The files cannot be read: {e.strerror or e}") from e
        except Unavailable as e:
            if e.code in OF_THE_SCRIPT:
                raise BadInput(e.message, code=e.code, hint=e.hint) from e
            raise Wait(e.message, for_all=e.code != "presenter_missing") from e

    def _died(self, intake: Intake, error: ProcessDied) -> VigentdError:
        """Raises Wait while it may be tried again."""
        if self._ledger.died(intake) < DEATHS:
            raise Wait(error.message, for_all=False) from error
        return BadInput(
            f"These files could not be looked at, {intake.deaths} times: {error.message}",
            code="clip_deadly",
            hint="One of them is probably damaged. Convert the clip with another program.",
        )


class _InTime(Quiet):
    def __init__(self, stopping: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._stopping = stopping
        self._clock = clock
        self._until = clock() + CHECK_S
        self._begun = False

    def step(self, done: float, total: float) -> None:
        if not self._begun:
            self._begun, self._until = True, self._clock() + CHECK_S
        self.check()

    def check(self) -> None:
        beat()  # it waits for a host, and not for longer than CHECK_S
        if self._stopping():
            raise Wait("The daemon is stopping")
        late = self._clock() > self._until
        if late and not self._begun:  # it loads, or rests: these files are not to blame for that
            raise Wait("The process that looks at files is not there")
        if late:
            raise BadInput(
                f"These files could not be looked at within {CHECK_S:.0f} seconds",
                code="check_timeout",
                hint="One of them is probably damaged. Convert the clip with another program.",
            )


def _files_of(taken: Taken, row: dict[str, Any] | None) -> dict[str, Kept]:
    """Role → file: of the one job, or those that the row names. Raises BadInput `file_missing`."""
    if row is None:
        return {kept.role: kept for kept in taken.files if kept.role != "note"}
    by_name = {kept.name: kept for kept in taken.files}
    alike = Alike(by_name)
    files: dict[str, Kept] = {}
    for role, column in (("script", "script_file"), ("clip", "clip"), ("speech", "speech")):
        if not row[column]:
            continue
        name = alike.find(row[column])
        if name is None:
            raise BadInput(
                f"There is no file {row[column]} beside the batch, which {row['where']} names",
                code="file_missing",
                hint="Put the file there, or correct the row.",
            )
        files[role] = by_name[name]
    return files
