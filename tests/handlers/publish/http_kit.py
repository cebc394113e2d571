"""A server on this machine to which a test says what it does: over a real socket, one thread a connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from handlers.publish.kind import Surroundings
from tests.handlers.publish.publish_kit import NOW, surroundings

__all__ = ["NOW", "Asked", "Reply", "Server", "quick", "serving"]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str  # with what stands behind "?"
    headers: dict[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True)
class Reply:
    """cut: None: all of it; else so many bytes of the body, and then the connection is closed."""

    status: int = 200
    body: Any = b""  # bytes, or JSON values
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


HANG_UP = Reply(0)  # closes, and says nothing
Answering = Callable[[Asked], Reply]


class Server(ThreadingHTTPServer):
    """take: of the next bodies only so many bytes are read, then the connection is closed.

    hold: no answer before it is set. asked: all whole requests, in order.
    """

    daemon_threads = True

    def __init__(self, answering: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.answering = answering
        self.asked: list[Asked] = []
        self.take: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        self.date = ""  # what it says that time it is; "": as it is
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # who is cut off, or killed, leaves a broken connection behind


class _Visit(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms between head and body
    timeout = 10

    def _visit(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        if size and self.server.take:
            self.partly(self.rfile.read(min(self.server.take.pop(0), size)))
            self.close_connection = True
            return
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        self.server.asked.append(asked)
        reply = self.server.answering(asked)
        self.server.hold.wait(10)
        self._reply(reply)

    do_GET = do_POST = do_PUT = do_DELETE = _visit

    def partly(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        partly = getattr(self.server, "partly", None)
        if partly is not None:
            partly(Asked(self.command, self.path, headers, body))

    def _reply(self, reply: Reply) -> None:
        if reply.status == 0:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if reply.cut is None else body[: reply.cut])
        self.close_connection = self.close_connection or reply.cut is not None

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.date or super().date_time_string(timestamp)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(server: Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(60)


def quick(folder: Path) -> Surroundings:
    """Reading the certificates of the world takes longer than most tests."""
    return replace(surroundings(folder), transport=httpx.HTTPTransport(verify=False))
