"""The server's life: a thread with a loop of its own, a port that stays the same, an end without remains."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from tests.handlers.telegram.botapi.calls import Calls
from tests.handlers.telegram.botapi.content import User
from tests.handlers.telegram.botapi.faults import Faults
from tests.handlers.telegram.botapi.groups import Group
from tests.handlers.telegram.botapi.pace import Limits, Pace
from tests.handlers.telegram.botapi.people import Person
from tests.handlers.telegram.botapi.serving import Service
from tests.handlers.telegram.botapi.state import Chat, State

T = TypeVar("T")
HOST = "127.0.0.1"
TOKEN = "7600000001:AAFfakeTokenOfTheFakeServer_0123456"
START_S = 10.0


class BotApi:
    """A Bot API server for one bot: `with BotApi() as api: ...`.

    upload_limit, download_limit: bytes. limits: the rate limits to enforce; None: none. port: 0: any.
    query_lifetime_s: how long a press may be answered.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "vigent_test_bot",
        local_mode: bool = False,
        upload_limit: int = 50 * 2**20,
        download_limit: int = 20 * 2**20,
        limits: Limits | None = None,
        query_lifetime_s: float = 30.0,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.token = token
        self._folder = tempfile.TemporaryDirectory(prefix="botapi-")
        bot = User(int(token.partition(":")[0]), "Vigent", username, is_bot=True)
        self.state = State(bot, Path(self._folder.name), clock, now)
        self.state.local_mode = local_mode
        self.state.upload_limit = upload_limit
        self.state.download_limit = None if local_mode else download_limit
        self.state.query_lifetime_s = query_lifetime_s
        self.faults = Faults()
        self.calls = Calls(self.state.condition)
        self._pace = Pace(limits) if limits else None
        self._wanted_port = port
        self._thread = threading.Thread(target=self._run, name="botapi", daemon=True)
        self._started: Future[None] = Future()

    # --- life

    def __enter__(self) -> Self:
        self._reserved = _bound(self._wanted_port)
        self.port: int = self._reserved.getsockname()[1]
        self._thread.start()
        self._started.result(START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive(), "the fake Bot API server does not end"
        self._reserved.close()
        self._folder.cleanup()
        if kind is None and self._service.broken:
            raise AssertionError("the fake Bot API server itself failed") from self._service.broken[0]

    def down(self) -> None:
        """Connections are refused from now on, and those that are open break. What it knows, it keeps."""
        self._on_loop(self._close)

    def up(self) -> None:
        """On the same port again."""
        self._on_loop(self._open)

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}/bot"

    @property
    def base_file_url(self) -> str:
        return f"http://{HOST}:{self.port}/file/bot"

    # --- the people, and what they see

    def person(
        self,
        id: int,
        name: str,
        *,
        username: str | None = None,
        language_code: str | None = "en",
        started: bool = True,
    ) -> Person:
        """started: whether the bot may write first."""
        return Person(self.state, User(id, name, username or name.lower(), language_code), started=started)

    def group(
        self,
        title: str,
        people: Iterable[Person],
        *,
        admins: Iterable[Person] = (),
        privacy: bool = True,
        supergroup: bool = False,
    ) -> Group:
        """The first of the people has made it. privacy: the bot is told only of what is meant for it."""
        return Group(self.state, title, list(people), list(admins), privacy=privacy, supergroup=supergroup)

    def chat(self, id: int) -> Chat:
        return self.state.chats[id]

    def wait_for(
        self, wanted: Callable[[], T | None], timeout: float = 60.0, why: str = "it did not come"
    ) -> T:
        """Until wanted() is true; it is looked at again whenever anything happens on the server."""
        return self.state.wait_for(wanted, timeout, lambda: f"{why} within {timeout:g} s\n{self}")

    # --- the updates

    def replay(self, update_id: int) -> None:
        """Delivers an update once more, as the real one does when a confirmation was lost."""
        self.state.updates.replay(update_id)

    def wait_until_confirmed(self, update_id: int | None = None, timeout: float = 60.0) -> None:
        """None: all that there are."""
        updates = self.state.updates
        if update_id is None:
            self.wait_for(lambda: updates.all_confirmed, timeout, "not all updates were confirmed")
        else:
            why = f"update {update_id} was not confirmed"
            self.wait_for(lambda: updates.is_confirmed(update_id), timeout, why)

    def wait_until_polled(self, timeout: float = 60.0) -> None:
        """Until the bot waits for updates in a long poll."""
        self.wait_for(lambda: self.state.updates.polled, timeout, "the bot did not ask for updates")

    def __str__(self) -> str:
        return "\n".join(str(chat) for chat in self.state.chats.values())

    # --- the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as e:
            if self._started.done():
                raise
            self._started.set_exception(e)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._service = Service(self.token, self.state, self.faults, self.calls, self._pace)
        # handler_cancellation: a poll whose bot has died must not take the updates of the next one
        self._server = web.Server(self._service, handler_cancellation=True, access_log=None)
        await self._open()
        self._started.set_result(None)
        await self._stopping.wait()
        await self._close()
        await self._server.shutdown(timeout=1.0)

    async def _open(self) -> None:
        if self._listener is None:
            self._listener = await self._loop.create_server(self._server, sock=_bound(self.port))

    async def _close(self) -> None:
        if self._listener is not None:
            for bound in self._listener.sockets:
                self._loop.remove_reader(bound.fileno())
            for _ in range(2):  # asyncio forgets, open, what it has accepted and not yet made a connection of
                await asyncio.sleep(0)
            self._listener.close()
            self._listener = None
        for connection in self._server.connections:
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()

    def _on_loop(self, do: Callable[[], Coroutine[None, None, None]]) -> None:
        asyncio.run_coroutine_threadsafe(do(), self._loop).result(START_S)


def _bound(port: int) -> socket.socket:
    """Bound, and not listening: while one such is kept, nobody else is given the port, even in down()."""
    out = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    out.bind((HOST, port))
    return out
