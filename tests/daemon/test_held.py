"""A person who does not look at the terminal learns that nothing is made; not of every short wait."""

from __future__ import annotations

from daemon.alarms import Alarms, Notice
from daemon.held import PATIENCE_S, Held


class Watch:
    def __init__(self) -> None:
        self.now = 0.0
        self.notices: list[Notice] = []
        self.held = Held(Alarms(self.notices.append, lambda: self.now), lambda: self.now)

    def look(self, kind: str, why: str, seconds: float = 0.0) -> None:
        self.now += seconds
        self.held.look(kind, why)


def test_what_lasts_is_told_and_so_is_its_end() -> None:
    watch = Watch()
    watch.look("disk", "Only 9 MB are free")
    watch.look("disk", "Only 8 MB are free", PATIENCE_S - 1)
    assert watch.notices == []
    watch.look("disk", "Only 7 MB are free", 1)
    watch.look("disk", "Only 6 MB are free", 1)
    assert [notice.message for notice in watch.notices] == ["The jobs wait: Only 7 MB are free"]
    assert "vigentd clean" in watch.notices[0].hint
    watch.look("", "", 1)
    assert [(notice.key, notice.over) for notice in watch.notices] == [
        ("held:disk", False),
        ("held:disk", True),
    ]


def test_a_load_of_minutes_is_no_alarm_and_its_words_may_change() -> None:
    watch = Watch()
    watch.look("engine", "The lip-sync engine is loading")
    watch.look("engine", "The speech engine is loading", PATIENCE_S / 2)
    watch.look("", "", PATIENCE_S / 4)
    watch.look("engine", "The speech engine is loading", PATIENCE_S)
    assert watch.notices == []
    watch.look("engine", "The speech engine cannot be loaded", PATIENCE_S)
    assert [notice.key for notice in watch.notices] == ["held:engine"]


def test_an_engine_that_is_compiled_for_long_is_no_alarm() -> None:
    """On a slow machine that lasts for three times the four minutes of a fast one."""
    watch = Watch()
    for _ in range(12):
        watch.look("loading", "The lip-sync engine is loading", 60)
    assert watch.notices == []
    watch.look("loading", "The lip-sync engine is loading", 3600)
    assert [notice.key for notice in watch.notices] == ["held:loading"]


def test_another_reason_is_another_alarm() -> None:
    watch = Watch()
    watch.look("disk", "It is full")
    watch.look("disk", "It is full", PATIENCE_S)
    watch.look("engine", "It does not load", 1)
    assert [notice.over for notice in watch.notices] == [False, True]
    watch.look("engine", "It does not load", PATIENCE_S)
    assert watch.notices[-1].key == "held:engine" and not watch.notices[-1].over
