"""How an inbox is: what it waits for, and a look that does not end."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config, InboxSettings
from daemon.health.component import Component
from daemon.queue import Queue
from handlers.inbox import inbox
from handlers.inbox.house import House
from handlers.inbox.inboxes import Inboxes
from handlers.inbox.look.scan import Mark, scan
from tests.daemon.health.kit import Clock, pass_by
from tests.database_kit import lay_database
from tests.handlers.inbox.inbox_kit import HereDoor
from tests.log_kit import Written


class Stand:
    """Two inboxes."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "desk"
        settings = tuple(InboxSettings(name=name, path=folder / name) for name in ("desk", "other"))
        config = Config(data_dir=folder / "data", inbox=settings)
        lay_database(config.database)
        self.queue = Queue(config.database)
        self.inboxes = Inboxes(House(config, self.queue, HereDoor(), Written()))

    def health(self, name: str = "desk") -> Component:
        (found,) = (one for one in self.inboxes.health() if one.name == f"inbox:{name}")
        return found

    def until(self, seen: Callable[[Component], bool]) -> Component:
        until = time.monotonic() + 20
        while not seen(found := self.health()):
            assert time.monotonic() < until, found
            time.sleep(0.02)  # it is not told
        return found


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path)
    yield stand
    stand.inboxes.stop()
    stand.queue.close()


def test_its_folder_is_touched_by_its_own_thread_only(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that is away answers no `stat`: the daemon would never be ready, nor be configured anew."""
    me, touched = threading.get_ident(), []

    def watched(name: str) -> None:
        real = getattr(os, name)

        def call(path: Any, *more: Any, **named: Any) -> Any:
            if threading.get_ident() == me and str(path).startswith(str(stand.root)):
                touched.append(path)
            return real(path, *more, **named)

        monkeypatch.setattr(os, name, call)

    for name in ("stat", "lstat", "open", "access", "mkdir", "scandir"):
        watched(name)
    stand.inboxes.start()
    list(stand.inboxes.health())
    stand.inboxes.job_left()
    assert not touched


def test_an_inbox_that_looks_is_well_and_its_troubles_are_its_own(stand: Stand) -> None:
    stand.inboxes.start()
    well = stand.until(lambda found: found.state == "idle" and stand.root.is_dir())
    assert well.well and not well.vital and well.facts["way"] == "inotify"
    stand.until(lambda _: (stand.root / ".work").is_dir())
    shutil.rmtree(stand.root)
    away = stand.until(lambda found: found.trouble == f"The inbox {stand.root} is gone")
    assert away.facts["away"] and away.hint
    assert away.state == "idle" and stand.health("other").well
    stand.root.mkdir()
    assert stand.until(lambda found: found.well).state == "idle"


def test_a_look_that_hangs_is_a_stall_of_this_one_alone(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a dead network disk, which answers nothing."""
    clock, reached, go_on = Clock(), threading.Event(), threading.Event()

    def hangs(root: Path, ours: Any) -> Any:
        if root == stand.root:
            reached.set()
            go_on.wait(30)
        return scan(root, ours)

    monkeypatch.setattr(inbox, "scan", hangs)
    stand.inboxes.start()
    assert reached.wait(20)
    desk = stand.inboxes._inboxes["desk"]
    desk._heart = type(desk._heart)(clock)  # only whoever asks has this clock
    try:
        assert pass_by(inbox.BUDGET_S, clock, lambda: [desk.health()]).well
        late = pass_by(1, clock, lambda: [desk.health()])
        assert late.state == "stalled" and "could not be looked at for 181 s" in late.trouble
        assert stand.health("other").well
    finally:
        go_on.set()


def test_looking_through_very_many_files_is_no_stall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry takes a minute on this share."""
    lay_database(tmp_path / "data" / "vigentd.db")
    clock = Clock()
    settings = InboxSettings(name="desk", path=tmp_path / "desk")
    config = Config(data_dir=tmp_path / "data", inbox=(settings,))
    settings.path.mkdir()
    for number in range(20):
        (settings.path / f"{number}.txt").touch()
    queue = Queue(config.database)
    one = inbox.Inbox(settings, House(config, queue, HereDoor(), Written(), clock=clock))
    states: list[str] = []

    def slow(root: Path, ours: Any) -> Any:
        with monkeypatch.context() as slowly:
            slowly.setattr(
                "handlers.inbox.look.scan.Mark", _Slowly(lambda: states.append(_minute(one, clock)))
            )
            found = scan(root, ours)
        one.leave()
        return found

    monkeypatch.setattr(inbox, "scan", slow)
    one.run()
    queue.close()
    assert len(states) >= 20 and set(states) == {"idle"}


def _minute(one: inbox.Inbox, clock: Clock) -> str:
    return pass_by(60, clock, lambda: [one.health()]).state


class _Slowly:
    def __init__(self, wait: Callable[[], None]) -> None:
        self._wait = wait

    def of(self, there: Any) -> Any:
        self._wait()
        return Mark.of(there)
