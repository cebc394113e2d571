"""As much of a Bot API server as a bot needs that nobody writes to; it can go away and come back."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN = "7600000001:AAFfakeTokenOfTheFakeServer_0123456"
POLL_S = 0.5


class BotApi:
    """polls: how often it was asked for news."""

    def __init__(self) -> None:
        self.polls = 0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    def up(self) -> None:
        """On the same port again."""
        server = _Server(("127.0.0.1", self.port), _handler(self))
        self._server, self.port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), name="botapi", daemon=True).start()

    def down(self) -> None:
        """Connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def answer(self, method: str, asked: dict[str, list[str]]) -> Any:
        if method == "getMe":
            number = int(TOKEN.partition(":")[0])
            return {"id": number, "is_bot": True, "first_name": "Vigent", "username": "vigent_test_bot"}
        if method == "getUpdates":
            self.polls += 1
            time.sleep(min(float(asked.get("timeout", ["0"])[0]), POLL_S))
            return []
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    address_family = socket.AF_INET


def _handler(api: BotApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            method = self.path.rpartition("/")[2]
            said = json.dumps({"ok": True, "result": api.answer(method, parse_qs(body.decode()))}).encode()
            with suppress(OSError):  # who asked has gone
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
