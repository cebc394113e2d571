"""The metrics on a port of this machine, for a Prometheus that cannot read a unix socket; only if asked for.

Only 127.0.0.1, only GET /metrics, and nothing in them is secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from daemon.control.http_json import HEADERS, STOP_S
from daemon.health.component import Component
from daemon.health.metrics import CONTENT_TYPE
from daemon.logs.tell import Tell

HOST = "127.0.0.1"


class MetricsPort:
    """text: what is told, from memory. All methods but `health` belong to the event loop's thread."""

    def __init__(self, text: Callable[[], str], log: Tell) -> None:
        self._text = text
        self._log = log
        self._port = 0
        self._runner: web.ServerRunner | None = None
        self._trouble = ""
        self._turn = asyncio.Lock()

    async def use(self, port: int) -> None:
        """Answers at this one from now on; 0: at none. One that is taken is told, and tried no more."""
        async with self._turn:
            if port == self._port:
                return
            await self._close()
            self._port, self._trouble = port, ""
            if port:
                await self._open(port)

    async def stop(self) -> None:
        await self.use(0)

    def health(self) -> Iterable[Component]:
        """Nothing while there is none, or it works."""
        if trouble := self._trouble:
            hint = "Choose another health.port, and reload vigentd."
            yield Component("metrics", "dead", trouble=trouble, hint=hint)

    async def _open(self, port: int) -> None:
        runner = web.ServerRunner(_Server(self._answer), shutdown_timeout=STOP_S)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as e:
            self._trouble = f"The metrics cannot be had on port {port}: {e.strerror}"
            self._log.warning("metrics_port", port=port, error=e.strerror)
            await self._close()

    async def _close(self) -> None:
        if (runner := self._runner) is not None:
            self._runner = None
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/metrics":
            return web.Response(status=404, text="There is only /metrics\n", headers=HEADERS)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="/metrics takes GET requests only\n", headers=HEADERS)
        return web.Response(body=self._text().encode(), headers=HEADERS | {"Content-Type": CONTENT_TYPE})


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        settings: dict[str, Any] = {"access_log": None}
        return _Connection(self, loop=asyncio.get_running_loop(), **settings)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Whoever is on this machine may send what is no HTTP, and fills no log with that."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, text="That is no HTTP request\n", headers=HEADERS)
        response.force_close()
        return response
