"""What can happen around the hosts: to the database, the disk, the clock, the event loop, to Telegram."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.benches.faults import clock, disk, inside
from daemon.benches.faults.botapi import TOKEN, BotApi
from daemon.benches.faults.case import Case, Scene
from daemon.benches.faults.hosts import LIPS, both_ended
from daemon.jobs import State
from models.errors import StageFailed

DATABASE_S = 4.0  # in place of half a minute
LOCKED_S = 12.0  # longer than any statement of the daemon waits for the lock
DISK_S = 5.0  # between two looks
LOOP_S = 3.0
TELEGRAM_S = 5.0  # in place of minutes
DAY_S = 86400.0

_LOCK = """import sqlite3, sys, time
with sqlite3.connect(sys.argv[1], isolation_level=None) as raw:
    raw.execute("BEGIN IMMEDIATE")
    print(flush=True)
    sys.stdin.read()
"""


def in_lipsync(scene: Scene) -> None:
    scene.living.until_stage(scene.job, "lipsync")


# ---------------------------------------------------------------- the database


class Lock:
    """Another process keeps the database locked."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[bytes] | None = None

    def strike(self, scene: Scene) -> None:
        in_lipsync(scene)
        database = str(scene.living.house.config.database)
        self._holder = subprocess.Popen(
            [sys.executable, "-c", _LOCK, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        scene.struck()

    def lift(self, scene: Scene) -> None:
        scene.wait(LOCKED_S)
        assert self._holder is not None
        self._holder.communicate()


def database_case() -> Case:
    lock = Lock()
    return Case(
        "database",
        "database locked by another process",
        DATABASE_S,
        lock.strike,
        lambda scene: scene.unwell("database"),
        lift=lock.lift,
        orders=(LIPS,),
        settings={
            "daemon.health.database_probe:BUDGET_S": DATABASE_S,
            "daemon.health.database_probe:EVERY_S": 1.0,
            "daemon.health.database_probe:BUSY_S": 0.5,
        },
    )


# ---------------------------------------------------------------- the disk


def disk_case() -> Case:
    own = disk.Disk()
    return Case(
        "disk",
        "disk full",
        DISK_S,
        fill,
        lambda scene: scene.unwell("disk") or scene.status_why(),
        lift=lambda scene: disk.empty(scene.living.house.config.data_dir),
        working=both_ended,
        orders=(LIPS,),
        house=own.house,
        end=own.end,
        job=(State.DONE, "disk_full"),
    )


def fill(scene: Scene) -> None:
    in_lipsync(scene)
    disk.fill(scene.living.house.config.data_dir)
    scene.struck()


# ---------------------------------------------------------------- the clock


def clock_case(name: str, what: str, days: float) -> Case:
    def jump(scene: Scene) -> None:
        in_lipsync(scene)
        clock.set_to(scene.living.house.folder, days * DAY_S)
        scene.struck()

    def jumped(scene: Scene) -> None:
        if not clock.was_seen(scene.living.house.said(), days * DAY_S):
            raise StageFailed("The daemon has not seen the clock jump: this says nothing")
        if unwell := scene.living.unwell():
            raise StageFailed(f"A jump of the clock made something unwell: {unwell}")

    return Case(name, what, 1.0, jump, None, orders=(LIPS,), house=clock.own, ending=jumped)


# ---------------------------------------------------------------- the event loop


def block(scene: Scene) -> None:
    in_lipsync(scene)
    (scene.living.house.orders / inside.BLOCKED).touch()
    scene.struck()
    os.kill(scene.living.pid, inside.BLOCK)


def unblock(scene: Scene) -> None:
    """What a person or a timer sees meanwhile: down."""
    said = scene.living.vigentd("health")
    (scene.living.house.orders / inside.BLOCKED).unlink()
    if said.returncode != 2:
        raise StageFailed(f"`vigentd health` ended with {said.returncode}: {said.stdout}{said.stderr}")


def loop_case() -> Case:
    return Case(
        "loop-blocked",
        "event loop blocked",
        LOOP_S,
        block,
        lambda scene: scene.unwell("loop"),
        lift=unblock,
        working=lambda scene: scene.living.answers() and not scene.unwell("loop") and scene.further(),
        orders=(LIPS,),
        settings={"daemon.health.monitor:LOOP_S": LOOP_S, "daemon.health.monitor:EVERY_S": 0.5},
    )


# ---------------------------------------------------------------- Telegram


def telegram_case() -> Case:
    api = BotApi()

    def house(_: Path) -> dict[str, Any]:
        api.up()
        return {"configured": f'telegram.token = "{TOKEN}"\ntelegram.base_url = "{api.base_url}"\n'}

    def strike(scene: Scene) -> None:
        scene.living.until(lambda: api.polls > 1, 30, "nobody polled Telegram")
        api.down()
        scene.struck()

    def lift(scene: Scene) -> None:
        scene.living.until(lambda: both_ended(scene), 60, "the jobs had not ended without Telegram")
        api.up()

    return Case(
        "telegram",
        "Telegram down",
        TELEGRAM_S,
        strike,
        lambda scene: scene.unwell("telegram"),
        lift=lift,
        working=lambda scene: not scene.unwell("telegram"),
        orders=(LIPS,),
        settings={
            "handlers.telegram.life:PASSING_S": TELEGRAM_S,
            "handlers.telegram.life:BUDGET_S": TELEGRAM_S,
        },
        house=house,
        end=api.down,
    )


MAKERS: tuple[Callable[[], Case], ...] = (
    database_case,
    disk_case,
    lambda: clock_case("clock-forward", "clock jumps a day forward", 1.0),
    lambda: clock_case("clock-back", "clock jumps a day back", -1.0),
    loop_case,
    telegram_case,
)
CASES: tuple[Case, ...] = tuple(make() for make in MAKERS)
