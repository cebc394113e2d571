"""Fetches what somebody sent, from Telegram or from the folder of a server on this machine.

It is written under another name beside its own, synced, and renamed: what has the name is whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import httpx
from telegram.error import BadRequest, TelegramError

from daemon.folders import make_private
from handlers.inbox.claim.reading import opened
from handlers.telegram.line import Line, scrub
from models.errors import FULL, BadInput, Unavailable

PIECE = 2**18  # bytes
AWAY = "telegram_away"
_CODES = {404: "file_missing", 410: "file_missing"}
TIMEOUT = httpx.Timeout(60.0, connect=10.0)


async def fetch(bot: Line, file_id: str, target: Path, limit: int, local: bool) -> int:
    """Its size in bytes. local: the server keeps its files on this machine, and says where.

    Raises BadInput `file_too_large` (what to do then is the caller's to say), `file_gone`;
    Unavailable `telegram_away`, `file_missing` (perhaps for now), `file_elsewhere`, `disk_full`,
    `disk_failed`.
    """
    place, size = await _asked(bot, file_id, limit)
    if size is not None and size > limit:
        raise _too_large(limit)
    if not place:
        raise _away("it does not say where the file is")
    try:
        if local:
            return await _copied(Path(place), target, limit)
        return await _streamed(bot, place, target, limit)
    except OSError as e:
        raise _of_the_disk(target, e) from e


async def _asked(bot: Line, file_id: str, limit: int) -> tuple[str, int | None]:
    try:
        return await bot.place(file_id)
    except BadRequest as e:
        said = scrub(str(e), bot.token)
        if "too big" in said.casefold():
            raise _too_large(limit) from None
        if "temporarily unavailable" in said.casefold():
            raise _away(said) from None
        raise BadInput(
            f"Telegram does not have the file any more: {said}", code="file_gone", hint="Send it again."
        ) from None
    except TelegramError as e:
        raise _away(scrub(str(e), bot.token)) from None  # the chain may hold the token


async def _streamed(bot: Line, place: str, target: Path, limit: int) -> int:
    address = f"{bot.base_file_url}/{place}"  # with the token in it
    try:
        client = httpx.AsyncClient(timeout=TIMEOUT, verify=bot.trusted)
        async with client, client.stream("GET", address) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _away(f"it answers {answer.status_code}", _CODES.get(answer.status_code, AWAY))
            with _beside(target) as (out, finish):
                size = 0
                async for piece in answer.aiter_bytes(PIECE):
                    size += len(piece)
                    if size > limit:
                        raise _too_large(limit)
                    out.write(piece)
                await asyncio.to_thread(finish)
            return size
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise _away(scrub(str(e) or type(e).__name__, bot.token)) from None


async def _copied(source: Path, target: Path, limit: int) -> int:
    """A copy, because the server may remove or change its own at any time."""
    stopped = False

    def copy() -> int:
        with _theirs(source) as given, _beside(target) as (out, finish):
            while piece := given.read(PIECE):
                if stopped:
                    raise InterruptedError("nobody waits for it any more")
                out.write(piece)
                if out.tell() > limit:
                    raise _too_large(limit)
            finish()
            return out.tell()

    try:
        return await asyncio.to_thread(copy)
    finally:
        stopped = True


@contextmanager
def _theirs(source: Path) -> Iterator[FileIO]:
    """The server's file, when it is one, and on this machine."""
    with contextlib.ExitStack() as stack:
        try:
            if not source.is_absolute():
                raise OSError(errno.EINVAL, "it is not a whole path")
            given = stack.enter_context(opened(source))
        except OSError as e:
            raise Unavailable(
                f"The Bot API server has the file at {source}, which cannot be read here: {e.strerror}",
                code="file_elsewhere",
                hint="Let vigentd read the server's folder, or set telegram.local_mode to false.",
            ) from e
        yield given


@contextmanager
def _beside(target: Path) -> Iterator[tuple[BinaryIO, Callable[[], None]]]:
    """A file to write to, and what makes it the target. Without that nothing is left."""
    make_private(target.parent)
    part = target.with_name(f".{target.name}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as out:

        def finish() -> None:
            out.flush()
            os.fsync(out.fileno())
            part.replace(target)
            folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

        try:
            yield out, finish
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()


def _too_large(limit: int) -> BadInput:
    return BadInput(
        f"The file is larger than {limit / 1e6:.0f} MB, which is all that can be fetched from Telegram",
        code="file_too_large",
    )


def _away(why: str, code: str = AWAY) -> Unavailable:
    return Unavailable(
        f"The file cannot be fetched from Telegram now: {why}",
        code=code,
        hint="It is tried again by itself.",
    )


def _of_the_disk(target: Path, error: OSError) -> Unavailable:
    full = error.errno in FULL
    return Unavailable(
        f"The file cannot be written to {target.parent}: {'the disk is full' if full else error.strerror}",
        code="disk_full" if full else "disk_failed",
        hint="Free some disk space and try again." if full else "Check the disk and its free space.",
    )
