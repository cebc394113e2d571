"""The daemon's local API: HTTP and JSON on a unix socket that is for its owner only.

    GET  /status             what the daemon does            POST /wake      look into the database now
    GET  /jobs[?limit=N]     newest first                    POST /reload    read the configuration again
    GET  /jobs/ID            one, with all that is known     GET  /events[?job=ID]   what happens, live
    GET  /inboxes            what lies in them               GET  /health     how each part is
    GET  /cluster            who makes the lips, and where   GET  /metrics    the same, for Prometheus
    POST /jobs               submit: 201 new, 200 its key is known
    POST /jobs/ID/cancel     POST /jobs/ID/retry

Nothing here is needed for the queue to be right: what is said on this socket, the database knows too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web

from daemon.control import unix_socket
from daemon.control.events import Event, Events, Subscription
from daemon.control.http_json import HEADERS, STOP_S, JsonServer, answer, read_json, read_number, to_json
from daemon.control.wish import check_wish
from daemon.health.metrics import CONTENT_TYPE
from daemon.health.report import Report
from models.errors import BadInput, Unavailable

BODY_BYTES = 2**20
KEEP_ALIVE_S = 15.0  # an empty line tells a listener that the daemon is alive, and us that the listener is
UNREAD_S = 30.0  # a listener that reads nothing for so long is let go; it may come back
MOST_JOBS = 1_000_000
THREADS = 8

T = TypeVar("T")


class Office(Protocol):
    """What the daemon does when it is asked. Called from several threads; may block, and may raise
    VigentdErrors."""

    def status(self) -> dict[str, Any]: ...

    def why(self) -> str:
        """Why no job is worked on though there may be some; "" when there is no reason. At once."""

    def health(self) -> Report:
        """From memory, at once."""

    def metrics_text(self) -> str:
        """The same, for Prometheus."""

    def inbox_status(self) -> list[dict[str, Any]]: ...

    def cluster_status(self) -> dict[str, Any]:
        """From memory, at once."""

    def jobs(self, limit: int | None) -> list[dict[str, Any]]: ...

    def job(self, job_id: str) -> dict[str, Any]: ...

    def submit(self, wish: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The job, and whether it is new. wish: as `check_wish` gives it."""

    def cancel(self, job_id: str) -> dict[str, Any]: ...

    def retry(self, job_id: str) -> dict[str, Any]: ...

    def wake(self) -> None:
        """A command has written to the database."""

    def reload(self) -> None: ...


class Control:
    """path: of the socket; its folder is there."""

    def __init__(self, office: Office, events: Events, path: Path) -> None:
        self._office = office
        self._events = events
        self._path = path
        self._inode: tuple[int, int] | None = None
        self._runner: web.ServerRunner | None = None
        self._stopping = False
        self._streams: dict[asyncio.Task[Any], asyncio.Event] = {}  # each with what wakes it

    async def start(self) -> None:
        """Answers from now on. Raises Unavailable `control_socket`."""
        try:
            listener = unix_socket.listen(self._path)
            self._inode = _inode(self._path)
        except OSError as e:
            raise Unavailable(
                f"The control socket {self._path} cannot be made: {e.strerror}",
                code="control_socket",
                hint="Move away what has this name, or give the owner the right to write to its folder.",
            ) from e
        self._threads = ThreadPoolExecutor(THREADS, "control")
        # Of their own: a clip on a disk that does not answer must not keep anybody from `cancel`.
        self._submissions = ThreadPoolExecutor(2, "submit")
        self._runner = web.ServerRunner(JsonServer(self._answer, BODY_BYTES), shutdown_timeout=STOP_S)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Ends the streams, lets what was asked be answered, and takes the socket file away."""
        if self._runner is None:
            return
        with contextlib.suppress(OSError):  # gone, or another's: it is not ours to remove
            if _inode(self._path) == self._inode:
                self._path.unlink()
        await self._end_streams()
        await self._runner.cleanup()
        for threads in (self._threads, self._submissions):
            threads.shutdown(wait=False, cancel_futures=True)
        self._runner = None

    # ------------------------------------------------------------ routes

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        methods = []
        for method, path, handler in ROUTES:
            if (match := path.fullmatch(request.path)) is None:
                continue
            if method == request.method:
                return await handler(self, request, **match.groupdict())
            methods.append(method)
        if methods:
            known = " and ".join(methods)
            raise BadInput(f"{request.path} takes {known} requests only", code="method_unknown")
        raise BadInput(
            f"There is nothing at {request.path}",
            code="path_unknown",
            hint="There are /status, /health, /metrics, /jobs, /jobs/ID, …/cancel, …/retry, /inboxes, "
            "/cluster, /events, /wake, /reload.",
        )

    async def _status(self, _: web.BaseRequest) -> web.Response:
        return answer(await self._told(self._office.status))

    async def _health(self, _: web.BaseRequest) -> web.Response:
        return answer(to_json(self._office.health().as_dict()))  # in no thread: they may all be busy

    async def _metrics(self, _: web.BaseRequest) -> web.Response:
        body = self._office.metrics_text().encode()
        return web.Response(body=body, headers=HEADERS | {"Content-Type": CONTENT_TYPE})

    async def _inboxes(self, _: web.BaseRequest) -> web.Response:
        return answer(await self._told(self._office.inbox_status))

    async def _cluster(self, _: web.BaseRequest) -> web.Response:
        return answer(to_json(self._office.cluster_status()))

    async def _jobs(self, request: web.BaseRequest) -> web.Response:
        return answer(await self._told(self._office.jobs, read_number(request, "limit", MOST_JOBS)))

    async def _job(self, _: web.BaseRequest, job_id: str) -> web.Response:
        return answer(await self._told(self._office.job, job_id))

    async def _submit(self, request: web.BaseRequest) -> web.Response:
        wish = check_wish(await read_json(request))
        loop = asyncio.get_running_loop()
        job, new = await loop.run_in_executor(self._submissions, self._office.submit, wish)
        return answer(to_json(job), 201 if new else 200)

    async def _cancel(self, _: web.BaseRequest, job_id: str) -> web.Response:
        return answer(await self._told(self._office.cancel, job_id))

    async def _retry(self, _: web.BaseRequest, job_id: str) -> web.Response:
        return answer(await self._told(self._office.retry, job_id))

    async def _wake(self, _: web.BaseRequest) -> web.Response:
        await self._in_thread(self._office.wake)
        return answer(to_json({}))

    async def _reload(self, _: web.BaseRequest) -> web.Response:
        await self._in_thread(self._office.reload)
        return answer(to_json({}))

    async def _told(self, ask: Callable[..., Any], *arguments: Any) -> bytes:
        """Ten thousand jobs take a while to be written down, too."""
        return await self._in_thread(lambda: to_json(ask(*arguments)))

    async def _in_thread(self, ask: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask, *arguments)

    # ------------------------------------------------------------ the stream of events

    async def _follow(self, request: web.BaseRequest) -> web.StreamResponse:
        """One JSON object a line: a "hello", then what happens (with ?job, to that job)."""
        loop, task, woken = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
        assert task is not None

        def notify() -> None:
            loop.call_soon_threadsafe(woken.set)

        with self._events.subscribe(notify) as news:  # first, so that nothing falls between
            job_id = request.query.get("job")
            if job_id is not None:
                job_id = (await self._in_thread(self._office.job, job_id))["id"]
            response = web.StreamResponse(headers=HEADERS | {"Content-Type": "application/x-ndjson"})
            await response.prepare(request)
            self._streams[task] = woken
            try:
                hello = {"event": "hello", "pid": os.getpid(), "job": job_id, "why": self._office.why()}
                await _send(response, to_json(hello))
                await self._pour(response, news, woken, job_id)
            except BaseException:  # what could not be sent is dropped: waiting for it might be for ever
                if request.transport is not None:
                    request.transport.abort()
                raise
            finally:
                self._streams.pop(task, None)
        return response

    async def _pour(
        self, response: web.StreamResponse, news: Subscription, woken: asyncio.Event, job_id: str | None
    ) -> None:
        """Until the daemon stops. Other jobs' events are no sign of life to one who does not get them."""
        clock = asyncio.get_running_loop().time
        due = clock() + KEEP_ALIVE_S
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await woken.wait()
            woken.clear()
            lines = _lines(news, job_id) or (b"\n" if clock() >= due else b"")
            if lines:
                await _send(response, lines)
                due = clock() + KEEP_ALIVE_S
        await _send(response, _lines(news, job_id))

    async def _end_streams(self) -> None:
        self._stopping = True
        for woken in self._streams.values():
            woken.set()
        if streams := set(self._streams):
            _, unread = await asyncio.wait(streams, timeout=STOP_S)
            for task in unread:
                task.cancel()


async def _send(response: web.StreamResponse, lines: bytes) -> None:
    async with asyncio.timeout(UNREAD_S):
        await response.write(lines)


def _lines(news: Subscription, job_id: str | None) -> bytes:
    return b"".join(_line(event) for event in news.take(0) if _concerns(event, job_id))


def _concerns(event: Event, job_id: str | None) -> bool:
    about = event.facts.get("id" if event.name == "job" else "job")
    return job_id is None or about is None or about == job_id


def _line(event: Event) -> bytes:
    head = {"event": event.name, "at": event.at}
    return to_json(head | event.facts | head)  # twice: first in order, and no fact hides them


def _inode(path: Path) -> tuple[int, int]:
    there = path.lstat()
    return there.st_dev, there.st_ino


Route = Callable[..., Awaitable[web.StreamResponse]]
JOB = "/jobs/(?P<job_id>[^/]+)"
ROUTES: tuple[tuple[str, re.Pattern[str], Route], ...] = tuple(
    (method, re.compile(path), handler)
    for method, path, handler in (
        ("GET", "/status", Control._status),
        ("GET", "/health", Control._health),
        ("GET", "/metrics", Control._metrics),
        ("GET", "/inboxes", Control._inboxes),
        ("GET", "/cluster", Control._cluster),
        ("GET", "/jobs", Control._jobs),
        ("POST", "/jobs", Control._submit),
        ("GET", JOB, Control._job),
        ("POST", JOB + "/cancel", Control._cancel),
        ("POST", JOB + "/retry", Control._retry),
        ("GET", "/events", Control._follow),
        ("POST", "/wake", Control._wake),
        ("POST", "/reload", Control._reload),
    )
)
