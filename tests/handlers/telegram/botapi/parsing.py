"""Reads a request: parameters from query, JSON, form or multipart; uploads go to the disk as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from tests.handlers.telegram.botapi.errors import ApiError, bad

PIECE = 2**18  # bytes
PART_PIECE = 2**24  # bytes at most; more than is ever buffered, else aiohttp warns of itself now and then
BODY_MAX = 2**23  # bytes, of what is no multipart


@dataclass(frozen=True)
class Upload:
    name: str
    mime: str | None
    path: Path


@dataclass
class Request:
    """One call of a method. fault: the fault that it is done in spite of."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    size: int = 0  # bytes of the body
    fault: str | None = None

    def text(self, name: str) -> str | None:
        value = self.params.get(name)
        return None if value is None else str(value)

    def integer(self, name: str) -> int | None:
        """None where it is missing, or no number: the real server, too, reads such a thing as nothing."""
        try:
            return int(self.params[name])
        except (KeyError, TypeError, ValueError):
            return None

    def boolean(self, name: str) -> bool:
        return str(self.params.get(name, "")).lower() in {"true", "1", "yes"}

    def data(self, name: str) -> Any:
        """A parameter that is an object or an array: as such, or as JSON in a string."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None


@dataclass(frozen=True)
class Reading:
    """upload_limit: of one file, in bytes; None: none. new_upload: a name on the disk. pause: seconds, once
    in the middle of the body, for a slow line."""

    upload_limit: int | None
    new_upload: Callable[[], Path]
    pause: float = 0.0


async def read(method: str, request: web.BaseRequest, how: Reading) -> Request:
    """Raises ApiError 413 and 400, after all was read: an answer before that might not be seen."""
    out = Request(method, dict(request.query), size=request.content_length or 0)
    if how.pause:
        await asyncio.sleep(how.pause)
    kind = request.content_type
    if kind == "multipart/form-data":
        await _multipart(out, request, how)
        return out
    body = b"".join([piece async for piece in request.content.iter_chunked(PIECE)])
    out.size = len(body)
    if len(body) > BODY_MAX:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "application/json" and body:
        out.params |= _json(body)
    elif body:
        out.params |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return out


async def drain(request: web.BaseRequest) -> int:
    """Reads and forgets; returns the number of bytes."""
    size = 0
    async for piece in request.content.iter_chunked(PIECE):
        size += len(piece)
    return size


def _json(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body)
    except ValueError:
        raise bad("can't parse JSON object") from None
    if not isinstance(params, dict):
        raise bad("object expected")
    return params


async def _multipart(out: Request, request: web.BaseRequest, how: Reading) -> None:
    too_large = False
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                continue
            if part.filename is None:
                value = b"".join([piece async for piece in _pieces(part)])
                out.params[part.name] = value.decode("utf-8", "replace")
                continue
            path = how.new_upload()
            too_large |= not await _save(path, part, how.upload_limit)
            mime = part.headers.get("Content-Type")
            out.uploads[part.name] = Upload(part.filename, mime, path)
    except ValueError:
        raise bad("can't parse multipart/form-data") from None
    if too_large:
        for upload in out.uploads.values():
            upload.path.unlink()
        raise ApiError(413, "Request Entity Too Large")


async def _save(path: Path, part: BodyPartReader, limit: int | None) -> bool:
    """Whether it is within the limit."""
    size = 0
    with path.open("wb") as out:
        async for piece in _pieces(part):
            size += len(piece)
            if limit is None or size <= limit:
                out.write(piece)
    return limit is None or size <= limit


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PART_PIECE):
        yield piece
