"""One file from the hub, going on with what of it is there.

huggingface_hub knows where a file is, how the hub is talked to, and what its refusals mean. Its own download
is not used: it writes into a file with a random name and takes that away when it is cut short
(github.com/huggingface/huggingface_hub/issues/4196), so gigabytes that had arrived would have to come again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from huggingface_hub import constants, hf_hub_url
from huggingface_hub.errors import OfflineModeIsEnabled

from models.errors import Unavailable
from models.hub.catalogue import File, Model
from models.hub.folders import told
from models.hub.shelf import size_of
from models.hub.source import Source
from models.hub.trouble import Passing, another_file, away, no_connection, refuse

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds, before the second, third, … try that brings nothing new
AT_FIRST = 2  # waits while nothing has come at all: there may be no network
TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds without a byte


async def fetch(
    client: httpx.AsyncClient,
    source: Source,
    model: Model,
    file: File,
    part: Path,
    advance: Callable[[int], None],
    note: Callable[[str], None],
    waits: Sequence[float] = WAITS,
) -> None:
    """Into `part`, all bytes of it; that they are the right ones has to be checked.

    advance: told how many bytes more there are. note: told when something went wrong, and is tried again.

    Raises Unavailable `hub_…`, `disk_full`, `models_unwritable`, …; what came by then is kept.
    """
    started = size_of(part)
    if started > file.size:
        started = _begin_again(part, started, advance)
    furthest, tries = started, 0
    while size_of(part) != file.size:
        try:
            await _go_on(client, source, model, file, part, advance)
        except Passing as passing:
            tries = 0 if size_of(part) > furthest else tries + 1
            furthest = max(furthest, size_of(part))
            left = waits if size_of(part) != started else waits[:AT_FIRST]
            if tries > len(left):
                raise away(source, passing.why) from None
            note(f"{source.host} {passing.why}; it is tried again")
            await asyncio.sleep(max(left[tries - 1] if tries else 0.0, passing.wait_s))


async def _go_on(
    client: httpx.AsyncClient,
    source: Source,
    model: Model,
    file: File,
    part: Path,
    advance: Callable[[int], None],
) -> None:
    """One answer of the server, as far as it goes. Raises as `fetch`, and Passing."""
    have = size_of(part)
    url = hf_hub_url(model.repository, file.name, revision=model.revision, endpoint=source.endpoint)
    headers = {"Accept-Encoding": "identity", "User-Agent": "vigentd"}  # of this machine nothing is told
    if have:
        headers["Range"] = f"bytes={have}-"
    if source.token:
        headers["Authorization"] = f"Bearer {source.token}"  # httpx does not take it along to another server
    try:
        async with client.stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
            if response.status_code == 416 and have:
                _begin_again(part, have, advance)
                raise Passing("cannot go on with the file")
            refuse(response, source, model, file)
            _need_same(response, source, model, file)
            if have and not _goes_on_at(response, have):
                _begin_again(part, have, advance)
                if response.status_code == 206:
                    raise Passing("cannot go on with the file")
            await _append(response, part, file.size, advance)
    except OfflineModeIsEnabled:
        raise Unavailable(
            "Nothing is fetched: HF_HUB_OFFLINE is set",
            code="hub_offline",
            hint="Unset it (or TRANSFORMERS_OFFLINE), and run the same command again.",
        ) from None
    except httpx.TransportError as e:
        raise Passing(no_connection(e)) from e
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise away(source, f"gave an answer that makes no sense ({type(e).__name__})") from None
    if size_of(part) < file.size:
        raise Passing("ended the file too early")


def _need_same(response: httpx.Response, source: Source, model: Model, file: File) -> None:
    """Before gigabytes are fetched: is this the file, as far as the server says? Raises Unavailable."""
    first = (response.history or [response])[0].headers  # the hub tells it while it sends on to its storage
    tag = first.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG) or first.get("ETag") or ""
    sha256 = tag.removeprefix("W/").strip('"')
    if re.fullmatch("[0-9a-f]{64}", sha256) and sha256 != file.sha256:  # of small files it is another hash
        raise another_file(source, model, file, f"SHA-256 {file.sha256}", sha256)
    size = _whole_size(response)
    if size is not None and size != file.size:
        raise another_file(source, model, file, f"{file.size:,} bytes", f"{size:,}")


def _whole_size(response: httpx.Response) -> int | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    said = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        said = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(said) if said.isdecimal() else None


def _goes_on_at(response: httpx.Response, have: int) -> bool:
    return response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
        f"bytes {have}-"
    )


async def _append(response: httpx.Response, part: Path, most: int, advance: Callable[[int], None]) -> None:
    with told(part.parent):
        part.parent.mkdir(parents=True, exist_ok=True)  # not before: a hub that is away leaves nothing behind
        with part.open("ab") as out:
            async for piece in response.aiter_bytes():
                advance(out.write(piece[: most - out.tell()]))
                if out.tell() == most:
                    return


def _begin_again(part: Path, have: int, advance: Callable[[int], None]) -> int:
    with told(part.parent):
        part.unlink(missing_ok=True)
    advance(-have)
    return 0
