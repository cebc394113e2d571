"""One HTTP request: who asks, what for, the fault that hits it, the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.handlers.telegram.botapi import parsing
from tests.handlers.telegram.botapi.calls import Call, Calls
from tests.handlers.telegram.botapi.errors import ApiError
from tests.handlers.telegram.botapi.faults import DONE, Fault, Faults
from tests.handlers.telegram.botapi.files import StoredFile
from tests.handlers.telegram.botapi.methods import METHODS
from tests.handlers.telegram.botapi.pace import Pace
from tests.handlers.telegram.botapi.parsing import Reading, Request
from tests.handlers.telegram.botapi.polling import Polling
from tests.handlers.telegram.botapi.state import State

PIECE = 2**18  # bytes
UNPACED = {"sendchataction"}
BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body></html>\r\n"
)


class Service:
    """broken: what went wrong in this server itself; a test must not take that for a fault."""

    def __init__(self, token: str, state: State, faults: Faults, calls: Calls, pace: Pace | None) -> None:
        self._token = token
        self._state = state
        self._faults = faults
        self._calls = calls
        self._pace = pace
        self._polling = Polling(state)
        self.broken: list[Exception] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            kind, _, rest = request.path.removeprefix("/").partition("bot")
            token, _, what = rest.partition("/")
            if kind not in {"", "file/"} or not token:
                return _json(404, ApiError(404, "Not Found").as_json())
            if token != self._token:
                await parsing.drain(request)
                return _json(401, ApiError(401, "Unauthorized").as_json())
            return await (self._download(request, what) if kind else self._call(request, what))
        except (ConnectionError, web.RequestPayloadError):
            return hang_up(request)  # the bot has gone
        except Exception as e:
            self.broken.append(e)
            raise

    async def _call(self, request: web.BaseRequest, method: str) -> web.StreamResponse:
        call = Call(self._state.clock(), method, outcome="lost")
        fault = self._faults.strike(method)
        try:
            answer = await self._answer(request, call, fault)
        finally:
            call.done_at = self._state.clock()
            self._calls.add(call)
        return await _send(request, answer, fault)

    async def _answer(self, request: web.BaseRequest, call: Call, fault: Fault | None) -> dict[str, Any]:
        """The JSON; {} for what is answered with no JSON at all."""
        asked = Request(call.method)
        try:
            asked = await self._read(request, call, fault)
            if fault is not None and fault.kind not in DONE:
                call.outcome = fault.kind
                return _refusal(fault)
            result = await self._do(asked)
        except ApiError as e:
            call.outcome, call.description = str(e.code), e.description
            return e.as_json()
        finally:
            for upload in asked.uploads.values():
                upload.path.unlink(missing_ok=True)  # those that no method took
        call.outcome, call.done = (fault.kind if fault else "ok"), True
        return {"ok": True, "result": result}

    async def _read(self, request: web.BaseRequest, call: Call, fault: Fault | None) -> Request:
        state = self._state
        limit = None if state.local_mode else state.upload_limit
        pause = fault.seconds / 2 if fault and fault.kind == "slow" else 0.0
        asked = await parsing.read(call.method, request, Reading(limit, state.files.new_upload, pause))
        asked.fault = fault.kind if fault else None
        call.size, call.params = asked.size, asked.params
        call.chat_id = asked.integer("chat_id")
        if (query := state.queries.get(asked.text("callback_query_id") or "")) is not None:
            call.chat_id = query.chat.id
        return asked

    async def _do(self, asked: Request) -> Any:
        name = asked.method.lower()
        if name == "getupdates":
            return await self._polling.get_updates(asked)
        if name not in METHODS:
            raise ApiError(404, "Not Found")
        state = self._state
        with state.condition:
            chat = state.chats.get(asked.integer("chat_id") or 0)
            if self._pace and chat and name.startswith(("send", "edit")) and name not in UNPACED:
                self._pace.take(chat, state.clock())
            return METHODS[name](state, asked)

    async def _download(self, request: web.BaseRequest, where: str) -> web.StreamResponse:
        call = Call(self._state.clock(), "download", outcome="ok", params={"file_path": where})
        fault = self._faults.strike("download")
        file = None if self._state.local_mode else self._state.files.at(where)
        if fault is not None:
            call.outcome = fault.kind
        elif file is None:
            call.outcome = "404"
        call.done = file is not None and (fault is None or fault.kind in DONE)
        call.done_at = self._state.clock()
        self._calls.add(call)
        if fault is not None and fault.kind not in DONE:
            return await _send(request, _refusal(fault), fault)
        if file is None:
            return _json(404, ApiError(404, "Not Found").as_json())
        return await _send_file(request, file, fault)


def hang_up(request: web.BaseRequest) -> web.Response:
    """Closes the connection with no answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere


async def _send(request: web.BaseRequest, answer: dict[str, Any], fault: Fault | None) -> web.StreamResponse:
    kind = fault.kind if fault else None
    if kind in {"drop_before", "drop_after"}:
        return hang_up(request)
    if kind == "bad_gateway":
        return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
    if fault is not None and kind == "late":
        await asyncio.sleep(fault.seconds)
    status = 200 if answer["ok"] else answer["error_code"]
    if fault is not None and kind == "slow":
        return await _send_slowly(request, status, answer, fault.seconds / 2)
    return _json(status, answer)


async def _send_slowly(
    request: web.BaseRequest, status: int, answer: dict[str, Any], pause: float
) -> web.StreamResponse:
    body = json.dumps(answer).encode()
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(pause)
    await response.write(body[len(body) // 2 :])
    await response.write_eof()
    return response


async def _send_file(request: web.BaseRequest, file: StoredFile, fault: Fault | None) -> web.StreamResponse:
    """drop_after: the connection is closed in the middle of it. slow: there is a pause in the middle."""
    kind = fault.kind if fault else None
    if fault is not None and kind == "late":
        await asyncio.sleep(fault.seconds)
    size = file.path.stat().st_size
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.content_length = size
    await response.prepare(request)
    with file.path.open("rb") as source:
        half = max(1, size // 2)
        while piece := source.read(min(PIECE, half)):
            await response.write(piece)
            if source.tell() >= half and fault is not None and kind in {"drop_after", "slow"}:
                if kind == "drop_after":
                    return hang_up(request)
                await asyncio.sleep(fault.seconds)
                kind = None
    await response.write_eof()
    return response


def _refusal(fault: Fault) -> dict[str, Any]:
    if fault.kind == "too_many":
        seconds = fault.retry_after
        return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds).as_json()
    return ApiError(500, "Internal Server Error").as_json()


def _json(status: int, answer: dict[str, Any]) -> web.Response:
    return web.Response(status=status, text=json.dumps(answer), content_type="application/json")
