"""The pool of hosts: which processes there are, and what each is asked for.

    speech    keeps the speech engine, and what hears
    lipsync   keeps the lip-sync engine; or, when there are several devices for it, or a cluster, lipsync-1,
              lipsync-2, … do, and lipsync does what is done once for a job
    cluster   no engine: looks at the cluster, if there is one
    media     no engine: probe, captions, compose, verify
    door      no engine: checks what programs submit; there only while it is needed
    aside     no engine: what takes minutes and belongs to no stage; there only while it is needed

With several lanes (`queue.lanes`) there are media.2, lipsync.2, … too, one for each job at work, and a speech
host for each of `speech.device`; a stage takes one that is free (group.py).

One whose memory has grown over the limit is replaced between two jobs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

from daemon.config import Config
from daemon.engines.admins import NO_ALARMS, Alarms
from daemon.engines.cluster import Cluster
from daemon.engines.group import Group, numbered, parsed
from daemon.engines.pool import PROXY, Pool
from daemon.engines.roster import (
    LATENTSYNC,
    WHISPER,
    Chosen,
    EngineAway,
    in_cluster,
    lipsync_loading,
    lipsync_weights,
    speech_loading,
    speech_weights,
)
from daemon.engines.seat import Seat, Tell
from daemon.health.component import Component
from models import budgets
from models.budgets import Budget
from models.cluster.link import LOCAL, remove_folder
from models.errors import Unavailable
from models.host import Plan
from models.orders import Taker
from models.progress import Progress, Quiet
from models.stamp import stamp
from pipeline import hosted
from pipeline.job import Job
from pipeline.progress import loading
from pipeline.spec import JobSpec, Settings
from pipeline.stages import STAGES, Made, Place, Stage
from pipeline.workspace import Workspace

TITLES = {
    "speech": "speech engine",
    "lipsync": "lip-sync engine",
    "media": "media process",
    "door": "checking process",
    "aside": "side process",
    "cluster": "link to the cluster",
}
IDLE_S = 300.0  # then those are let go that are there only while they are needed
KEPT = ("cache", "cache_bytes")  # of presenters: what is learned of them is kept in one place
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
        self._pool = self._new_pool()
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
            f"lip-sync replica {replica}" if replica else title,
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

    def _new_pool(self) -> Pool | None:
        """Of those that work for `lipsync`; None when it does all itself."""
        replicas = [seat for name, seat in self._seats.items() if parsed(name).replica]
        return Pool(replicas, self._patient(budgets.LIPSYNC), self._tell) if replicas else None

    def _new_cluster(self) -> Cluster | None:
        """In which the replicas are; None where there is none."""
        link = self._seats.get("cluster")
        if link is None or self._pool is None:
            return None
        return Cluster(link, self._pool.seats, self._patient(budgets.ASKED))

    def open(self) -> None:
        for seat in self._seats.values():
            seat.open()
        if self._pool is not None:
            self._pool.open()

    def close(self) -> None:
        """Ends all hosts, at the same time, and waits for their end. None is opened any more."""
        self._closed = True
        with ThreadPoolExecutor() as threads:
            list(threads.map(Seat.close, [*self._seats.values(), *self._passing]))
        if self._pool is not None:
            self._pool.close()
        if self.cluster is not None and self._config.cluster.address == LOCAL:
            remove_folder(_found(self._config))

    def why(self) -> str:
        """Why no job can be worked on now; "" when one can."""
        needed = [group.why() for group in self._groups.values()]
        if self._pool is not None:
            needed.append(self._pool.why())
        return next(filter(None, needed), "")

    def trouble(self) -> EngineAway | None:
        """Why one of them cannot be asked, nor soon; None while all get on."""
        return next((away for seat in self._seats.values() if (away := seat.trouble())), None)

    @property
    def lanes(self) -> int:
        """So many jobs can be worked on side by side: as many as there are who make lips, or soon will."""
        lips = self._pool if self._pool is not None else self._groups["lipsync"]
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
        pool, cluster = self._pool, self.cluster
        if pool is None or name not in pool.doing:
            return part
        more = pool.facts(name) | {"node": cluster.node_of(name) if cluster is not None else ""}
        if cluster is not None:
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
        if self._pool is None or stage.place != "lipsync":
            return nullcontext()
        return self._pool.taking(job.id)

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
        if self._pool is not None:
            self._pool.close()
        self._seats = {name: self._seats.get(name) or self._seat(plan) for name, plan in wanted.items()}
        self._pool = self._new_pool()
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


def plans(config: Config, chosen: Chosen, *, fanned: bool = False) -> Sequence[Plan]:
    """The hosts that stay. fanned: with replicas for the lips, be it one."""
    lanes = _lanes(config, chosen)
    return (
        *_speech_plans(config, chosen, lanes),
        *_lipsync_plans(config, chosen, fanned, lanes),
        *(replace(media_plan(), name=numbered("media", number)) for number in range(1, lanes + 1)),
    )


def _lanes(config: Config, chosen: Chosen) -> int:
    """So many jobs can be worked on side by side at most."""
    if chosen.lipsync.name != LATENTSYNC:
        return config.queue.lanes
    replicas = config.lipsync.replicas if in_cluster(config) else len(config.lipsync.devices)
    return min(config.queue.lanes, replicas)


def _speech_plans(config: Config, chosen: Chosen, lanes: int) -> Iterator[Plan]:
    """One for each device, as long as there are jobs for them."""
    devices, weights = config.speech.devices, speech_weights(chosen, config)
    for number, own in enumerate(devices[:lanes], 1):
        speaks, hears = (
            own if choice.device != "cpu" else "cpu" for choice in (chosen.speech, chosen.hearing)
        )
        how = speech_loading(chosen, config, _inside(speaks), _inside(hears))
        # Who hears may use a GPU where the draft voice needs none.
        device = hears if speaks == "cpu" else speaks
        plan = _engine("speech", chosen.speech.name, device, how, weights)
        yield replace(plan, name=numbered("speech", number))


def _lipsync_plans(config: Config, chosen: Chosen, fanned: bool, lanes: int) -> Sequence[Plan]:
    name, devices, weights = chosen.lipsync.name, config.lipsync.devices, lipsync_weights(chosen, config)

    def engine(device: str) -> Plan:
        return _engine("lipsync", name, device, lipsync_loading(name, config, _inside(device)), weights)

    def one_for_each(plan: Plan) -> list[Plan]:
        return [replace(plan, name=numbered("lipsync", number)) for number in range(1, lanes + 1)]

    if not (fanned or len(devices) > 1 or in_cluster(config)) or name != LATENTSYNC:
        return one_for_each(engine(chosen.lipsync.device))
    how = lipsync_loading(name, config, "cpu")
    if in_cluster(config):
        there = engine(chosen.lipsync.device)
        replicas = [_proxied(config, there, number) for number in range(1, config.lipsync.replicas + 1)]
        replicas.append(Plan("cluster", "models.cluster.link:Head", _link(config) | {"devices": devices}))
    else:
        replicas = [replace(engine(device), name=f"lipsync-{i}") for i, device in enumerate(devices, 1)]
    once = {"replicas": len(replicas), "weights": stamp(weights)} | {key: how[key] for key in KEPT}
    lead = Plan("lipsync", "models.choose:fanned_out", once, "cpu", _modules("lipsync"))
    return [*one_for_each(lead), *replicas]


def _proxied(config: Config, there: Plan, number: int) -> Plan:
    """there: as it is on a node."""
    floors = budgets.LOADING["lipsync"].times(config.health.patience)
    arguments = _link(config) | {
        "plan": asdict(replace(there, name=f"lipsync-{number}")),
        "weights": str(config.weights),
        "there": str(config.cluster.weights) if config.cluster.weights else None,
        "gpus": config.cluster.gpus,
        "seen": str(config.data_dir),
        "floors": list(astuple(floors)),
    }
    return Plan(f"lipsync-{number}", PROXY, arguments)


def _link(config: Config) -> dict[str, Any]:
    return {"address": config.cluster.address, "found": str(_found(config))}


def _found(config: Config) -> Path:
    return config.scratch / "cluster.address"


def media_plan() -> Plan:
    return Plan("media", preload=_modules("media"))


def _engine(kind: Place, name: str, device: str, how: dict[str, Any], weights: Sequence[Path]) -> Plan:
    """weights: with others, it is another plan, and a reload replaces the host."""
    arguments = {"kind": kind, "name": name, "weights": stamp(weights)} | how
    return Plan(kind, "models.choose:resident", arguments, device, _modules(kind))


def _inside(device: str) -> str:
    """As it is called in the host, which sees one GPU: the first."""
    return "cpu" if device == "cpu" else "cuda:0"


def _modules(place: Place) -> tuple[str, ...]:
    return ("pipeline.hosted", *(f"pipeline.{stage.name}" for stage in STAGES if stage.place == place))
