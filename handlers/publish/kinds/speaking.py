"""What kinds share that speak HTTP themselves: bodies in pieces, how far they got, and what a failure means.

A request whose length is said at its start is nothing without its last byte. So as long as that byte has
not gone off, nothing has arrived; from then on a broken connection tells nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import SecretStr

from handlers.publish.errors import Login, NotSent, Unsure
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.waiting import retry_after
from models.errors import VigentdError
from models.progress import Progress, Quiet
from models.shortened import shortened

CONNECT_S = 10.0
STALL_S = 60.0  # without a byte, on the way there or back
ANSWER_S = 600.0  # from an answer's first line to its end
PIECE = 1 << 20  # bytes
MOST_ANSWER = 1 << 20  # bytes of an answer that are looked at

_NEVER_THERE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def checked_address(url: str) -> str:
    """For settings: a whole address, with no password in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"\s", url):
        raise ValueError("should be an address such as https://example.org/hook")
    if parts.username is not None or parts.password is not None:
        raise ValueError("should carry no name and password")
    return url


def joined(url: str, given: str) -> str:
    """The address that an answer names; "" when it is none."""
    try:
        there = urljoin(url, given)
        parts = urlsplit(there)
        return there if parts.hostname and parts.port != 0 and there.isprintable() else ""
    except ValueError:
        return ""


class Client(httpx.Client):
    clock: Callable[[], float]


def client(around: Surroundings, answer_s: float | None = None) -> Client:
    """answer_s: how long to wait for the next byte of an answer; None: as for everything."""
    for name in ("httpx", "httpcore"):  # they tell addresses, in which there may be secrets
        logging.getLogger(name).setLevel(logging.WARNING)
    read_s = STALL_S if answer_s is None else answer_s
    timeout = httpx.Timeout(STALL_S, connect=CONNECT_S, read=read_s)
    made = Client(transport=around.transport, timeout=timeout)
    made.clock = around.clock
    return made


def secret_of(given: SecretStr | None, file: Path | None, whose: str) -> str:
    """Raises Login when it cannot be read. whose: in words, for a person."""
    if given is not None:
        return given.get_secret_value()
    assert file is not None
    try:
        secret = file.expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as e:
        why = getattr(e, "strerror", None) or "it is not text"
        raise Login(f"The secret of {whose} cannot be read: {why}", hint=f"Look at {file}") from None
    if not secret:
        raise Login(f"The secret of {whose} is empty", hint=f"Look at {file}")
    return secret


@dataclass(frozen=True)
class Range:
    """Bytes begin … end - 1 of a file. written: its time (ns) then; of one that is written again meanwhile
    the last bytes are never given."""

    path: Path
    begin: int
    end: int
    written: int

    @classmethod
    def whole(cls, path: Path) -> Range:
        try:
            there = path.stat()
        except OSError as e:
            raise _unreadable(path, e) from e
        return cls(path, 0, there.st_size, there.st_mtime_ns)

    def pieces(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                file.seek(self.begin)
                left = self.end - self.begin
                while left:
                    content = file.read(min(PIECE, left))
                    if not content:
                        raise NotSent(f"{self.path.name} is shorter than it was")
                    if os.fstat(file.fileno()).st_mtime_ns != self.written:
                        raise NotSent(f"{self.path.name} was made again while it was sent", wait_s=61)
                    left -= len(content)
                    yield content
        except OSError as e:
            raise _unreadable(self.path, e) from e


def _unreadable(path: Path, error: OSError) -> NotSent:
    return NotSent(f"{path.name} cannot be read: {error.strerror}")


class Body:
    """What a request carries. over: its last byte has gone off, or is about to.

    Steps by its own bytes, from `before` on of `of` (its size, unless it is a part of more).
    """

    def __init__(
        self,
        parts: Sequence[bytes | Range],
        progress: Progress | None = None,
        *,
        before: int = 0,
        of: int | None = None,
    ) -> None:
        self._parts = parts
        self._progress = progress or Quiet()
        self.size = sum(p.end - p.begin if isinstance(p, Range) else len(p) for p in parts)
        self._before = before
        self._of = of or self.size
        self.over = False

    def pieces(self) -> Iterator[bytes]:
        for part in self._parts:
            yield from part.pieces() if isinstance(part, Range) else (part,)

    def __iter__(self) -> Iterator[bytes]:
        self.over, sent = False, 0
        for piece in self.pieces():
            if sent:
                self._progress.step(self._before + sent, self._of)  # not after the last: no way back then
            sent += len(piece)
            self.over = sent >= self.size
            yield piece


@dataclass(frozen=True)
class Part:
    """Of a form. file_name: "" for a plain field."""

    name: str
    content: bytes | Range
    type: str = ""
    file_name: str = ""


def form(parts: Sequence[Part], boundary: str) -> tuple[list[bytes | Range], str]:
    """multipart/form-data, and its Content-Type. boundary: made longer until no text has it in it."""
    while any(boundary.encode() in part.content for part in parts if isinstance(part.content, bytes)):
        boundary += "-"
    body: list[bytes | Range] = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'
        head += f'; filename="{part.file_name}"' if part.file_name else ""
        head += f"\r\nContent-Type: {part.type}" if part.type else ""
        body += [f"{head}\r\n\r\n".encode(), part.content, b"\r\n"]
    body.append(f"--{boundary}--\r\n".encode())
    return body, f"multipart/form-data; boundary={boundary}"


@dataclass(frozen=True)
class Answer:
    """whole: False when it broke off after its first line and headers."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool = True

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """{} when it is anything but an object."""
        try:
            found = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def words(self, *secrets: str) -> str:
        """What it says, for a person; the secrets hidden, should it repeat them."""
        text = self.content[:2000].decode(errors="replace")
        for secret in secrets:
            text = text.replace(secret, "***")
        plain = " ".join(
            "".join(c if c.isprintable() else " " for c in re.sub(r"<[^>]*>", " ", text)).split()
        )
        return shortened(plain, 200) if plain else ""

    def wait_s(self, now: dt.datetime) -> float | None:
        return retry_after(self.headers.get("retry-after", ""), now)


def say(
    http: Client,
    method: str,
    url: str,
    body: Body | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    who: str,
) -> Answer:
    """One request, tried once, no redirects followed. Raises NotSent, or Unsure when the body was over."""
    length = {"Content-Length": str(body.size)} if body is not None else {}
    try:
        with http.stream(method, url, content=body, headers={**(headers or {}), **length}) as response:
            content, whole = _read(response, http.clock)
            return Answer(response.status_code, response.headers, content, whole)
    except (httpx.TransportError, httpx.InvalidURL) as e:
        raise broke_off(e, who, body is not None and body.over) from None  # `e` knows the address: secrets


def broke_off(error: Exception, who: str, over: bool) -> VigentdError:
    why = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    if over and not isinstance(error, _NEVER_THERE):
        return Unsure(
            f"{who} did not say whether it has the video: {why}", hint="Look there before it is sent again"
        )
    return NotSent(
        f"{who} could not be reached, or broke off: {why}",
        hint="See whether it is up, and can be reached from this machine",
    )


def _read(response: httpx.Response, clock: Callable[[], float]) -> tuple[bytes, bool]:
    content, end = b"", clock() + ANSWER_S
    try:
        for piece in response.iter_bytes():
            content += piece
            if len(content) >= MOST_ANSWER:
                break
            if clock() > end:
                return content, False
    except (httpx.TransportError, httpx.DecodingError):
        return content, False
    return content, True
