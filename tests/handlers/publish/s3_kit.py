"""A store that speaks S3 (moto's, over a real socket), and before it a door at which things go wrong."""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{words}</Message></Error>"


@dataclass
class Fault:
    """What is to happen once, to the next call of that name (operation(), below).

    how: cut (half of the body is read) · late (done, and no answer) · hold (until let go; then cut)
         · mute (done; nothing until let go)
         · answer (with status and code) · slow (done, a moment late)
         · garbled (done, and what comes back is not what a store says).
    """

    call: str
    how: str
    status: int = 500
    code: str = "InternalError"
    words: str = "no luck"
    headers: dict[str, str] = field(default_factory=dict)


def operation(method: str, path: str) -> str:
    """put, head, begin, part, parts, complete, abort, uploads (those under way), bucket"""
    address = urlsplit(path)
    asked = parse_qs(address.query, keep_blank_values=True)
    if "uploads" in asked:
        return "begin" if method == "POST" else "uploads"
    if "uploadId" in asked:
        return {"PUT": "part", "GET": "parts", "POST": "complete", "DELETE": "abort"}[method]
    if address.path.count("/") < 2:
        return "bucket"
    if method == "PUT" and not address.path.endswith(".mp4"):
        return "beside"
    return method.lower()


class Door(ThreadingHTTPServer):
    """Passes everything on to the store at `inside`, but for the faults. calls: how many of each."""

    daemon_threads = True
    faults: list[Fault]
    held: threading.Event
    let_go: threading.Event
    calls: Counter[str]

    def __init__(self, inside: int) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.inside = inside
        self.clear()

    def clear(self) -> None:
        self.faults, self.calls = [], Counter()
        self.held, self.let_go = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.call == call:
                self.faults.remove(fault)
                return fault
        return None


class _Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms between head and body
    server: Door

    def do_GET(self) -> None:
        call = operation(self.command, self.path)
        self.server.calls[call] += 1
        fault = self.server.take(call)
        size = int(self.headers.get("Content-Length") or 0)
        if fault is not None and fault.how in ("cut", "hold"):
            self.rfile.read(size // 2)
            if fault.how == "hold":
                self.server.held.set()
                self.server.let_go.wait(30)
            self._hang_up()
            return
        body = self.rfile.read(size)
        if fault is not None and fault.how == "answer":
            self._answer(
                fault.status, fault.headers, ERROR.format(code=fault.code, words=fault.words).encode()
            )
            return
        if fault is not None and fault.how == "slow":
            time.sleep(0.3)
        status, headers, answer = self._pass_on(body)
        if fault is not None and fault.how == "mute":
            self.server.let_go.wait(30)
        if fault is not None and fault.how in ("late", "mute"):
            self._hang_up()
            return
        if fault is not None and fault.how == "garbled":
            answer = b"<html><p>all is well"
        self._answer(status, headers, answer)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.server.inside, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            line.request(self.command, self.path, body, headers)
            answer = line.getresponse()
            content = answer.read()
            return answer.status, dict(answer.getheaders()), content
        finally:
            line.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        empty = self.command == "HEAD"
        length = headers.get("Content-Length", "0") if empty else str(len(body))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if not empty:
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(2)

    def handle(self) -> None:
        with suppress(ConnectionError):  # those who were killed in the middle
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def store() -> Iterator[Door]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    WSGIRequestHandler.disable_nagle_algorithm = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    door = Door(server.get_host_and_port()[1])
    serving = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield door
    finally:
        door.let_go.set()
        door.shutdown()
        door.server_close()
        serving.join()
        server.stop()
