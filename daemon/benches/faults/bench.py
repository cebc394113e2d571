"""All faults, one after the other, each in a daemon of its own; and the table of what became of them."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.benches.faults import around, hosts
from daemon.benches.faults.case import Case, Row, chosen, run
from daemon.version import installed_version

if TYPE_CHECKING:
    from rich.table import Table

CASES: tuple[Case, ...] = (*hosts.CASES, *around.CASES)


@dataclass
class Outcome:
    """machine: what all this ran on."""

    machine: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        rows = [row.as_dict() for row in self.rows]
        return {"machine": self.machine, "seconds": round(self.seconds, 1), "ok": self.ok, "faults": rows}


def measure(clip: Path, folder: Path, only: Sequence[str], tell: Callable[[str], None]) -> Outcome:
    """In data folders of their own inside `folder`. Raises BadInput when a fault is not known."""
    outcome, began = Outcome(machine()), time.monotonic()
    for case in chosen(CASES, only):
        tell(f"{case.name}: {case.what} …")
        row = run(case, folder / case.name, clip)
        outcome.rows.append(row)
        for wrong in row.wrong:
            tell(f"  {wrong}")
    outcome.seconds = time.monotonic() - began
    return outcome


def machine() -> str:
    python = f"Python {platform.python_version()}"
    return f"vigentd {installed_version()}, {python}, {platform.system()} {platform.release()}, {_cpu()}"


def _cpu() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return f"{len(os.sched_getaffinity(0))} cores ({model})"


def report(outcome: Outcome) -> None:
    """For a person."""
    from daemon.commands.terminal import console

    shown = console()
    shown.print(f"{outcome.machine}, {outcome.seconds:.0f} s", soft_wrap=True)
    shown.print(_table(outcome.rows))
    for row in outcome.rows:
        for wrong in row.wrong:
            shown.print(f"{row.fault}: {wrong}", soft_wrap=True, markup=False)


def _table(rows: Sequence[Row]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("fault", "budget s", "found s", "how it was told", "works again s", "job", "next job"):
        table.add_column(heading, justify="right" if heading.endswith(" s") else "left")
    table.add_column("false restarts", justify="right")
    table.add_column("")
    for row in rows:
        if row.skipped:
            table.add_row(row.what, "", "", f"skipped: {row.skipped}")
            continue
        found = "" if row.found_s is None else f"{row.found_s:.1f}"
        again = "" if row.working_s is None else f"{row.working_s:.1f}"
        verdict = "ok" if row.ok else "WRONG"
        what = (row.what, f"{row.budget_s:.0f}", found, row.how[:60], again, row.job, row.others)
        table.add_row(*what, str(row.false), verdict)
    return table
