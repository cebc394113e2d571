"""One watched folder, from the first look to the last word about what was dropped there.

A look: is the folder there → what was taken up goes on → what lies there, what of it is complete, what
belongs together → it is taken up, in the order in which it was completed. Events of the file system
only say when to look next; each look finds what there is to do in the folder and in the database.
"""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

from daemon.config import InboxSettings
from daemon.disk.housekeeping import room
from daemon.health.component import Component, State
from daemon.health.heart import Heart
from handlers.inbox.bundles.bundle import Bundle
from handlers.inbox.bundles.sorting import Sorted, sort_out
from handlers.inbox.contents import batch
from handlers.inbox.course import Course, told
from handlers.inbox.house import House
from handlers.inbox.ledger import Ledger
from handlers.inbox.look.root import Root
from handlers.inbox.look.scan import Found, Mark, scan
from handlers.inbox.look.tracker import Tracker
from handlers.inbox.look.watcher import Watcher
from handlers.inbox.names import shown
from handlers.inbox.places import Places
from handlers.inbox.reception import Reception, Wait
from handlers.inbox.results.departure import Departure
from handlers.inbox.taker import Taker
from handlers.inbox.waiting import Waiting
from models.beats import beat, heard
from models.errors import VigentdError

IDLE_S = 0.5  # between two looks while nothing happens; into folders within, no event comes from there
BUSY_S = 0.2  # while something is being written
GAP_S = 0.05  # at least, however many events there are
AWAY_S = 1.0
FAULT_S = 5.0
SHARE = 500  # an idle inbox spends no more than this part of the time looking; a busy one, a tenth
LONGEST_S = 60.0  # without a look at all that lies there
BUDGET_S = 180.0  # without a look, a file looked at, or a piece of one copied
SLICE_S = 1.0  # after so long of taking up, look again at what is being written
FOLDERS = 200  # of so many it is noticed at once that something was put into them


class Inbox:
    """Threads: `run` is one; all else may come from any."""

    def __init__(self, settings: InboxSettings, house: House) -> None:
        self.settings = settings
        self.why = ""  # why something has to wait, or all of it
        self.away = False  # whether its folder is not there, and nothing that is in it
        self._house = house
        self._owner = str(house.config.data_dir)
        self._places = places = Places.of(settings)
        self._ours: frozenset[str] = frozenset()  # known once the folder has answered
        self._ledger = ledger = Ledger(house.queue, house.now)
        self._root = Root(places, house.config.data_dir / "inboxes" / f"{settings.name}.json")
        self._watcher = Watcher(settings.path, settings.poll, self.wake, house.log)
        self._tracker = Tracker(settings.settle)
        self._waiting = Waiting(places, settings.remind, house.now)
        self._taker = Taker(settings.name, places, ledger, self._owner, house.chance, self._tell)
        self._course = Course(
            settings.name,
            places,
            ledger,
            Reception(settings, house.config, ledger, house.door, self._left, house.clock),
            Departure(house.config, house.queue, ledger, settings.name, places),
            house,
            self._tell,
            self._left,
        )
        self._found: dict[str, Found] = {}
        self._named: dict[str, tuple[Mark, frozenset[str]]] = {}  # what each batch names
        self._silent = ""  # why a note could not be written
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._heart = Heart(house.clock)
        self._lives: bool | None = None  # None: not yet

    # ------------------------------------------------------------ from other threads

    def wake(self) -> None:
        """Something may have happened in the folder."""
        self._wake.set()

    def job_left(self) -> None:
        """A job has ended, and perhaps it is one of ours."""
        self._course.look_soon()
        self._wake.set()

    def leave(self) -> None:
        self._leaving.set()
        self._wake.set()

    def _left(self) -> bool:
        return self._leaving.is_set()

    def bring_back(self, job_id: str) -> None:
        """The job is about to be made again: its files have to be where it expects them."""
        keeper = self._ledger.keeper(job_id)
        for name in self._course.bring_back(keeper[0]) if keeper else ():
            self._house.log.warning(
                "inbox_source_gone", inbox=self.settings.name, job=job_id, file=shown(name)
            )

    def brief(self) -> dict[str, Any]:
        """For a list of all; at once."""
        state = "away" if self.away else "waiting" if self.why else "watching"
        return {"name": self.settings.name, "state": state, "why": self.why, "held": self._waiting.number}

    def health(self) -> Component:
        """From memory. What it waits for is its trouble; a look that does not end is a stall."""
        age_s, path = self._heart.age_s(), self.settings.path
        state: State = "loading" if self._lives is None else "idle"
        trouble, hint = self.why, "`vigentd inbox status` says more." if self.why else ""
        if self._lives is False and not self._leaving.is_set():
            state, trouble, hint = "dead", f"The inbox {path} is not looked at any more", "Restart vigentd."
        elif age_s > BUDGET_S:
            state, hint = "stalled", "Does its disk answer? `ls` there shows it."
            trouble = f"The inbox {path} could not be looked at for {age_s:.0f} s"
        facts = {"away": self.away, "way": self._watcher.way, "held": self._waiting.number}
        return Component(f"inbox:{self.settings.name}", state, age_s, BUDGET_S, trouble, hint, facts=facts)

    def status(self) -> dict[str, Any]:
        """As `vigentd inbox status --json` prints it."""
        tracker = self._tracker
        arriving = {shown(name) for name in self._found if not tracker.settled(name)}
        if in_hand := self._taker.in_hand:
            arriving.add(shown(in_hand))
        return {
            **self.brief(),
            "path": str(self.settings.path),
            "way": self._watcher.way,
            "arriving": sorted(arriving),
            "held": self._waiting.as_json(),
            "at_work": self._ledger.at_work(self.settings.name),
            "counts": self._ledger.counts(self.settings.name),
        }

    # ------------------------------------------------------------ the thread

    def run(self) -> None:
        """Until `leave`. Whatever happens, it looks again."""
        self._lives = True
        try:
            with heard(self._heart.beat):
                self._run()
        finally:
            self._lives = False

    def _run(self) -> None:
        self._watcher.start()
        while not self._leaving.is_set():
            beat()
            self._wake.clear()
            pause = self._look_safely()
            self._leaving.wait(GAP_S)
            self._rest(pause)
        self._watcher.stop()

    def _look_safely(self) -> float:
        try:
            pause = self.look()
            whys = (self._course.why, self._presenter_why(), self._silent, self._taker.why(self._found))
            self._say_why(next(filter(None, whys), ""))
        except Wait as e:
            self._say_why(str(e))
            pause = AWAY_S
        except VigentdError as e:
            self._say_why(e.message)
            pause = AWAY_S
        except OSError as e:
            self._say_why(f"The inbox cannot be used: {told(e, self.settings.path)}")
            pause = AWAY_S
        except Exception as e:
            self._house.log.error("inbox_fault", inbox=self.settings.name, error=repr(e), trace=e)
            pause = FAULT_S
        return pause

    def look(self) -> float:
        """Once. Returns after how many seconds to look again. Raises Wait, OSError, VigentdError."""
        clock = self._house.clock
        self._enter()
        self._course.go_on()
        began = clock()
        self._found = scan(self._places.root, self._ours)
        self._tracker.observe(self._found, clock())
        if self._tracker.restless:
            self._house.door.open_door()  # it takes a second to come, and the files a few to settle
        there = self._sort_out()
        self._hold(there)
        cost = clock() - began
        if there.bundles and not self._take_up(there.bundles):
            return 0.0
        return self._pause(cost)

    def _enter(self) -> None:
        try:
            entered = self._root.enter()
        except VigentdError:
            self.away = True
            raise
        self.away = False
        if entered:  # the folder is there for the first time, or again
            self._ours = self._places.ours
            self._tracker = Tracker(self.settings.settle)
            self._taker.cluttered = True
            self._waiting.forget_old_notes()
        if self._taker.cluttered:
            self._course.clear_up(self._owner)
            self._taker.cluttered = False
        self._watcher.check()

    # ------------------------------------------------------------ between two looks

    def _pause(self, cost: float) -> float:
        due = self._tracker.next_at()
        if due is None:
            return min(max(IDLE_S, SHARE * cost), LONGEST_S)
        return max(min(due - self._house.clock(), max(BUSY_S, 10 * cost)), 0.0)

    def _rest(self, pause: float) -> None:
        """Shorter when something happens. With very much in the inbox a whole look is rare; then at least
        the folders are asked whether something was put into them."""
        clock = self._house.clock
        until, before = clock() + pause, self._times() if pause > IDLE_S else ()
        while (left := until - clock()) > 0:
            if self._wake.wait(min(left, IDLE_S)) or (before and self._times() != before):
                return

    def _times(self) -> tuple[tuple[int, int], ...]:
        """Inode and time of change of the inbox and of the folders in it."""
        folders = [name for name, there in self._found.items() if there.entry.kind == "folder"]
        paths = [self._places.root, *(self._places.root / name for name in folders[:FOLDERS])]
        return tuple(map(_time, paths))

    # ------------------------------------------------------------ what lies there

    def _sort_out(self) -> Sorted:
        return sort_out(
            self._found,
            self._tracker.settled,
            self._files_named,
            presenter=self._presenter_why() == "" and self.settings.presenter is not None,
            patient=lambda name: (
                self._house.clock() - self._tracker.first_seen(name)
                < self.settings.settle + self.settings.wait_for_clip
            ),
        )

    def _presenter_why(self) -> str:
        presenter = self.settings.presenter
        if presenter is None or presenter.is_file():
            return ""
        return f"The presenter {presenter} is not there, and scripts that come alone wait for it"

    def _files_named(self, name: str) -> frozenset[str]:
        """By a batch; read once, as long as it does not change."""
        path = self._places.root / name
        try:
            mark = Mark.of(path.lstat())
        except OSError:  # gone meanwhile
            return frozenset()
        known = self._named.get(name)
        if known is None or known[0] != mark:
            known = self._named[name] = mark, batch.files_named(path)
        return known[1]

    def _hold(self, there: Sorted) -> None:
        held = [*there.held, *self._taker.held()]
        came = {
            one.name: dt.datetime.fromtimestamp(self._found[one.name].entry.mark.ctime_ns / 1e9, dt.UTC)
            for one in held
            if one.name in self._found
        }
        self._silent = ""
        try:
            noted = self._waiting.hold(held, came)
        except OSError as e:  # nor does a folder for notes that is full
            self._silent, noted = f"Notes wait to be written: {told(e, self._places.failed)}", []
        for one in noted:
            self._tell("held", name=shown(one.name), because=one.why)

    def _take_up(self, bundles: list[Bundle]) -> bool:
        """In order. False: there are more, but it is time to look again. Raises Wait."""
        until = self._house.clock() + SLICE_S
        for bundle in bundles:
            if self._leaving.is_set():
                return True
            if self._house.clock() > until:
                return False
            if why := room(self._house.config) or self._taker.full():
                raise Wait(why)
            intake = self._taker.take(bundle, self._found)
            if intake is not None:
                self._course.advance(intake)
        return True

    # ------------------------------------------------------------ what is told

    def _tell(self, what: str, **facts: Any) -> None:
        self._house.log.event(f"inbox_{what}", inbox=self.settings.name, **facts)
        self._house.happened({"inbox": self.settings.name, "what": what, **facts})

    def _say_why(self, why: str) -> None:
        if why != self.why:
            self.why = why
            if why:
                self._house.log.warning("inbox_waits", inbox=self.settings.name, because=why)
            else:
                self._house.log.event("inbox_goes_on", inbox=self.settings.name)


def _time(folder: Path) -> tuple[int, int]:
    try:
        there = folder.lstat()
    except OSError:
        return 0, 0
    return there.st_ino, there.st_mtime_ns
