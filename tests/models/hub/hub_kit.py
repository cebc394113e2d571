"""A hub to fetch from: a real HTTP server that speaks its protocol, a storage on another port, and faults.

As huggingface.co: `/OWNER/NAME/resolve/COMMIT/FILE` answers small files itself and sends on to the storage
for large ones, telling size and SHA-256 in headers of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from models.errors import VigentdError
from models.hub.catalogue import File, Model
from models.hub.watch import Doing
from tests.handlers.inbox.rights import give_up_rights

REVISION = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000  # bytes; above it a file is in the storage
ROOT = Path(__file__).resolve().parents[3]


def content(name: str, size: int) -> bytes:
    return random.Random(name).randbytes(size)


def file_of(name: str, data: bytes) -> File:
    return File(name, len(data), hashlib.sha256(data).hexdigest())


def model_of(name: str, files: dict[str, bytes], instead: File | None = None) -> Model:
    made = tuple(file_of(path, data) for path, data in files.items())
    return Model(name, f"tiny/{name}", REVISION, made, (instead,) if instead else ())


TINY_FILES = {
    "config.json": b'{"tiny": true}',
    "weights.bin": content("weights", 400_000),
    "part/more.bin": content("more", 90_000),
}
TINY = model_of("Tiny-1.0", TINY_FILES)
WEIGHTS = TINY.files[1]


@dataclass
class Asked:
    """One request. where: "hub" or "storage". range: as asked for, or ""."""

    where: str
    file: str
    range: str
    headers: dict[str, str]


@dataclass
class Fault:
    """What happens to one request for a file. after: bytes of the body that are sent before.

    cut: the connection is reset; end: it is closed, in order; hold: nothing more comes until `release`.
    """

    kind: str
    after: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class TinyHub:
    """endpoint: its address. asked: all requests so far."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.endpoint = self.storage = ""
        self.prefix = ""  # of a mirror that lies in a path of its server
        self.ranges = True  # whether the storage knows ranges
        self.no_range = False  # whether it answers 416 to each of them
        self.held = threading.Event()
        self._repositories: dict[str, dict[str, bytes]] = {}
        self._told: dict[str, str] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._release = asyncio.Event()

    def has(self, model: Model, files: dict[str, bytes]) -> None:
        self._repositories[model.repository] = files

    def tells(self, file: str, sha256: str) -> None:
        """It says that the file has this hash, whatever it has."""
        self._told[file] = sha256

    def fault(self, file: str, *faults: Fault) -> None:
        """For the next requests of this file, one each."""
        self._faults.setdefault(file, []).extend(faults)

    def ranges_of(self, file: str) -> list[str]:
        """The ranges that the storage was asked for."""
        return [asked.range for asked in self.asked if asked.where == "storage" and asked.file == file]

    # ---------------------------------------------------------------- answers

    async def hub(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(self.prefix).strip("/")
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        self._remember("hub", name, request)
        fault = self._next(name, at_hub=True)
        if fault is not None:
            return web.Response(status=fault.status, headers=fault.headers)
        files = self._repositories.get(repository)
        if files is None or revision != REVISION or name not in files:
            code = (
                "RepoNotFound"
                if files is None
                else "RevisionNotFound"
                if revision != REVISION
                else "EntryNotFound"
            )
            return web.Response(status=404, headers={"X-Error-Code": code})
        data = files[name]
        sha256 = self._told.get(name, hashlib.sha256(data).hexdigest())
        if len(data) <= LARGE:
            tag = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            return web.Response(body=data, headers={"ETag": f'"{tag}"', "X-Repo-Commit": REVISION})
        told = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": REVISION}
        return web.Response(
            status=302, headers=told | {"Location": f"{self.storage}/{repository}/{name}?signed=secret"}
        )

    async def stored(self, request: web.Request) -> web.StreamResponse:
        owner, model, name = request.path.strip("/").split("/", 2)
        self._remember("storage", name, request)
        data = self._repositories[f"{owner}/{model}"][name]
        start = 0
        if self.ranges and (asked := request.headers.get("Range")):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data) or (start and self.no_range):
            return web.Response(status=416)
        headers = {"Content-Length": str(len(data) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return await self._send(request, data[start:], 206 if start else 200, headers, self._next(name))

    async def _send(
        self, request: web.Request, data: bytes, status: int, headers: dict[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None and fault.kind == "end":  # how long it is, is not told then
            headers = {"Connection": "close"}
        response = web.StreamResponse(status=status, headers=headers)
        if fault is not None and fault.kind == "end":
            response.force_close()
        await response.prepare(request)
        if fault is None:
            await response.write(data)
            return response
        await response.write(data[: fault.after])
        if fault.kind == "hold":
            self.held.set()
            await self._release.wait()
        if fault.kind == "cut" and request.transport is not None:
            request.transport.abort()
        return response

    def _remember(self, where: str, name: str, request: web.Request) -> None:
        self.asked.append(Asked(where, name, request.headers.get("Range", ""), dict(request.headers)))

    def _next(self, name: str, at_hub: bool = False) -> Fault | None:
        waiting = self._faults.get(name, [])
        if waiting and (waiting[0].kind == "refuse") == at_hub:
            return waiting.pop(0)
        return None

    # ---------------------------------------------------------------- running

    async def serve(self, ready: Callable[[], None], over: asyncio.Event) -> None:
        runners = []
        for name, answer in (("endpoint", self.hub), ("storage", self.stored)):
            runner = web.ServerRunner(web.Server(_handler(answer)), shutdown_timeout=0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            setattr(self, name, f"http://{host}:{port}")
            runners.append(runner)
        ready()
        await over.wait()
        self._release.set()
        for runner in runners:
            await runner.cleanup()


def _handler(answer: Callable[[Any], Awaitable[web.StreamResponse]]) -> Any:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await answer(request)
        except ConnectionError:  # whoever asked is gone
            return web.Response()

    return handle


@contextmanager
def serving() -> Iterator[TinyHub]:
    hub, ready, over, loops = TinyHub(), threading.Event(), asyncio.Event(), []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await hub.serve(ready.set, over)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield hub
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(60)
        assert not thread.is_alive()


@dataclass
class Seen:
    """A Watch that keeps what it is told, and may do something when a file has so many bytes."""

    got: dict[str, int] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    when: Callable[[str, int], None] = lambda what, count: None

    def __post_init__(self) -> None:
        self._numbers: list[tuple[Doing, str]] = []

    def begin(self, doing: Doing, what: str, size: int, done: int = 0) -> int:
        self._numbers.append((doing, what))
        if doing == "getting":
            self.got[what] = done
        else:
            self.checked.append(what)
        return len(self._numbers) - 1

    def advance(self, number: int, count: int) -> None:
        doing, what = self._numbers[number]
        if doing == "getting":
            self.got[what] += count
            self.when(what, self.got[what])

    def end(self, number: int) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def without_rights(work: Callable[[], object]) -> VigentdError:
    """What `work` raises where the rights of files hold, under root, too."""

    def run() -> None:
        give_up_rights()
        work()

    with ThreadPoolExecutor() as threads, pytest.raises(VigentdError) as raised:
        threads.submit(run).result()
    return raised.value


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


# ---------------------------------------------------------------- in a process of its own

MODELS = "TINY_MODELS"  # the environment variable with the models that `vigentd` knows in such a process


def as_variable(*models: Model) -> dict[str, str]:
    from dataclasses import asdict

    return {MODELS: json.dumps([asdict(model) for model in models])}


COMMAND = [sys.executable, "-c", "from tests.models.hub import hub_kit; hub_kit.main()"]


def main() -> None:
    """`vigentd` with a catalogue of tiny models."""
    from daemon import cli
    from models.hub import catalogue

    known = {}
    for told in json.loads(os.environ[MODELS]):
        files = tuple(File(**file) for file in told["files"])
        known[told["name"]] = Model(told["name"], told["repository"], told["revision"], files)
    catalogue.MODELS = known
    cli.main()
