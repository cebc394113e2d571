"""`vigentd run`: the daemon from its start to its end.

    lock → database → hosts → control socket → worker → inboxes, bot    … and down again in the opposite order

The main thread runs the event loop, for the control socket and the signals; the worker has a thread of
its own, the engines are in other processes. Whatever kills this process, the lock falls, the hosts die
with it, and the next daemon takes the jobs up where their last artifact stands.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import os
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from daemon import alarm_by_post
from daemon.alarms import Alarms, Notice
from daemon.bot_token import bot_token
from daemon.cluster_status import cluster_status
from daemon.config import Config
from daemon.control.events import Events
from daemon.control.metrics_port import MetricsPort
from daemon.control.server import Control
from daemon.disk.housekeeping import empty_scratch, sweep
from daemon.engines.hosts import Hosts
from daemon.engines.roster import Chosen
from daemon.folders import make_private, unwritable
from daemon.health.cluster_probe import ClusterProbe
from daemon.health.database_probe import database_probe
from daemon.health.disk_probe import disk_probe
from daemon.health.metrics import text
from daemon.health.monitor import Monitor
from daemon.health.queue_probe import AtWork, queue_probe
from daemon.health.report import Report
from daemon.health.report_file import ReportFile
from daemon.held import Held
from daemon.jobs import JobRow, iso, job_json
from daemon.logs.log import Log
from daemon.publications.publisher import LOOK_S
from daemon.publications.publishing import Publishing
from daemon.queue import Queue
from daemon.runner import Deliver
from daemon.scheduler import Scheduler
from daemon.sd_notify import Notifier
from daemon.store.lock import WorkerLock, holder
from daemon.supervised import Supervised, status_line
from daemon.units.last_good import keep_good
from daemon.worker import Worker
from handlers.inbox.house import House
from handlers.inbox.inboxes import Inboxes
from handlers.telegram import house as telegram
from handlers.telegram.bot import Bot
from handlers.telegram.notices import Notices
from handlers.telegram.places import Places
from handlers.telegram.store.ledger import Ledger
from models.errors import StageFailed, Unavailable, VigentdError

AT_THE_DOOR = tuple(
    f"handlers.{module}"
    for module in ("inbox.contents.examine", "telegram.door.examine", "telegram.door.preview")
)
LOCK_EVERY_S = 0.2
WORKER_EVERY_S = 5.0  # how soon it is noticed that the worker is gone
LAST_S = 30.0  # for a job to be put back
ENDS_S = 30.0  # for the doors and the hosts to end
SWEEP_S, SWEPT_S = 900.0, 3600.0  # between two sweeps; a longer one is a trouble
STUCK_S = 120.0  # for the publisher to look at the book
OPENS_S = 600.0  # for the database to be looked through, and to be made anew by an upgrade


class Service:
    """load: reads the configuration; called again at SIGHUP. version: vigentd's, for `status`.
    notifier: what systemd is told through."""

    def __init__(
        self,
        load: Callable[[], Config],
        deliver: Deliver,
        owner: str,
        version: str,
        notifier: Notifier | None = None,
    ) -> None:
        self._load = load
        self._deliver = deliver
        self._owner = owner
        self._version = version
        self._notifier = notifier or Notifier()
        self._started_at = iso(dt.datetime.now(dt.UTC))
        self.config = load()
        self.worker: Worker | None = None
        self._refused: VigentdError | None = None  # what is wrong with the new configuration

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises Unavailable when it cannot start."""
        self._told_to_stop = asyncio.Event()
        self._told_to_hurry = asyncio.Event()
        loop = self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, self._reload))
        try:
            make_private(self.config.data_dir)
        except OSError as e:
            raise unwritable(self.config.data_dir, e) from e
        self.log = Log(self.config)
        with WorkerLock(self.config.data_dir, "daemon") as lock:
            self._notifier.status("waiting until nobody else works on the data")
            with self._notifier.extending(math.inf):
                ours = await self._have(lock)
            if ours:
                await self._serve()

    async def _have(self, lock: WorkerLock) -> bool:
        """Takes the lock. A foreground worker is waited for; another daemon is not."""
        told = False
        while not lock.take():
            other = holder(self.config.data_dir)
            if other is not None and other.kind == "daemon":
                raise Unavailable(
                    f"A vigentd daemon (process {other.pid}) works on {self.config.data_dir} already",
                    code="daemon_runs",
                    hint="`vigentd status` shows what it does. Stop it first, or use another data_dir.",
                )
            if not told and other is not None and other.pid:
                told = True
                self.log.event("waiting_for_foreground", pid=other.pid)
            try:
                await asyncio.wait_for(self._told_to_stop.wait(), LOCK_EVERY_S)
                return False
            except TimeoutError:
                continue
        return True

    async def _serve(self) -> None:
        self._notifier.status("opening the database")
        with self._notifier.extending(OPENS_S):
            empty_scratch(self.config)
            self.events = Events()
            self.queue = Queue(self.config.database, max_attempts=self.config.queue.max_attempts)
            self.queue.quick_check()
        ledger = Ledger(self.queue)
        notices = self.notices = Notices(
            lambda: self.config, ledger, self.log, lambda: self.bot.nudge(), alarm_by_post.post
        )
        self.alarms = Alarms(self._alarm)
        publishing = self.publishing = Publishing(
            self.config, self.queue.database, self.log, self.alarms, self._published, self.log.mask_all
        )
        self.hosts = Hosts(self.config, self._host_says, AT_THE_DOOR, self.alarms)
        inboxes = self.inboxes = Inboxes(
            House(self.config, self.queue, self.hosts, self.log, self._came, self._happened)
        )
        worker = self.worker = Worker(
            self._owner,
            self.config,
            self.queue,
            self.hosts,
            self._deliver,
            self.events,
            self.log,
            inboxes,
            held=Held(self.alarms).look,
            left=lambda: self.scheduler.hurry("publish"),
        )
        bot = self.bot = Bot(self.config, self._lend, self._token, self.events, self.why)
        probes = (
            database_probe(self.config.database, self.log),
            disk_probe(lambda: self.config, self.log),
            ClusterProbe(lambda: self.hosts.cluster, self.log),
            queue_probe(self.queue, lambda: AtWork(worker.job_id, worker.why), self.log),
        )
        scheduler = self.scheduler = Scheduler(self.log)
        scheduler.every(LOOK_S, "publish", publishing.look, STUCK_S)
        scheduler.every(SWEEP_S, "housekeeping", lambda: sweep(self.config, self.queue, self.log), SWEPT_S)
        control = Control(self, self.events, self.config.socket)
        thread = threading.Thread(target=worker.run, name="worker", daemon=True)
        metrics = self.metrics = MetricsPort(self.metrics_text, self.log)
        sources = {probe.name: probe.health for probe in probes} | {
            "worker": worker.health,
            "hosts": self.hosts.health,
            "scheduler": scheduler.health,
            "inboxes": inboxes.health,
            "telegram": bot.health,
            "publications": publishing.health,
            "metrics": metrics.health,
        }
        monitor = self.monitor = Monitor(sources, self.log, self.events.publish)
        health_file = ReportFile(self.config.health_file, monitor.report, self.log)
        supervised = Supervised(self._notifier, lambda: monitor.fit, self._says)
        monitor.start(self._loop)
        self.hosts.open()
        try:
            await control.start()
            thread.start()
            inboxes.start()
            bot.start()
            notices.start()
            publishing.start()
            scheduler.start()
            for probe in probes:
                probe.start()
            health_file.start()
            await metrics.use(self.config.health.port)
            self.log.event("started", version=self._version, pid=os.getpid(), data_dir=self.config.data_dir)
            keep_good(self.config)
            # The queue is open to all from here on; engines may take minutes to load, and jobs wait for them.
            self._notifier.ready(self._says())
            supervised.start()
            died = await self._until_stopped(worker, thread)
            await self._let_finish(worker, thread)
            if died:
                raise StageFailed("The daemon's worker has ended", code="internal", hint="Its log says more.")
        finally:
            worker.leave()
            supervised.stop()
            self._notifier.stopping("stopping: the doors and the engines")
            with self._notifier.extending(ENDS_S):
                leaving = (
                    *(inboxes.stop, bot.stop, notices.stop, publishing.stop, scheduler.stop),
                    *(probe.close for probe in probes),
                )
                await asyncio.gather(*(asyncio.to_thread(leave) for leave in leaving))
                await asyncio.to_thread(self.hosts.close)
                await metrics.stop()
                monitor.stop()
                health_file.stop()  # first: a file without a socket would tell of a fault
                await control.stop()
            self.queue.close()
            self.log.event("stopped")

    async def _until_stopped(self, worker: Worker, thread: threading.Thread) -> bool:
        """Whether the worker is gone, or one of its lanes: a daemon that does nothing must not look alive."""
        while not self._told_to_stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), WORKER_EVERY_S)
            if worker.dead or not thread.is_alive():
                return True
        return False

    async def _let_finish(self, worker: Worker, thread: threading.Thread) -> None:
        """A job at work is finished if `queue.stop_grace` is enough for it; else it goes back in line."""
        worker.leave()
        grace_s = self.config.queue.stop_grace
        self.log.event("stopping", job=_names(worker), grace_s=grace_s)
        hurry = asyncio.create_task(self._told_to_hurry.wait())
        ended = asyncio.create_task(asyncio.to_thread(thread.join))
        self._notifier.stopping(f"stopping: {self._says()}")
        with self._notifier.extending(grace_s + LAST_S):
            if worker.put_back(spare_s=grace_s):
                await asyncio.wait({hurry, ended}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
            worker.put_back()
            await asyncio.wait({ended}, timeout=LAST_S)
        hurry.cancel()
        if thread.is_alive():  # in a disk that does not answer, say; nothing here can end that
            self.log.error("stuck", job=_names(worker), because="the job could not be put back in time")
            os._exit(1)  # the hosts die with us, and the next daemon takes the job back

    def _stop(self) -> None:
        if self._told_to_stop.is_set():
            self._told_to_hurry.set()  # told twice
        self._told_to_stop.set()

    def _host_says(self, name: str, facts: dict[str, Any]) -> None:
        tell = self.log.event if name in ("starting", "ready", "ended") else self.log.warning
        tell(f"host_{name}", **facts)
        self.events.publish("host", state=name, **facts)
        self.wake()

    def _alarm(self, notice: Notice) -> None:
        """To all who should know. Called from any thread, and at once."""
        facts = {"key": notice.key, "message": notice.message, "hint": notice.hint}
        if notice.over:
            self.log.event("alarm_over", key=notice.key)
        else:
            self.log.warning("alarm", **facts)
        self.events.publish("alarm", **facts, over=notice.over)
        self.notices.tell(notice)

    def _lend(self, config: Config) -> telegram.House:
        """What the bot may use."""
        local = telegram.FileLimits(telegram.LOCAL_BYTES, telegram.LOCAL_BYTES)
        return telegram.House(
            config,
            self.queue,
            Ledger(self.queue),
            self.hosts,
            self.log,
            Places(config.telegram_files),
            limits=local if config.telegram.local_mode else telegram.FileLimits(),
            changed=self._touched,
            status=self.status,
            log_tail=self.log.tail,
            publishing=telegram.Publishing(
                lambda: self.publishing.desk, self.publishing.book, lambda: self.scheduler.hurry("publish")
            ),
        )

    def _token(self, config: Config) -> str | None:
        token = bot_token(config.telegram)
        if token is None:
            return None
        self.log.mask(token.get_secret_value())
        return token.get_secret_value()

    def _touched(self, job_id: str | None) -> None:
        """The bot has put a job into the queue, cancelled or retried it; None: some of them."""
        if job_id is not None:
            self._changed(self.queue.get(job_id))
        else:
            self.wake()

    def _came(self, job_id: str) -> None:
        """A job has come through an inbox."""
        row = self.queue.get(job_id)
        self.events.publish("job", **job_json(row, self.queue.position(row.id)))
        if self.worker is not None:
            self.worker.wake()

    def _published(self) -> None:
        """Something has become of a publication."""
        self.events.publish("publications", **self.publishing.status())
        self.bot.nudge()

    def _happened(self, facts: dict[str, Any]) -> None:
        self.events.publish("inbox", **facts)

    # ------------------------------------------------------------ what the control socket asks for

    def status(self) -> dict[str, Any]:
        """As `vigentd status --json` prints it."""
        jobs = [job_json(row, None) for row in self.queue.all_running()]
        hosts, why = self.hosts.status(), self.why()
        refused = self._refused or (self.worker.refused if self.worker is not None else None)
        return {
            "pid": os.getpid(),
            "version": self._version,
            "started_at": self._started_at,
            "data_dir": str(self.config.data_dir),
            "state": self.worker.state if self.worker is not None else "starting",
            "why": why,
            "hint": next((host["hint"] for host in hosts if host["why"] == why), ""),
            "not_reloaded": refused.as_dict() if refused is not None else None,
            "health": _in_short(self.health()),
            "hosts": hosts,
            "inboxes": self.inboxes.brief(),
            "telegram": self.bot.status(),
            "publish": self.publishing.status(),
            "job": jobs[0] if jobs else None,
            "jobs": jobs,  # all that are worked on; the first one is `job`
            "lanes": self.worker.lanes if self.worker is not None else 1,  # so many may be, now
            "counts": self.queue.counts(),
            "oldest_waiting": self.queue.oldest_waiting(),
            "free": shutil.disk_usage(self.config.data_dir).free,
        }

    def _says(self) -> str:
        """For `systemctl status`."""
        worker = self.worker
        if worker is None:
            return "starting"
        try:
            counts = self.queue.counts()
        except VigentdError:  # it is said without them
            counts = {}
        at_work = worker.at_work
        job_id, at = at_work[0][1:] if at_work else (None, None)
        return status_line(job_id, at, worker.why, counts, at_work[1:])

    def health(self) -> Report:
        """As `vigentd health --json` prints it. From memory, at once."""
        return self.monitor.report()

    def metrics_text(self) -> str:
        """For Prometheus."""
        return text(self.health(), self._version, dt.datetime.now(dt.UTC))

    def inbox_status(self) -> list[dict[str, Any]]:
        """As `vigentd inbox status --json` prints it."""
        return self.inboxes.status()

    def cluster_status(self) -> dict[str, Any]:
        """As `vigentd cluster status --json` prints it. From memory, at once."""
        return cluster_status(self.config, self.health())

    def why(self) -> str:
        return self.worker.why if self.worker is not None else ""

    def jobs(self, limit: int | None) -> list[dict[str, Any]]:
        positions = self.queue.positions()
        return [job_json(row, positions.get(row.id)) for row in self.queue.list(limit)]

    def job(self, job_id: str) -> dict[str, Any]:
        return self.queue.described(job_id, self.config.job_log)

    def submit(self, wish: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """A job for what a program wishes for; False: its key is known, and this is that job."""
        key, priority = wish.pop("key", None), wish.pop("priority", 0)
        known = self.queue.of_key(key) if key is not None else None
        if known is not None:  # whatever has become of its clip since
            return job_json(known, self.queue.position(known.id)), False
        spec = self.hosts.admit(wish)
        row, new = self.queue.submit_once(spec, source="api", key=key, priority=priority)
        return self._changed(row), new

    def cancel(self, job_id: str) -> dict[str, Any]:
        return self._changed(self.queue.cancel(job_id))

    def retry(self, job_id: str) -> dict[str, Any]:
        return self._changed(self.queue.retry(job_id))

    def wake(self) -> None:
        if self.worker is not None:
            self.worker.wake()
            self.inboxes.job_left()
            self.bot.nudge()
            self.scheduler.hurry("publish")

    def reload(self) -> None:
        """Reads the configuration again. Raises what is wrong with it; then the old one stays in force."""
        try:
            config = self._load()
            Chosen(config)
            if self.worker is not None:  # else they are checked when it starts
                self.publishing.checked(config)
        except VigentdError as e:
            self._refused = e
            raise
        self._refused = None
        if config.data_dir != self.config.data_dir:
            self.log.warning("not_reloaded", key="data_dir", because="it needs a restart")
            config = config.model_copy(update={"data_dir": self.config.data_dir})
        self.config = config
        keep_good(config)
        if self.worker is not None:
            self.worker.reload(config)
            self.inboxes.reload(config)
            self.bot.reload(config)
            self.publishing.use(self.publishing.checked(config))
            asyncio.run_coroutine_threadsafe(self.metrics.use(config.health.port), self._loop)

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            self.reload()
        except VigentdError as e:
            self.log.error("not_reloaded", code=e.code, message=e.message, hint=e.hint)
        finally:
            self._notifier.ready()

    def _changed(self, row: JobRow) -> dict[str, Any]:
        job = job_json(row, self.queue.position(row.id))
        self.events.publish("job", **job)
        self.wake()
        return job


def _names(worker: Worker) -> str:
    """Of the jobs at work."""
    return ", ".join(doing.job_id for doing in worker.at_work)


def _in_short(report: Report) -> dict[str, str]:
    return {"verdict": report.verdict, "why": report.why}
