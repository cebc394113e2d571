"""Runs the errands that are in the database: some at a time, again when they broke off, given up with words.

What is to be done follows from the table alone: after a restart the errands are simply still there.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from daemon.chats import Errand
from handlers.telegram.choices import Choices
from handlers.telegram.errands.kinds import KINDS, LANES, Kind, Lane
from handlers.telegram.errands.work import Work
from handlers.telegram.house import House
from handlers.telegram.line import Line
from models.errors import FULL, Cancelled, ProcessDied, StageFailed, Unavailable, VigentdError
from models.wire import HostFault

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
LOOK_EVERY_S = 30.0  # though nobody says that there is something
DEATHS = 3  # of the processes that worked on an errand; then it is given up
TRIES = 6  # of an errand that is worth nothing later
CHOICES_EVERY_S, CHOICES_AGAIN_S = 600.0, 15.0
VOICES_EVERY_S = 3.0  # it is looked whether somebody has saved or removed a voice
TIDY_EVERY_S = 6 * 3600.0


class Errands:
    """choices: what there is to choose from, as the door said last; all empty until then.

    told: called whenever there may be something to send. bot: for files that are to be fetched. kinds: in the
    order in which they go first.
    """

    def __init__(
        self, house: House, bot: Line, told: Callable[[], None], kinds: Mapping[str, Kind] = KINDS
    ) -> None:
        self.choices = Choices()
        self._house = house
        self._bot = bot
        self._told = told
        self._kinds = kinds
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[int, tuple[Lane, asyncio.Task[None]]] = {}  # by the number of the errand
        self._deaths: Counter[int] = Counter()
        self._stopping = False

    def nudge(self) -> None:
        """There may be something to do. From any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Until it is cancelled. Then nothing of it runs any more."""
        self._loop, self._stopping = asyncio.get_running_loop(), False
        threads = ThreadPoolExecutor(sum(LANES.values()) + 2, "errand")
        work = Work(self._house, self._bot, threads, lambda: self._stopping)
        kept = (self._keep_choices(work), self._keep_tidy(work), self._take_over_voices(work))
        upkeep = [asyncio.create_task(task) for task in kept]
        try:
            while True:
                self._wake.clear()
                pause_s = await self._begin(work)
                # Not wait_for: that of Python 3.11 forgets a cancel that comes together with news.
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()
        finally:
            self._stopping = True
            tasks = [*upkeep, *(task for _, task in self._tasks.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(threads.shutdown)

    # ------------------------------------------------------------ which, and when

    async def _begin(self, work: Work) -> float:
        """Begins all that can be begun. Returns the seconds after which to look again."""
        try:
            waiting = await work.look(lambda turn: list(turn.errands.to_do()))
        except Unavailable as e:
            self._house.log.warning("telegram_errands_wait", because=e.message)
            return FIRST_PAUSE_S
        order = list(self._kinds)
        waiting.sort(key=lambda errand: (_place(errand.kind, order), errand.number))
        pause_s = LOOK_EVERY_S
        for errand in waiting:
            assert errand.number is not None
            left_s = self._left_s(errand)
            if left_s > 0:
                pause_s = min(pause_s, left_s)
            elif errand.number not in self._tasks:
                await self._begin_one(work, errand)
        return pause_s

    async def _begin_one(self, work: Work, errand: Errand) -> None:
        kind = self._kinds.get(errand.kind)
        if kind is None:
            self._house.log.warning("telegram_errand_unknown", kind=errand.kind)
            await work.finish(errand)
            return
        busy = sum(lane == kind.lane for lane, _ in self._tasks.values())
        if busy < LANES[kind.lane]:
            assert errand.number is not None
            task = asyncio.create_task(self._do(work, kind, errand.number))
            self._tasks[errand.number] = kind.lane, task

    def _left_s(self, errand: Errand) -> float:
        """Seconds until its time; not more than 0: now."""
        if errand.due_at is None:
            return 0.0
        return (dt.datetime.fromisoformat(errand.due_at) - self._house.now()).total_seconds()

    # ------------------------------------------------------------ one errand

    async def _do(self, work: Work, kind: Kind, number: int) -> None:
        try:
            errand = await work.blocking(self._begun, number)
            if errand is not None:
                await self._attempt(work, kind, errand)
        except VigentdError as e:  # the database: the errand is still there
            self._house.log.warning("telegram_errands_wait", because=e.message)
            await asyncio.sleep(FIRST_PAUSE_S)
        except Exception as e:
            self._house.log.error("telegram_errand_fault", trace=e, number=number)
            await asyncio.sleep(LONGEST_PAUSE_S)
        finally:
            self._tasks.pop(number, None)
            self._wake.set()
            self._told()

    async def _attempt(self, work: Work, kind: Kind, errand: Errand) -> None:
        assert errand.number is not None
        try:
            await kind.do(work, errand)
        except Cancelled as e:
            if not self._stopping:
                await self._later(work, errand, e)
            return
        except ProcessDied as e:
            self._deaths[errand.number] += 1
            if self._deaths[errand.number] < DEATHS:
                await self._later(work, errand, e)
                return
            await self._give_up(work, kind, errand, e)
        except Unavailable as e:
            if kind.patient or errand.attempts < TRIES:
                await self._later(work, errand, e)
                return
            await self._give_up(work, kind, errand, e)
        except VigentdError as e:
            await self._give_up(work, kind, errand, e)
        except OSError as e:
            if e.errno in FULL:
                await self._later(work, errand, Unavailable(f"The disk is full: {e}", code="disk_full"))
                return
            await self._give_up(work, kind, errand, _fault(e))
        except Exception as e:
            await self._give_up(work, kind, errand, _fault(e))
        del self._deaths[errand.number]

    def _begun(self, number: int) -> Errand | None:
        with self._house.ledger.turn() as turn:
            return turn.errands.begun(number)

    async def _later(self, work: Work, errand: Errand, error: VigentdError) -> None:
        pause_s = min(FIRST_PAUSE_S * 2 ** min(errand.attempts - 1, 10), LONGEST_PAUSE_S)
        self._house.log.event("telegram_errand_later", errand=errand.key, in_s=pause_s, because=error.message)

        def put_off() -> None:
            assert errand.number is not None
            with self._house.ledger.turn() as turn:
                turn.errands.later(errand.number, turn.now + dt.timedelta(seconds=pause_s))

        await work.blocking(put_off)

    async def _give_up(self, work: Work, kind: Kind, errand: Errand, error: VigentdError) -> None:
        told = {"errand": errand.key} | error.as_dict()
        if isinstance(error, HostFault) or error.__cause__ is not None:
            self._house.log.error("telegram_errand_failed", trace=error, **told)
        else:
            self._house.log.warning("telegram_errand_failed", **told)
        try:
            await work.finish(errand, lambda turn: kind.given_up(turn, self._house, errand, error))
        except VigentdError:
            raise
        except Exception as e:
            self._house.log.error("telegram_errand_fault", trace=e, errand=errand.key)
            await work.finish(errand)

    # ------------------------------------------------------------ upkeep

    async def _keep_choices(self, work: Work) -> None:
        while True:
            seen = await work.blocking(_changed_at, self._house.config.voices)
            try:
                told = await work.door("choices:choices", {"config": work.config})
                self.choices = Choices.from_json(told)
                pause_s = CHOICES_EVERY_S
            except Exception as e:
                known = e.message if isinstance(e, VigentdError) else repr(e)
                self._house.log.warning("telegram_no_choices", because=known)
                pause_s = CHOICES_AGAIN_S
            await self._until_stale(work, seen, pause_s)

    async def _take_over_voices(self, work: Work) -> None:
        """Of earlier versions, once; until the door has looked at all of them."""
        old, told = self._house.places.old_voices, ""
        while await work.blocking(old.is_dir):
            try:
                asked = {"config": work.config, "old": str(old)}
                left = (await work.door("old_voices:take_over", asked))["left"]
                if left:
                    self._house.log.warning("telegram_voices_left", folder=str(old), left=", ".join(left))
                return
            except Exception as e:
                known = e.message if isinstance(e, VigentdError) else repr(e)
                if known != told:
                    self._house.log.warning("telegram_voices_not_taken", because=known)
                told = known
            await asyncio.sleep(CHOICES_AGAIN_S)

    async def _until_stale(self, work: Work, seen: int, pause_s: float) -> None:
        """Until that time is over, or there are other voices than when it was `seen`."""
        now = asyncio.get_running_loop().time
        until = now() + pause_s
        while (left_s := until - now()) > 0:
            await asyncio.sleep(min(left_s, VOICES_EVERY_S))
            if pause_s == CHOICES_EVERY_S and seen != await work.blocking(
                _changed_at, self._house.config.voices
            ):
                return

    async def _keep_tidy(self, work: Work) -> None:
        while True:
            with suppress(VigentdError):
                await work.blocking(self._want_tidy)
                self._wake.set()
            await asyncio.sleep(TIDY_EVERY_S)

    def _want_tidy(self) -> None:
        with self._house.ledger.turn() as turn:
            turn.errands.add("tidy", "tidy")


def _changed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _place(kind: str, order: list[str]) -> int:
    return order.index(kind) if kind in order else len(order)


def _fault(error: Exception) -> StageFailed:
    """What nobody expected, for a person. Its trace goes to the log."""
    fault = StageFailed("vigentd stopped on an unexpected problem", code="internal")
    fault.__cause__ = error
    return fault
