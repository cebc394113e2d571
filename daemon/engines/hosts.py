"""The pool of hosts: which processes there are, and what each is asked for.

    speech    keeps the speech engine, and what hears
    lipsync   keeps the lip-sync engine
              When there are several devices for one of them, or a cluster, its replicas keep the engine,
              lipsync-1, lipsync-2, …, and lipsync does what is done once for a job
    cluster   no engine: looks at the cluster, if there is one
    media     no engine: probe, captions, compose, verify
    door      no engine: checks what programs submit; there only while it is needed
    aside     no engine: what takes minutes and belongs to no stage; there only while it is needed

With several lanes (`queue.lanes`) there are media.2, lipsync.2, … too, one for each job at work; a stage
takes one that is free (group.py). What they load: plans.py.

One whose memory has grown over the limit is replaced between two jobs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.engines.admins import NO_ALARMS, Alarms
from daemon.engines.cluster import Cluster
from daemon.engines.group import Group, parsed
from daemon.engines.plans import found, plans
from daemon.engines.pool import PROXY, Pool
from daemon.engines.roster import WHISPER, Chosen, EngineAway
from daemon.engines.seat import Seat, Tell
from daemon.health.component import Component
from models import budgets
from models.budgets import Budget
from models.cluster.link import LOCAL, remove_folder
from models.errors import Unavailable
from models.host import Plan
from models.orders import Taker
from models.progress import Progress, Quiet
from pipeline import hosted
from pipeline.job import Job
from pipeline.progress import loading
from pipeline.spec import JobSpec, Settings
from pipeline.stages import Made, Stage
from pipeline.workspace import Workspace

TITLES = {
    "speech": "speech engine",
    "lipsync": "lip-sync engine",
    "media": "media process",
    "door": "checking process",
    "aside": "side process",
    "cluster": "link to the cluster",
}
REPLICAS = {"speech": "speech replica", "lipsync": "lip-sync replica"}
ORDERS = {"speech": budgets.SPEECH, "lipsync": budgets.LIPSYNC}  # heartbeats of what replicas are asked for
IDLE_S = 300.0  # then those are let go that are there only while they are needed
CHECK_S = 60.0  # in which a wish is checked, or the clip lies where nothing can be read


class Hosts:
    """A roster whose engines are resident. tell: gets what happens to the hosts, from any thread.

    at_the_door: further modules of which functions will be asked for there. alarms: what the admins are told
    of a host that does not come back; [health] is as it is when the daemon starts.
    """

    def __init__(
        self,
        config: Config,
        tell: Tell,
        at_the_door: Sequence[str] = (),
        alarms: Alarms = NO_ALARMS,
        planned: Callable[[Config, Chosen], Sequence[Plan]] | None = None,
    ) -> None:
        self._config = config
        self._chosen = Chosen(config)
        self._tell = tell
        self._alarms = alarms
        self._planned = planned or plans
        self._seats: dict[str, Seat] = {
            plan.name: self._seat(plan) for plan in self._planned(config, self._chosen)
        }
        self._groups = self._grouped()
        self._pools = self._new_pools()
        self.cluster = self._new_cluster()
        self._closed = False
        self._door = self._seat(
            Plan(
                "door",
                "daemon.admission:be_ready",
                {"config": config.model_dump(mode="json")},
                preload=("daemon.admission", "pipeline.probe", *at_the_door),
            )
        )

        self._aside = self._seat(Plan("aside"))

    def _seat(self, plan: Plan) -> Seat:
        logs, scratch = self._config.logs, self._config.scratch
        kind, number, replica = parsed(plan.name)
        title = TITLES[kind] if number == 1 else f"{TITLES[kind]} {number}"
        floors = self._patient(budgets.LOADING[kind])
        if plan.load == PROXY:  # it waits for a node; what loads there is watched there
            floors = budgets.even(math.inf)
        return Seat(
            plan,
            f"{REPLICAS[kind]} {replica}" if replica else title,
            logs=logs,
            scratch=scratch,
            tell=self._tell,
            floors=floors,
            replacements=self._config.health.replacements,
            alarms=self._alarms,
        )

    def _grouped(self) -> dict[str, Group]:
        """What stages ask, by kind."""
        kinds: dict[str, list[Seat]] = {}
        for name, seat in self._seats.items():
            kind, _, replica = parsed(name)
            if not replica and kind != "cluster":
                kinds.setdefault(kind, []).append(seat)
        shared = self._config.queue.lanes == 1
        return {kind: Group(seats, shared=shared) for kind, seats in kinds.items()}

    def _new_pools(self) -> dict[str, Pool]:
        """Of replicas, by the kind of host that they work for; none for one that does all itself."""
        kinds: dict[str, list[Seat]] = {}
        for name, seat in self._seats.items():
            kind, _, replica = parsed(name)
            if replica:
                kinds.setdefault(kind, []).append(seat)
        return {
            kind: Pool(kind, seats, self._patient(ORDERS[kind]), self._tell) for kind, seats in kinds.items()
        }

    def _new_cluster(self) -> Cluster | None:
        """In which the replicas are; None where there is none."""
        link, pools = self._seats.get("cluster"), self._pools.values()
        if link is None or not pools:
            return None
        there = [seat for pool in pools for seat in pool.seats if seat.plan.load == PROXY]
        return Cluster(link, there, self._patient(budgets.ASKED))

    def open(self) -> None:
        for seat in self._seats.values():
            seat.open()
        for pool in self._pools.values():
            pool.open()

    def close(self) -> None:
        """Ends all hosts, at the same time, and waits for their end. None is opened any more."""
        self._closed = True
        with ThreadPoolExecutor() as threads:
            list(threads.map(Seat.close, [*self._seats.values(), *self._passing]))
        for pool in self._pools.values():
            pool.close()
        if self.cluster is not None and self._config.cluster.address == LOCAL:
            remove_folder(found(self._config))

    def why(self) -> str:
        """Why no job can be worked on now; "" when one can."""
        groups = (group.why() for group in self._groups.values())
        pools = (pool.why() for pool in self._pools.values())
        return next(filter(None, (*groups, *pools)), "")

    def trouble(self) -> EngineAway | None:
        """Why one of them cannot be asked, nor soon; None while all get on."""
        return next((away for seat in self._seats.values() if (away := seat.trouble())), None)

    @property
    def lanes(self) -> int:
        """So many jobs can be worked on side by side: as many as there are who make lips, or soon will."""
        lips = self._pools.get("lipsync") or self._groups["lipsync"]
        return min(lips.serving, len(self._groups["lipsync"].seats))

    @property
    def in_trouble(self) -> bool:
        """Whether they are away for another reason than that they load, and get on with that."""
        return not all(seat.health().well for seat in self._seats.values())

    def status(self) -> list[dict[str, Any]]:
        """What each host does, as programs see it."""
        with ThreadPoolExecutor() as threads:  # each may take its time to answer
            return list(threads.map(Seat.status, self._there))

    def health(self) -> list[Component]:
        """Of each host, as it is seen from here: at once, and nothing is asked of them."""
        return [self._with_more(seat.health(), seat.plan.name) for seat in self._there]

    def _with_more(self, part: Component, name: str) -> Component:
        """Of a replica: what it has made, and where."""
        pool, cluster = self._pools.get(parsed(name).kind), self.cluster
        if pool is None or name not in pool.doing:
            return part
        elsewhere = cluster is not None and self._seats[name].plan.load == PROXY
        more = pool.facts(name) | {"node": cluster.node_of(name) if cluster is not None and elsewhere else ""}
        if elsewhere:
            more["device"] = ""  # that is the node's to say
        return replace(part, facts={**part.facts, **more})

    @property
    def _there(self) -> list[Seat]:
        return [*self._seats.values(), *(seat for seat in self._passing if seat.wanted)]

    # ------------------------------------------------------------ a roster

    def names(self, spec: JobSpec) -> dict[str, str]:
        return self._chosen.names(spec)

    def notes(self, spec: JobSpec) -> list[str]:
        return self._chosen.notes(spec)

    def job(self, job_id: str, spec: JobSpec, settings: Settings) -> Job:
        return Job(spec, settings, id=job_id)

    def make(self, stage: Stage, job: Job, workspace: Workspace) -> Made:
        asked = hosted.request(stage, job, workspace)

        def ask(do: str, floors: Budget) -> Any:
            return host.ask(do, asked, job.progress, job=job.id, stage=stage.name, floors=floors, taker=taker)

        taking = self._groups[stage.place].taking(job.progress)
        with taking as seat, self._taking(stage, job) as taker, seat.asked(job.progress) as host:
            if stage.place == "speech" and self._chosen.hears_late(job.spec):
                with loading(job.progress, WHISPER):
                    ask(hosted.HEAR, self._patient(budgets.LATE_LOADING))
            told = ask(hosted.MAKE, stage.floors)
        return hosted.answer(told)

    def folder(self, stage: Stage, job: Job, workspace: Workspace) -> Path:
        asked = hosted.request(stage, job, workspace)
        floors = self._patient(budgets.ASKED)
        taking = self._groups[stage.place].taking(job.progress)
        with taking as seat, self._taking(stage, job) as taker:
            host = seat.ready(job.progress)  # this answer does not prove that it works
            told = host.ask(
                hosted.FOLDER, asked, job.progress, job=job.id, stage=stage.name, floors=floors, taker=taker
            )
        return Path(told)

    def _taking(self, stage: Stage, job: Job) -> AbstractContextManager[Taker | None]:
        pool = self._pools.get(stage.place)
        return nullcontext() if pool is None else pool.taking(job.id)

    def _patient(self, floors: Budget) -> Budget:
        return floors.times(self._config.health.patience)

    # ------------------------------------------------------------ the door

    def admit(self, wish: dict[str, Any]) -> JobSpec:
        """Checks what a program wishes for. Raises BadInput or Unavailable."""
        asked = {"wish": wish, "config": self._config.model_dump(mode="json")}
        return JobSpec.model_validate(
            self.at_the_door("daemon.admission:admit_wish", asked, _InTime(CHECK_S))
        )

    def at_the_door(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        """Has something looked at in a process of its own: clips come from anywhere, and a decoder that
        they break must not be the daemon's. Raises what `do` raises, ProcessDied, and EngineAway."""
        self.open_door()
        with self._door.asked(progress) as host:
            return host.ask(do, asked, progress, floors=self._patient(budgets.ASKED))

    def open_door(self) -> None:
        """Somebody is about to come: the process is begun, if it is not there. Raises EngineAway."""
        self._open(self._door)

    def aside(self, do: str, asked: dict[str, Any], progress: Progress) -> Any:
        """As `at_the_door`, for what takes minutes: nobody at the door has to wait for it."""
        self._open(self._aside)
        with self._aside.asked(progress) as host:
            return host.ask(do, asked, progress, floors=self._patient(budgets.ASKED))

    @property
    def _passing(self) -> tuple[Seat, ...]:
        """Those that are there only while they are needed."""
        return self._door, self._aside

    def _open(self, seat: Seat) -> None:
        if self._closed:
            raise EngineAway("The daemon is stopping", hint="Try again when it is back.")
        seat.open()

    # ------------------------------------------------------------ between jobs

    def look_after(self) -> None:
        """Replaces what has grown too large, and lets go of what is not needed."""
        for seat in self._seats.values():
            with self._idle(seat) as idle:
                if idle:
                    self._trim(seat)
        for seat in self._passing:
            if seat.wanted and seat.idle_s() > IDLE_S:
                seat.close()

    @contextmanager
    def _idle(self, seat: Seat) -> Iterator[bool]:
        """Whether no job needs it now, nor gets it meanwhile: with several lanes, others may be at work."""
        kind, _, replica = parsed(seat.plan.name)
        group = None if replica else self._groups.get(kind)
        if group is not None:
            with group.aside(seat) as idle:
                yield idle
        else:
            yield self._config.queue.lanes == 1 or seat.idle_s() > 0

    def _trim(self, seat: Seat) -> None:
        seat.trim_log()
        health, limits = seat.status(), self._config.models
        for kind, used, limit in (
            ("memory", health["rss"], limits.max_rss),
            ("GPU memory", health["vram"], limits.max_vram),
        ):
            if limit and used > limit:
                seat.replace(f"its {kind} is {used / 1e9:.1f} GB, and {limit / 1e9:.1f} GB are allowed")
                break

    def reload(self, config: Config) -> None:
        """Takes up a new configuration; hosts of which the plan is another now are replaced.

        Raises Unavailable `engine_missing`; then all is as it was.
        """
        chosen = Chosen(config)
        self._config, self._chosen = config, chosen
        wanted = {plan.name: plan for plan in self._planned(config, chosen)}
        if wanted.keys() != self._seats.keys():
            self._exchange(wanted)
        for name, plan in wanted.items():
            seat = self._seats[name]
            if plan != seat.plan:
                seat.plan = plan
                seat.replace("its configuration has changed")
        self._groups = self._grouped()

    def _exchange(self, wanted: dict[str, Plan]) -> None:
        """There are more of them now, or fewer; those that stay go on."""
        left = [seat for name, seat in self._seats.items() if name not in wanted]
        with ThreadPoolExecutor() as threads:
            list(threads.map(Seat.close, left))
        for pool in self._pools.values():
            pool.close()
        self._seats = {name: self._seats.get(name) or self._seat(plan) for name, plan in wanted.items()}
        self._pools = self._new_pools()
        self.cluster = self._new_cluster()
        self.open()


class _InTime(Quiet):
    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._until:
            raise Unavailable(
                "The job could not be checked in time",
                code="check_timeout",
                hint="Does the clip lie on a disk that does not answer? Else try again.",
            )
