"""HTTP as the control socket speaks it: every answer is JSON, and every refusal has one shape.

    {"error": {"code": "job_unknown", "message": "There is no job abc", "hint": "`vigentd ls` shows …"}}

This is aiohttp's low-level server, without its web application: that one would answer what is no HTTP,
and what it has no route for, in its own words.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from daemon.wording import in_words
from models.errors import BadInput, Unavailable, VigentdError

IDLE_S = 15.0  # a connection on which nothing is asked is closed
BODY_S = 10.0  # for a request to arrive whole
STOP_S = 1.0  # what is at work when the server stops may still take this long, twice
HEADERS = {"Server": "vigentd"}

STATUS = {
    "job_unknown": 404,
    "path_unknown": 404,
    "method_unknown": 405,
    "job_finished": 409,
    "job_done": 409,
    "job_active": 409,
    "out_taken": 409,
    "body_too_large": 413,
    "peer_refused": 403,
}

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
log = logging.getLogger("vigentd.control")


class JsonServer(web.Server):
    """handler: may raise anything; an error becomes its answer. Only this user, and root, are heard.

    When the client goes away, the handler is cancelled.
    """

    def __init__(self, handler: Handler, body_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        self._settings: dict[str, Any] = {
            "access_log": None,
            "logger": log,
            "keepalive_timeout": IDLE_S,
            "lingering_time": BODY_S,
            "tcp_keepalive": False,
        }

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await _answered(handler, request)

        def read(message: Any, body: Any, connection: Any, writer: Any, task: Any) -> web.BaseRequest:
            return web.BaseRequest(message, body, connection, writer, task, loop, client_max_size=body_bytes)

        super().__init__(handle, request_factory=read, handler_cancellation=True, **self._settings)

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._settings)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP; everything else has got its answer before."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        response = refusal(
            BadInput(
                "What arrived is no HTTP request that vigentd understands",
                code="request_malformed",
                hint="`curl --unix-socket` speaks it.",
            )
        )
        response.force_close()
        return response


async def _answered(handler: Handler, request: web.BaseRequest) -> web.StreamResponse:
    try:
        _check_peer(request)
        return await handler(request)
    except Exception as e:
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("nobody is there to be told") from e
        return refusal(in_words(e, _keep, "try again"))


def _check_peer(request: web.BaseRequest) -> None:
    """The mode of the socket keeps others out; this holds also when somebody has changed it."""
    if request.transport is None:
        raise ConnectionResetError
    own: socket.socket = request.transport.get_extra_info("socket")
    credentials = own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    if user not in (0, os.geteuid()):
        raise BadInput(
            f"User {user} may not talk to this daemon",
            code="peer_refused",
            hint="Only the user that runs it may, and root.",
        )


_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group


def _keep(error: BaseException) -> str:
    log.error("a fault in vigentd", exc_info=error)
    return "the log of the daemon"


# ---------------------------------------------------------------- answers


def to_json(value: Any) -> bytes:
    """One line. What JSON does not know is told as text: an answer must not fail for it."""
    return json.dumps(value, default=str).encode() + b"\n"


def answer(body: bytes, status: int = 200, headers: Mapping[str, str] = HEADERS) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def refusal(error: VigentdError) -> web.Response:
    return answer(to_json({"error": error.as_dict()}), status_of(error))


def status_of(error: VigentdError) -> int:
    if error.code in STATUS:
        return STATUS[error.code]
    if isinstance(error, BadInput):
        return 400
    return 503 if isinstance(error, Unavailable) else 500


# ---------------------------------------------------------------- requests


async def read_json(request: web.BaseRequest) -> Any:
    """Raises BadInput `body_too_large`, `body_late`, `body_malformed`."""
    try:
        async with asyncio.timeout(BODY_S):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge as e:
        raise BadInput(
            "The request is too large",
            code="body_too_large",
            hint="A very long script can be submitted with `vigentd submit`.",
        ) from e
    except TimeoutError as e:
        raise BadInput(f"The request did not arrive within {BODY_S:.0f} s", code="body_late") from e
    except (web.RequestPayloadError, web.PayloadAccessError) as e:
        raise BadInput("The request did not arrive whole", code="body_malformed") from e
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as e:  # too deep, or a number of thousands of digits
        raise BadInput(
            "The request is not JSON", code="body_malformed", hint='It is an object: {"clip": …}.'
        ) from e


def read_number(request: web.BaseRequest, name: str, highest: int) -> int | None:
    """A number from 1 on in the query; None when it is not there. Raises BadInput `query_invalid`."""
    said = request.query.get(name)
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) <= 9 and 1 <= int(said) <= highest):
        raise BadInput(f"{name} must be a number from 1 to {highest}, not {said!r}", code="query_invalid")
    return int(said)
