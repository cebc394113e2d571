"""The line to Telegram: a Bot whose requests go out in three ways, and whose errors are told apart.

    polling    waits for updates; longer than the server does
    small      everything else that is small; connections are kept
    files      every call that can carry a file; a new connection each time. One that was kept may turn out
               to be closed only once the request is written, and then nobody knows what became of it

The token is in the address of every request. `scrub` takes it out of whatever is to be seen.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
from typing import Any, cast
from urllib.parse import quote

import httpx
from telegram import Bot
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from daemon.config import TelegramSettings
from models.errors import Unavailable

LONG_POLL_S = 30
CONNECT_S, SMALL_S = 10.0, 20.0
CLOUD_FILE_S, LOCAL_FILE_S = 300.0, 3600.0  # a local server answers when all of it has gone on to Telegram
PIECE_S = 60.0  # for each piece of a file that is written
TOO_MANY_S = 5.0  # when Telegram does not say for how long
FILE_CALLS = frozenset(
    ("sendphoto", "sendvideo", "sendaudio", "sendvoice", "senddocument", "editmessagemedia")
)
HIDDEN = "[token]"
LIKE_A_TOKEN = re.compile(r"\b\d{6,20}(:|%3A)[\w-]{30,}", re.ASCII | re.IGNORECASE)


class TooMany(TelegramError):
    """429. seconds: not before. (telegram's own RetryAfter warns of its own attribute.)"""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many requests: not before {seconds:g} s")
        self.seconds = seconds


class TooLarge(BadRequest):
    """413."""


class ServerTrouble(NetworkError):
    """5xx. code: which."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Telegram's server has trouble ({code})")
        self.code = code


class Line(Bot):
    """What the bot says and hears goes through this. trusted: certificates; reading them takes a while."""

    def __init__(self, token: str, trusted: ssl.SSLContext, **how: Any) -> None:
        super().__init__(token, **how)
        self._trusted = trusted

    @property
    def trusted(self) -> ssl.SSLContext:
        return self._trusted

    async def place(self, file_id: str) -> tuple[str, int | None]:
        """Where the server has a file, as it says, and its size in bytes. (`get_file` makes an address of it,
        with the token, when it does not find it on this machine.) Raises TelegramError."""
        found = cast(dict[str, Any], await self._post("getFile", {"file_id": file_id}))
        return found.get("file_path") or "", found.get("file_size")

    async def news(self, offset: int, kinds: list[str], wait_s: int = LONG_POLL_S) -> list[dict[str, Any]]:
        """Updates as JSON, so that one which cannot be read does not hide the others.

        Raises TelegramError."""
        asked: dict[str, Any] = {"timeout": wait_s, "allowed_updates": kinds}
        if offset:
            asked["offset"] = offset
        found = await self._post("getUpdates", asked, read_timeout=wait_s + SMALL_S)
        return cast(list[dict[str, Any]], found)

    async def hang_up(self) -> None:
        """Closes all connections, whether it was initialized or not."""
        for way in self._request:
            await way.shutdown()


def build(settings: TelegramSettings, token: str) -> Line:
    """Connects to nothing yet. A proxy is taken from the environment (HTTPS_PROXY, ALL_PROXY).

    Raises Unavailable `proxy_unusable`."""
    quiet()
    trusted = httpx.create_ssl_context()
    try:
        return Line(
            token,
            trusted,
            base_url=settings.base_url,
            base_file_url=settings.base_file_url,
            local_mode=settings.local_mode,
            get_updates_request=_Ways(_request(trusted)),
            request=_Ways(_request(trusted), _files(trusted, settings.local_mode)),
        )
    except (RuntimeError, ImportError, ValueError, httpx.InvalidURL) as e:
        raise Unavailable(
            "The proxy in HTTPS_PROXY or ALL_PROXY cannot be used for Telegram",
            code="proxy_unusable",
            hint="Use an http:// proxy, or unset the variable.",
        ) from e


def scrub(text: str, token: str) -> str:
    """Without the token, and without whatever looks like one."""
    for secret in (token, quote(token, safe="")):
        text = text.replace(secret, HIDDEN) if secret else text
    return LIKE_A_TOKEN.sub(HIDDEN, text)


def quiet() -> None:
    """httpx tells the address of every request, and telegram every error, which is told by who meets it."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)


def _request(trusted: ssl.SSLContext) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=32,
        read_timeout=SMALL_S,
        write_timeout=SMALL_S,
        connect_timeout=CONNECT_S,
        pool_timeout=SMALL_S,
        httpx_kwargs={"verify": trusted},
    )


def _files(trusted: ssl.SSLContext, local: bool) -> HTTPXRequest:
    no_keeping = httpx.Limits(max_connections=16, max_keepalive_connections=0)
    return HTTPXRequest(
        read_timeout=LOCAL_FILE_S if local else CLOUD_FILE_S,
        write_timeout=PIECE_S,
        media_write_timeout=PIECE_S,
        connect_timeout=CONNECT_S,
        pool_timeout=PIECE_S,
        httpx_kwargs={"verify": trusted, "limits": no_keeping},
    )


class _Ways(BaseRequest):
    """Chooses the way, and looks at the answer's code before telegram makes one error of several."""

    def __init__(self, small: HTTPXRequest, files: HTTPXRequest | None = None) -> None:
        self._small = small
        self._files = files or small

    @property
    def read_timeout(self) -> float | None:
        return self._small.read_timeout

    async def initialize(self) -> None:
        await self._small.initialize()
        await self._files.initialize()

    async def shutdown(self) -> None:
        await self._small.shutdown()
        await self._files.shutdown()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **named: Any
    ) -> tuple[int, bytes]:
        carries = url.rpartition("/")[2].lower() in FILE_CALLS
        way = self._files if carries else self._small
        code, payload = await way.do_request(url, method, request_data, *timeouts, **named)
        if code == 429:
            raise TooMany(_retry_after(payload))
        if code == 413:
            raise TooLarge("Request Entity Too Large")
        if code >= 500:
            raise ServerTrouble(code)
        return code, payload


def _retry_after(payload: bytes) -> float:
    try:
        return float(json.loads(payload)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return TOO_MANY_S
