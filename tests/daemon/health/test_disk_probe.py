"""The disk probe: too little room, a disk that is gone, and one that does not answer."""

from __future__ import annotations

import threading
from pathlib import Path

from daemon.config import Config
from daemon.disk.housekeeping import watermark
from daemon.health.disk_probe import disk_probe
from tests.daemon.health.kit import Clock, pass_by
from tests.log_kit import Written


def test_too_little_room_is_a_trouble_of_its_own_words_and_no_stall(config: Config) -> None:
    clock, free = Clock(), [watermark(config)]
    probe = disk_probe(lambda: config, Written(), clock, lambda _: free[0])
    enough = pass_by(1, clock, probe.health, probe.look)
    assert enough.well and not enough.vital and enough.facts == {"free": free[0], "needed": free[0]}
    free[0] -= 1
    little = pass_by(100, clock, probe.health, probe.look)
    assert little.state == "idle" and little.trouble.startswith("Only ") and "clean" in little.hint
    assert little.age_s == 0  # it was looked at


def test_the_configuration_of_now_counts(config: Config) -> None:
    now = [config]
    probe = disk_probe(lambda: now[0], Written(), Clock(), lambda _: watermark(config))
    probe.look()
    assert next(iter(probe.health())).well
    more = config.disk.model_copy(update={"min_free": 10 * watermark(config)})
    now[0] = config.model_copy(update={"disk": more})
    probe.look()
    assert not next(iter(probe.health())).well


def test_the_real_disk_answers_and_a_folder_that_is_gone_is_told(config: Config) -> None:
    probe = disk_probe(lambda: config, Written())
    probe.look()
    assert "No such file" in next(iter(probe.health())).trouble
    config.data_dir.mkdir()
    probe.look()
    assert next(iter(probe.health())).facts["free"] > 0


def test_a_disk_that_does_not_answer_is_a_stall_and_nobody_else_waits(config: Config) -> None:
    clock, asked, go_on = Clock(), threading.Event(), threading.Event()

    def dead(_: Path) -> int:
        asked.set()
        go_on.wait()
        return 2**50

    probe = disk_probe(lambda: config, Written(), clock, dead)
    probe.start()
    assert asked.wait(60)
    assert pass_by(30, clock, probe.health).well
    late = pass_by(1, clock, probe.health)
    assert late.state == "stalled" and "does not answer" in late.trouble and not late.vital
    go_on.set()
    probe.close()
