"""The files of several models from the hub, a few at once: fetched, checked, laid beside each other."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from huggingface_hub import get_async_session

from models.durable import flushed, moved
from models.errors import VigentdError
from models.hub.catalogue import File, Model
from models.hub.digest import watched_sha256
from models.hub.fetch import WAITS, fetch
from models.hub.folders import part_of, told
from models.hub.plan import Plan
from models.hub.shelf import incomplete, size_of
from models.hub.source import Source
from models.hub.trouble import damaged
from models.hub.watch import Watch

AT_ONCE = 4  # files
AGAIN_S = 0.5


def gather(
    weights: Path,
    plans: Sequence[Plan],
    source: Source,
    watch: Watch,
    settle: Callable[[Plan], None],
    waits: Sequence[float] | None = None,
) -> None:
    """All that is missing; `settle` is called, in a thread, for each model as soon as it is there.

    Raises Unavailable for the first thing that goes wrong; KeyboardInterrupt at once.
    """
    gathering = _Gathering(weights, source, watch, settle, WAITS if waits is None else waits)
    try:
        asyncio.run(gathering.all(plans))
    except BaseExceptionGroup as group:
        raise _first(group) from None
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


class _Gathering:
    def __init__(
        self,
        weights: Path,
        source: Source,
        watch: Watch,
        settle: Callable[[Plan], None],
        waits: Sequence[float],
    ) -> None:
        self._weights, self._source, self._watch = weights, source, watch
        self._settle, self._waits = settle, waits
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._stopped = False
        self._said: set[str] = set()  # since something came: several files meet the same trouble

    async def all(self, plans: Sequence[Plan]) -> None:
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _break_off)
        try:
            async with get_async_session() as client, asyncio.TaskGroup() as tasks:
                for plan in plans:
                    tasks.create_task(self._model(client, plan))
        finally:
            self._stopped = True  # a thread that still reads a file need not go on

    async def _model(self, client: httpx.AsyncClient, plan: Plan) -> None:
        async with asyncio.TaskGroup() as tasks:
            for file in sorted(plan.missing, key=lambda file: file.size):  # a refusal comes with a small one
                tasks.create_task(self._file(client, plan.model, file))
        await asyncio.to_thread(self._settle, plan)

    async def _file(self, client: httpx.AsyncClient, model: Model, file: File) -> None:
        folder = part_of(self._weights, model.name)
        part = incomplete(folder, file)
        async with self._gate:
            resumed = size_of(part) > 0
            found = await self._arrived(client, model, file, part)
            if found != file.sha256 and resumed:  # what was there of it may have been bad
                self._watch.note(
                    f"{model.name}/{file.name} came out damaged, and is fetched from its beginning"
                )
                found = await self._arrived(client, model, file, part)
            if found != file.sha256:
                raise damaged(self._source, model, file, found)
            await asyncio.to_thread(_finish, part, folder / file.name)

    async def _arrived(self, client: httpx.AsyncClient, model: Model, file: File, part: Path) -> str:
        """The SHA-256 of what came; when it is not the right one, it is thrown away."""
        what = f"{model.name}/{file.name}"
        number = self._watch.begin("getting", what, file.size, size_of(part))

        def advance(count: int) -> None:
            self._said.clear()
            self._watch.advance(number, count)

        await fetch(client, self._source, model, file, part, advance, self._note, self._waits)
        self._watch.end(number)
        found = await asyncio.to_thread(self._sha256, part, what)
        if found != file.sha256:
            with told(part):
                part.unlink()
        return found

    def _note(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._watch.note(text)

    def _sha256(self, path: Path, what: str) -> str:
        with told(path, "read"):
            return watched_sha256(path, what, self._watch, lambda: self._stopped)


def _break_off() -> None:
    """Cancels all that is going on, until it has ended: a single cancel has been seen to get lost."""
    for task in asyncio.all_tasks():
        task.cancel()
    asyncio.get_running_loop().call_later(AGAIN_S, _break_off)


def _finish(part: Path, path: Path) -> None:
    with told(path):
        flushed(part)
        moved(part, path)


def _first(error: BaseException) -> BaseException:
    """Of several that went wrong at once, one that a person can be told."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_first(one) for one in error.exceptions]
    return next((one for one in inner if isinstance(one, VigentdError)), inner[0])
