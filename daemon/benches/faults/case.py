"""One fault from its beginning to its end: what is done, what must follow, and what did follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daemon.benches.faults.house import House, Living
from daemon.benches.faults.inside import Order, carried_out
from daemon.benches.faults.skipped import Skipped
from daemon.jobs import State
from models.errors import BadInput, VigentdError

LONG = "We look at what changed overnight, and pick what matters."
SHORT = "Good morning."
END_S = 90.0  # for the jobs to come to their ends, when all is well again
SLACK_S = 0.5  # for looking from outside, beyond twice the budget


@dataclass
class Row:
    """seconds since the fault; None: it did not happen. false: hosts that were restarted without need."""

    fault: str
    what: str
    budget_s: float
    found_s: float | None = None
    how: str = ""
    working_s: float | None = None
    job: str = ""
    others: str = ""
    false: int = 0
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def ok(self) -> bool:
        return not self.wrong

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Scene:
    """A daemon that works on a job, and one job behind it in line; then the fault comes."""

    def __init__(self, living: Living, job: str, other: str) -> None:
        self.living, self.job, self.other = living, job, other
        self.began = time.monotonic()
        self.found_at = self.lifted_at = float("inf")

    def struck(self) -> None:
        """Now."""
        self.began = time.monotonic()

    def wait(self, seconds: float) -> None:
        """Until so long after the fault."""
        time.sleep(max(self.began + seconds - time.monotonic(), 0.0))

    def until_carried_out(self, count: int = 1, within_s: float = 60.0) -> None:
        """The order was carried out in a host."""
        folder = self.living.house.orders
        self.living.until(lambda: len(carried_out(folder)) >= count, within_s, "the fault had not come")
        self.began = carried_out(folder)[count - 1]

    def logged(self, *names: str, **facts: str) -> str:
        """What the log says of it, in words; "" while it says nothing."""
        for line in self.living.house.said():
            if line["event"] in names and all(line.get(key) == value for key, value in facts.items()):
                told = (line.get(key) for key in ("rung", "reason", "because", "why", "message"))
                return f"{line['event']} {next(filter(None, told), '')}"
        return ""

    def job_logged(self, *names: str) -> str:
        """What the job's own log says; "" while it says nothing."""
        log = self.living.house.config.job_log(self.job)
        for line in log.read_text("utf-8").splitlines() if log.exists() else ():
            said = line.partition(" ")[2]
            if said.partition(" ")[0] in names:
                return said[:120]
        return ""

    def unwell(self, component: str) -> str:
        """What its report says of it; "" while it says nothing."""
        return self.living.unwell().get(component, "")

    def status_why(self) -> str:
        """Why jobs wait, as `vigentd status` says."""
        try:
            return str(self.living.status()["why"])
        except VigentdError:
            return ""

    def further(self) -> bool:
        """The job, or another one, has got on since the fault was found, or was taken away."""
        since = max(self.found_at, self.lifted_at if self.lifted_at < float("inf") else 0.0)
        if len(set(self.living.progress(since))) > 1:
            return True
        return self.living.finished(self.job, self.other)


@dataclass(frozen=True)
class Case:
    """strike:  brings the fault about; calls `struck`, or `until_carried_out`.
    found:   how the daemon tells that it knows; "" while it does not. None: there is nothing to find.
    lift:    takes away a fault that only others can take away.
    working: whether it is as it should be again.
    job:     how the job may end: a state, or the code of an error. None: it is not looked at.
    starts:  host → how many starts beyond the first are due to this fault.
    """

    name: str
    what: str
    budget_s: float
    strike: Callable[[Scene], None]
    found: Callable[[Scene], str] | None
    lift: Callable[[Scene], None] | None = None
    working: Callable[[Scene], object] = Scene.further
    orders: tuple[Order, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)
    house: Callable[[Path], dict[str, Any]] = lambda _: {}  # further arguments; may raise Skipped
    job: tuple[str, ...] = (State.DONE,)
    script: str = LONG
    starts: dict[str, int] = field(default_factory=dict)
    before: Callable[[Living], None] = lambda _: None  # when it is loaded, and has nothing to do
    loaded: bool = True  # the daemon is given time to load before jobs come
    ending: Callable[[Scene], None] = lambda _: None  # further things that must hold; raises StageFailed
    end: Callable[[], None] = lambda: None  # whatever happened


def run(case: Case, folder: Path, clip: Path) -> Row:
    row = Row(case.name, case.what, case.budget_s)
    try:
        house = House(folder, clip, orders=case.orders, settings=case.settings, **case.house(folder))
        with house.running() as living:
            _play(case, living, row)
    except Skipped as e:
        row.skipped = str(e)
    except (VigentdError, OSError) as e:
        row.wrong.append(str(e))
    finally:
        case.end()
    return row


def _play(case: Case, living: Living, row: Row) -> None:
    if case.loaded:
        living.until(living.is_loaded, 60, "the hosts were not loaded")
    case.before(living)
    scene = Scene(living, living.submit(case.script), living.submit(SHORT))
    case.strike(scene)
    if case.found is not None:
        row.how = _until_found(case.found, scene, 2 * case.budget_s + SLACK_S)
        row.found_s = round(scene.found_at - scene.began, 2)
        if row.found_s > 2 * case.budget_s + SLACK_S:
            row.wrong.append(f"found after {row.found_s:.1f} s, and {2 * case.budget_s:.1f} s are allowed")
    else:
        scene.found_at = scene.began
    if case.lift is not None:
        case.lift(scene)
        scene.lifted_at = time.monotonic()
    at = living.until(lambda: case.working(scene), END_S, "it did not work again")
    row.working_s = round(at - scene.began, 2)
    if case.job:
        living.until(lambda: living.finished(scene.job, scene.other), END_S, "the jobs had not ended")
    _ends(case, scene, row)
    row.false = _false(case, living)
    if row.false:
        row.wrong.append(f"{row.false} restarts without need: {living.starts()}")
    case.ending(scene)


def _until_found(found: Callable[[Scene], str], scene: Scene, allowed_s: float) -> str:
    """How it was told. Waits for longer than is allowed: to be late is not the same as to find nothing."""
    heard = ""

    def told() -> bool:
        nonlocal heard
        heard = found(scene)
        return bool(heard)

    left = scene.began + allowed_s - time.monotonic()
    scene.found_at = scene.living.until(told, max(2 * left, left + 10), "it was not found")
    return heard.strip()


def _ends(case: Case, scene: Scene, row: Row) -> None:
    job, other = (scene.living.house.row(one) for one in (scene.job, scene.other))
    row.job, row.others = (one.error_code or str(one.state) for one in (job, other))
    if not case.job:
        return
    if row.job not in case.job:
        row.wrong.append(f"the job ended as {row.job}: {job.error_message}")
    if row.others != State.DONE:
        row.wrong.append(f"the job behind it ended as {row.others}: {other.error_message}")


def _false(case: Case, living: Living) -> int:
    return sum(
        max(starts - 1 - case.starts.get(name, 0), 0)
        for name, starts in living.starts().items()
        if name in ("speech", "lipsync", "media")
    )


def chosen(cases: Sequence[Case], only: Sequence[str]) -> list[Case]:
    """Those of the names given; all without any. Raises BadInput `fault_unknown`."""
    known = {case.name for case in cases}
    if unknown := set(only) - known:
        raise BadInput(
            f"There is no fault {sorted(unknown)[0]!r}",
            code="fault_unknown",
            hint=f"There are {', '.join(sorted(known))}.",
        )
    return [case for case in cases if not only or case.name in only]
