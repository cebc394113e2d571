"""What can happen to a host, and to the ffmpeg that it has started."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

from daemon.benches import processes
from daemon.benches.faults import group
from daemon.benches.faults.case import LONG, Case, Scene
from daemon.benches.faults.house import Living
from daemon.benches.faults.inside import Order
from models.errors import StageFailed

BUDGET_S = 3.0  # of a stage, in place of minutes
AT_ONCE_S = 1.0  # in which the end of a process is to be noticed
LOAD_S = 6.0  # of loading, in place of many minutes
STEADY_S = 1.2  # between the steps of slow work that lasts for twelve budgets and more: an hour, in real ones
STEADY_STEPS = 27
STEADY_BUDGET_S = 2.5
THIS_JOB = LONG[:20]
# So that there is time to strike: a small picture is made in no time.
LIPS = Order("make:lipsync", "slow", script=THIS_JOB, every_s=0.01)
VIDEO = Order("make:compose", "slow", script=THIS_JOB, every_s=0.03)
MB = 2**20
SHORT_BUDGETS = {
    "models.budgets:LIPSYNC": BUDGET_S,
    "models.budgets:COMPOSE": BUDGET_S,
    "models.budgets:LOADING.lipsync": LOAD_S,
}


def stop(scene: Scene) -> None:
    """SIGSTOP: it is there, and does nothing."""
    scene.living.until_stage(scene.job, "lipsync")
    scene.struck()
    os.kill(scene.living.host("lipsync"), signal.SIGSTOP)


def stop_idle(living: Living) -> None:
    os.kill(living.host("lipsync"), signal.SIGSTOP)


def until_asked(scene: Scene) -> None:
    """It is stopped already, and now it is missed."""
    scene.living.until_stage(scene.job, "lipsync")
    scene.struck()


def kill(scene: Scene) -> None:
    scene.living.until_stage(scene.job, "lipsync")
    scene.struck()
    os.kill(scene.living.host("lipsync"), signal.SIGKILL)


def starve(scene: Scene) -> None:
    """It may not have much more memory than it has; then it wants more (inside.py)."""
    scene.living.until_stage(scene.job, "lipsync")
    host = scene.living.host("lipsync")
    with group.limited(host, processes.rss(host) + 64 * MB):
        scene.until_carried_out()
        scene.living.until(lambda: not processes.rss(host), 30, "it was not killed for its memory")
    scene.struck()


def hang_ffmpeg(scene: Scene, *, stage: str) -> None:
    """SIGSTOP of the encoder, while the job is in that stage. Before its turn it is not missed."""
    scene.living.until_stage(scene.job, stage)
    scene.living.until(scene.living.ffmpeg, 30, "no ffmpeg ran")
    os.kill(scene.living.ffmpeg(), signal.SIGSTOP)
    scene.living.until_stage(scene.job, "compose")
    scene.struck()


def carried_out(scene: Scene) -> None:
    scene.until_carried_out()


def host_told(scene: Scene, host: str = "lipsync") -> str:
    told = ("host_ladder", "host_gone", "host_not_loaded")
    return scene.unwell(f"host:{host}") or scene.logged(*told, host=host)


def encoder_told(scene: Scene) -> str:
    """It is ended and the video is made again, or the whole host is replaced."""
    return scene.job_logged("early_dropped", "process_gone") or host_told(scene, "media")


def waits(scene: Scene) -> bool:
    """Jobs wait, and who asks is told why."""
    return "cannot be loaded" in scene.status_why()


def was_slow(scene: Scene) -> None:
    """And was let be."""
    if taken_for_stuck := scene.logged("host_ladder"):
        raise StageFailed(f"Slow work was taken for stuck work: {taken_for_stuck}")
    worked_s = scene.living.house.row(scene.job).timings.get("lipsync", 0.0)
    if worked_s < STEADY_STEPS * STEADY_S:
        raise StageFailed(f"The work took {worked_s:.0f} s only: it was not slow")


def dumped(scene: Scene) -> None:
    """Where it was stuck stands in its log."""
    log = scene.living.house.config.logs / "host-lipsync.log"
    if "in _carry_out" not in log.read_text("utf-8", "replace"):
        raise StageFailed(f"{log.name} does not say where the host was stuck")


def both_ended(scene: Scene) -> bool:
    return scene.living.finished(scene.job, scene.other)


def _host(name: str, what: str, strike: Callable[[Scene], None], *orders: Order, **more: object) -> Case:
    given: dict[str, object] = {
        "budget_s": BUDGET_S,
        "settings": SHORT_BUDGETS,
        "found": host_told,
        "orders": orders,
        "starts": {"lipsync": 1},
    }
    return Case(name, what, strike=strike, **(given | more))  # type: ignore[arg-type]


CASES = (
    _host("stopped", "host stopped (SIGSTOP)", stop, LIPS),
    _host(
        "stopped-idle",
        "host stopped while it had nothing to do",
        until_asked,
        settings=SHORT_BUDGETS | {"models.budgets:ASKED": BUDGET_S},
        before=stop_idle,
    ),
    _host("killed", "host killed (SIGKILL)", kill, LIPS, budget_s=AT_ONCE_S),
    _host(
        "loop",
        "host in an endless loop in C",
        carried_out,
        Order("make:lipsync", "loop"),
        ending=dumped,
    ),
    _host(
        "loop-again",
        "the same job again and again",
        carried_out,
        Order("make:lipsync", "loop", times=9, script=THIS_JOB),
        job=("job_stalled",),
        working=both_ended,
        starts={"lipsync": 2},
    ),
    _host(
        "memory-refused",
        "host is refused memory (MemoryError)",
        carried_out,
        Order("make:lipsync", "refused"),
        budget_s=AT_ONCE_S,
        found=lambda scene: scene.job_logged("process_gone"),
    ),
    _host(
        "memory-killed",
        "host killed for its memory",
        starve,
        LIPS,
        Order("make:lipsync", "eat", after=60),
        budget_s=AT_ONCE_S,
    ),
    _host(
        "load-exit",
        "host exits while it loads, twice",
        carried_out,
        Order("load:lipsync", "exit", times=2),
        budget_s=AT_ONCE_S,
        loaded=False,
        starts={"lipsync": 2},
    ),
    _host(
        "load-never",
        "host exits whenever it loads",
        carried_out,
        Order("load:lipsync", "exit", times=99),
        budget_s=AT_ONCE_S,
        loaded=False,
        working=waits,
        job=(),
        starts={"lipsync": 99},
    ),
    _host(
        "load-hang",
        "host hangs while it loads",
        carried_out,
        Order("load:lipsync", "sleep"),
        budget_s=LOAD_S,
        loaded=False,
    ),
    _host(
        "slow",
        "host slow, deaf and steady",
        until_asked,
        Order("make:lipsync", "slow", script=THIS_JOB, every_s=STEADY_S, steps=STEADY_STEPS),
        budget_s=STEADY_BUDGET_S,
        settings={"models.budgets:LIPSYNC": STEADY_BUDGET_S},
        found=None,
        working=both_ended,
        starts={},
        ending=was_slow,
    ),
    _host(
        "ffmpeg-early",
        "ffmpeg hangs, begun early",
        partial(hang_ffmpeg, stage="lipsync"),
        LIPS,
        VIDEO,
        found=encoder_told,
        starts={"media": 1},
    ),
    _host(
        "ffmpeg",
        "ffmpeg hangs in its turn",
        partial(hang_ffmpeg, stage="compose"),
        VIDEO,
        found=encoder_told,
        starts={"media": 1},
    ),
)
