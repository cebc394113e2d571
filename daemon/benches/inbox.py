"""`vigentd bench inbox`: how soon dropped files are in line, many of them at once, and what watching costs.

By a real daemon on a folder of its own. While it is measured how files come in, no job is worked on: a host
is stopped before it has loaded, so the line stands. One figure tells how it is while videos are made.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daemon.benches import processes
from daemon.benches.past import invent
from daemon.benches.queue import Spread
from daemon.benches.watched import NAME, Daemon, Watched

LIMIT_S, LIMIT_IDLE = 1.0, 0.005
COLD = 3  # starts of the daemon, for the first drop after each
LARGE = 100_000_000  # bytes
HELD = 200  # scripts without a clip
PATIENCE_S = 60.0  # for one job to be in line
STEP_S = 0.5  # about as often an idle inbox is looked at: drops come at any moment between two looks
WARM_S = 3.0  # before it is watched how a daemon idles

Way = Callable[[], object]


@dataclass(frozen=True)
class Plan:
    """times: drops, of each way. pairs: at once. old: files in done/. idle_s: for each idling."""

    settle_s: float
    times: int
    pairs: int
    old: int
    idle_s: float


@dataclass(frozen=True)
class Flood:
    """Many pairs at once. Times from the last byte of the last of them; cpu: seconds of processor time.

    jobs_a_second: from the first job in line to the last. late: those before which one came that was complete
    after them.
    """

    pairs: int
    written_s: float
    in_line_s: float
    jobs_a_second: float
    lost: int
    twice: int
    late: int
    daemon_cpu_s: float
    door_cpu_s: float


@dataclass
class Figures:
    """soon: of each way to drop something, from its last byte until its job is in line, `settle_s` taken off.
    idle: the daemon's share of a core, without its hosts."""

    settle_s: float
    soon: dict[str, Spread] = field(default_factory=dict)
    flood: Flood | None = None
    old: int = 0
    idle_over_s: float = 0.0
    idle: dict[str, float] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """What is worse than it may be."""
        found = [f"{way}: too late" for way, ms in self.soon.items() if ms.worst > 1000 * LIMIT_S]
        if self.flood is not None:
            said = {"lost": self.flood.lost, "made twice": self.flood.twice, "out of order": self.flood.late}
            found += [f"{number} of {self.flood.pairs} {what}" for what, number in said.items() if number]
        found += [f"{what}: the daemon does not rest" for what, cpu in self.idle.items() if cpu > LIMIT_IDLE]
        return found

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"wrong": self.wrong}


def measure(
    clip: Path, folder: Path, plan: Plan, chance: random.Random, tell: Callable[[str], None]
) -> Figures:
    """In two folders inside `folder`."""
    figures = Figures(plan.settle_s)
    arrivals, rest = Watched(folder / "arrivals", plan.settle_s), Watched(folder / "rest", plan.settle_s)
    try:
        _arrivals(arrivals, Hand(arrivals, clip.read_bytes()), plan, chance, figures, tell)
        _rest(rest, plan, figures, tell)
    finally:
        arrivals.close()
        rest.close()
    return figures


# ---------------------------------------------------------------- what is dropped


class Hand:
    """Drops pairs, each with a script of its own. What it does ends with the last byte of a pair."""

    def __init__(self, watched: Watched, clip: bytes, large: int = LARGE) -> None:
        self._watched, self._clip = watched, clip
        self._numbers = itertools.count()
        # A box that players skip makes any clip as large as one likes.
        self._large = clip + large.to_bytes(4, "big") + b"free" + os.urandom(large - 8)

    def clip_last(self) -> None:
        self.clip(self.script())

    def script_last(self) -> None:
        number = next(self._numbers)
        self.clip(number)
        self._script(self._watched.inbox, number)

    def folder(self) -> None:
        number = next(self._numbers)
        aside = self._watched.aside / str(number)
        aside.mkdir()
        self._script(aside, number)
        (aside / "clip.mp4").write_bytes(self._clip)
        aside.rename(self._watched.inbox / aside.name)

    def large_clip(self) -> None:
        number = self.script()
        (self._watched.inbox / f"{number}.mp4").write_bytes(self._large)

    def script(self) -> int:
        """Returns the number of the pair."""
        number = next(self._numbers)
        self._script(self._watched.inbox, number)
        return number

    def clip(self, number: int) -> Path:
        path = self._watched.inbox / f"{number}.mp4"
        path.write_bytes(self._clip)
        return path

    def _script(self, folder: Path, number: int) -> None:
        (folder / f"{number}.txt").write_text(label(number), "utf-8")


def label(number: int) -> str:
    """The script, and so what a list shows for the job."""
    return f"This is piece number {number}."


# ---------------------------------------------------------------- how soon


def _arrivals(
    watched: Watched,
    hand: Hand,
    plan: Plan,
    chance: random.Random,
    figures: Figures,
    tell: Callable[[str], None],
) -> None:
    tell("Dropping a pair, the first one after a start, again and again …")
    cold = []
    for _ in range(min(COLD, plan.times) - 1):
        with watched.running(held=True):
            cold.append(_one(watched, hand.clip_last))
    with watched.running(held=True) as daemon:
        cold.append(_one(watched, hand.clip_last))
        figures.soon["the first one"] = Spread.of(cold)
        ways = {
            "clip last": hand.clip_last,
            "script last": hand.script_last,
            "a folder, moved in": hand.folder,
            f"a clip of {LARGE / 1e6:.0f} MB": hand.large_clip,
        }
        for way, drop in ways.items():
            tell(f"Dropping one after the other: {way} …")
            figures.soon[way] = _one_by_one(watched, drop, plan.times, chance)
        tell(f"Dropping {plan.pairs} pairs at once …")
        figures.flood = _flood(watched, daemon, hand, plan.pairs, chance)
        tell("Dropping one after the other while videos are made …")
        daemon.release()
        daemon.until(lambda: daemon.status()["job"], PATIENCE_S)
        figures.soon["while a video is made"] = _one_by_one(watched, hand.clip_last, plan.times, chance)


def _one_by_one(watched: Watched, drop: Way, times: int, chance: random.Random) -> Spread:
    late = []
    for _ in range(times):
        time.sleep(chance.uniform(0, STEP_S))
        late.append(_one(watched, drop))
    return Spread.of(late)


def _one(watched: Watched, drop: Way) -> float:
    """Seconds from the last byte until its job is in line, `settle` taken off."""
    before = watched.queue.count()
    drop()
    written = time.monotonic()
    watched.until_in_line(before + 1, PATIENCE_S)
    return time.monotonic() - written - watched.settle_s


# ---------------------------------------------------------------- how much at once


def _flood(watched: Watched, daemon: Daemon, hand: Hand, pairs: int, chance: random.Random) -> Flood:
    """First all scripts, then the clips in another order: in that one the jobs have to come."""
    before, workers = watched.queue.count(), (daemon.pid, daemon.host("door"))
    cpu_s = [processes.cpu_s(pid) for pid in workers]
    began = time.monotonic()
    numbers = [hand.script() for _ in range(pairs)]
    chance.shuffle(numbers)
    complete = {label(number): hand.clip(number).stat().st_ctime_ns for number in numbers}
    written = time.monotonic()
    watched.until_in_line(before + pairs, PATIENCE_S + pairs, look_s=0.1)
    in_line = time.monotonic()
    used_s = [processes.cpu_s(pid) - at for pid, at in zip(workers, cpu_s, strict=True)]
    time.sleep(watched.settle_s + LIMIT_S)  # would there be one too many?
    rows = sorted(watched.queue.list(watched.queue.count() - before), key=lambda row: row.place)
    first, last = (dt.datetime.fromisoformat(rows[at].created_at).timestamp() for at in (0, -1))
    lost, twice, late = judged([row.label for row in rows], complete)
    return Flood(
        pairs=pairs,
        written_s=written - began,
        in_line_s=in_line - written,
        jobs_a_second=(pairs - 1) / (last - first) if last > first else 0.0,
        lost=lost,
        twice=twice,
        late=late,
        daemon_cpu_s=used_s[0],
        door_cpu_s=used_s[1],
    )


def judged(line: Sequence[str], complete: Mapping[str, int]) -> tuple[int, int, int]:
    """lost, twice and late of a Flood. line: the jobs' labels. complete: label → when it was; equal times are
    in order either way."""
    times = [complete[label] for label in line if label in complete]
    late = sum(at < latest for at, latest in zip(times, itertools.accumulate(times, max), strict=True))
    return len(complete.keys() - set(line)), len(line) - len(set(line)), late


# ---------------------------------------------------------------- what it costs to watch


def _rest(watched: Watched, plan: Plan, figures: Figures, tell: Callable[[str], None]) -> None:
    """The same daemon throughout: without an inbox, with one, and with one in which things wait."""
    figures.old, figures.idle_over_s = plan.old, plan.idle_s
    invent(watched.inbox, NAME, watched.config, watched.queue, plan.old)
    watched.configure(inbox=False)
    with watched.running(held=False) as daemon:
        figures.idle["no inbox"] = _idle(daemon, plan.idle_s, tell)
        watched.configure(inbox=True)
        daemon.reload()
        figures.idle[f"{plan.old} files in done/"] = _idle(daemon, plan.idle_s, tell)
        for number in range(HELD):
            (watched.inbox / f"{number}.txt").write_text(label(number), "utf-8")
        daemon.until(lambda: len(daemon.inboxes()[0]["held"]) == HELD, PATIENCE_S)
        figures.idle[f"and {HELD} scripts that wait"] = _idle(daemon, plan.idle_s, tell)


def _idle(daemon: Daemon, idle_s: float, tell: Callable[[str], None]) -> float:
    """Share of a core."""
    daemon.until(lambda: daemon.is_ready, PATIENCE_S)
    tell(f"Watching it idle for {idle_s:.0f} s …")
    time.sleep(WARM_S)
    before, began = processes.cpu_s(daemon.pid), time.monotonic()
    time.sleep(idle_s)
    return (processes.cpu_s(daemon.pid) - before) / (time.monotonic() - began)


# ---------------------------------------------------------------- for a person


def report(figures: Figures, tell: Callable[[str], None]) -> None:
    """One figure a line."""
    tell(f"from the last byte until it is in line, beyond the {figures.settle_s:g} s of `settle`:")
    for way, ms in figures.soon.items():
        spread = f"median {ms.median:.0f} ms, 99 % under {ms.p99:.0f} ms, worst {ms.worst:.0f} ms"
        tell(f"  {way + ':':<28} {spread}")
    if figures.flood is not None:
        _report_flood(figures.flood, tell)
    tell(f"an idle daemon, its hosts apart, of a core over {figures.idle_over_s:.0f} s:")
    least = next(iter(figures.idle.values()), 0.0)
    for what, cpu in figures.idle.items():
        more = f" ({cpu - least:+.2%})" if cpu is not least else ""
        tell(f"  {what + ':':<28} {cpu:.2%}{more}")
    for complaint in figures.wrong:
        tell(f"too much: {complaint}")


def _report_flood(flood: Flood, tell: Callable[[str], None]) -> None:
    tell(f"{flood.pairs} pairs at once, written in {flood.written_s:.1f} s:")
    lines = {
        "all in line": f"{flood.in_line_s:.1f} s after the last byte, {flood.jobs_a_second:.1f} a second",
        "lost, twice, out of order": f"{flood.lost}, {flood.twice}, {flood.late}",
        "processor time": f"daemon {flood.daemon_cpu_s:.1f} s, door {flood.door_cpu_s:.1f} s",
    }
    for heading, told in lines.items():
        tell(f"  {heading + ':':<28} {told}")
