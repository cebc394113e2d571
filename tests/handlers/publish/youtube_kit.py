"""YouTube as far as we speak with it, over a real socket: its login, its resumable uploads, its lists, and
everything that goes wrong on the way. As strict as the real one about what comes where in a session."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

UNIT = 256 << 10
CHANNEL = "UC" + "morning_news_abcdefghi"[:22]
REFRESH, CLIENT_SECRET = "1//a-lasting-secret", "GOCSPX-a-clients-secret"
CODE, DEVICE_CODE = "4/a-code-from-google", "a-device-code"


@dataclass
class Fault:
    """What is to happen once, to the next call of that name; after: so many more are let by before.

    how: cut (half of the body is read and kept) · late (done, and no answer) · hold (half is read; nothing
         until let go; then cut) · mute (done; nothing until let go) · answer (with status and reason)
         · slow (done, a moment late) · short (half is taken, and said so)
         · gone (the session is lost; after it was done, when `done`)
         · busy (done, and said only that all of it has arrived).
    """

    call: str
    how: str
    status: int = 503
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    words: str = "no luck"
    done: bool = False
    after: int = 0


@dataclass
class Session:
    size: int
    meta: dict[str, Any]
    content: bytearray = field(default_factory=bytearray)
    video: dict[str, Any] | None = None


class YouTube(ThreadingHTTPServer):
    """channel: None: the account has none. listed: whether new videos are in the list already. date: what it
    says that time it is; None: nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.sessions: dict[str, Session] = {}
        self.videos: list[dict[str, Any]] = []  # the newest first
        self.contents: dict[str, bytes] = {}
        self.thumbnails: dict[str, bytes] = {}
        self.channel: str | None = CHANNEL
        self.listed = True
        self.date: dt.datetime | None = None
        self.access: set[str] = set()
        self.refresh = {REFRESH}
        self.pending = 0  # how often a device is told to wait
        self.denied = ""  # what it is told instead
        self.held, self.let_go = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def client_file(self, folder: Path) -> Path:
        path = folder / "client.json"
        given = {
            "client_id": "us.apps.googleusercontent.com",
            "client_secret": CLIENT_SECRET,
            "auth_uri": f"{self.url}/auth",
            "token_uri": f"{self.url}/token",
        }
        path.write_text(json.dumps({"installed": given}))
        return path

    def take(self, call: str) -> Fault | None:
        with self.lock:
            self.calls[call] += 1
            for fault in self.faults:
                if fault.call == call and fault.after:
                    fault.after -= 1
                elif fault.call == call:
                    self.faults.remove(fault)
                    return fault
            return None

    def add(self, meta: dict[str, Any], content: bytes = b"") -> dict[str, Any]:
        with self.lock:
            number = len(self.videos)
            now = dt.datetime.now(dt.UTC).isoformat()
            video = {
                "id": f"video{number:06d}",
                "snippet": {**meta["snippet"], "channelId": CHANNEL, "publishedAt": now},
                "status": {**meta.get("status", {}), "uploadStatus": "uploaded"},
            }
            self.videos.insert(0, video)
            self.contents[str(video["id"])] = content
            return video


class _Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms between head and body
    server: YouTube

    def do_GET(self) -> None:
        self.address = urlsplit(self.path)
        self.asked = {name: values[0] for name, values in parse_qs(self.address.query).items()}
        self.size = int(self.headers.get("Content-Length") or 0)
        call = self._call()
        fault = self.server.take(call)
        if fault is not None and fault.how in ("cut", "hold", "short"):
            self._half(call, fault.how)
            return
        body = self.rfile.read(self.size)
        if fault is not None and fault.how == "answer":
            self._refuse(fault.status, fault.reason, fault.words, fault.headers)
            return
        if fault is not None and fault.how == "gone" and not fault.done:
            self.server.sessions.pop(self.asked["upload_id"], None)
        if fault is not None and fault.how == "slow":
            time.sleep(0.2)
        with self.server.lock:
            status, headers, answer = self._allowed(call, body)
        if fault is not None and fault.how == "gone" and fault.done:
            self.server.sessions.pop(self.asked["upload_id"], None)
        if fault is not None and fault.how == "mute":
            self.server.let_go.wait(30)
        if fault is not None and (fault.how in ("late", "mute") or fault.done):
            self._hang_up()
            return
        if fault is not None and fault.how == "busy":
            size = self.server.sessions[self.asked["upload_id"]].size
            status, headers, answer = 308, {"Range": f"bytes=0-{size - 1}"}, None
        self._answer(status, headers, answer)

    do_POST = do_PUT = do_GET

    def _call(self) -> str:
        name = self.address.path.rsplit("/", 1)[-1]
        if "upload_id" in self.asked:
            return "ask" if self.headers.get("Content-Range", "").startswith("bytes */") else "piece"
        if self.address.path == "/upload/youtube/v3/videos":
            return "begin"
        return {"set": "thumbnail", "code": "device"}.get(name, name)

    def _half(self, call: str, how: str) -> None:
        part = self.size // 2 // UNIT * UNIT
        taken = self.rfile.read(part)
        with self.server.lock:
            if call == "piece":
                self.server.sessions[self.asked["upload_id"]].content += taken
        if how == "hold":
            self.server.held.set()
            self.server.let_go.wait(30)
        if how == "short":
            self.rfile.read(self.size - part)
            self._answer(*self._progress(self.server.sessions[self.asked["upload_id"]]))
        else:
            self._hang_up()

    def _allowed(self, call: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        if call in ("token", "device"):
            return self._login(call, {name: v[0] for name, v in parse_qs(body.decode()).items()})
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.server.access:
            return 401, {}, _error("authError", "Invalid Credentials", 401)
        return getattr(self, f"_{call}")(body)  # type: ignore[no-any-return]

    def _login(self, call: str, form: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        server = self.server
        if call == "device":
            code = {"device_code": DEVICE_CODE, "user_code": "ABC-DEF", "interval": 5, "expires_in": 60}
            return 200, {}, {**code, "verification_url": "https://www.google.com/device"}
        if form["client_secret"] != CLIENT_SECRET:
            return 401, {}, {"error": "invalid_client"}
        if form["grant_type"].endswith("device_code"):
            assert form["device_code"] == DEVICE_CODE
            if server.denied:
                return 403, {}, {"error": server.denied}
            if server.pending:
                server.pending -= 1
                return 428, {}, {"error": "slow_down" if server.pending == 1 else "authorization_pending"}
        elif form["grant_type"] == "authorization_code":
            if form["code"] != CODE or not form["code_verifier"]:
                return 400, {}, {"error": "invalid_grant"}
        elif form["refresh_token"] not in server.refresh:
            return 400, {}, {"error": "invalid_grant"}
        access = f"ya29.secret-{server.calls['token']}"
        server.access.add(access)
        given = {"access_token": access, "expires_in": 3599}
        return 200, {}, given if "refresh_token" in form else {**given, "refresh_token": REFRESH}

    def _begin(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        meta = json.loads(body)
        name = f"session-secret-{len(self.server.sessions)}-{self.server.calls['begin']}"
        self.server.sessions[name] = Session(int(self.headers["X-Upload-Content-Length"]), meta)
        return 200, {"Location": f"{self.server.url}{self.path}&upload_id={name}"}, {}

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        session = self.server.sessions.get(self.asked["upload_id"])
        return self._progress(session) if session else (404, {}, {})

    def _piece(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        session = self.server.sessions.get(self.asked["upload_id"])
        if session is None:
            return 404, {}, {}
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", self.headers["Content-Range"])
        assert found
        begin, end, size = (int(number) for number in found.groups())
        right = begin == len(session.content) and end - begin + 1 == len(body) and size == session.size
        if not right or (len(body) % UNIT and end + 1 < size):
            return 400, {}, _error("badContentRange", "not what was expected", 400)
        session.content += body
        if len(session.content) == session.size:
            session.video = self.server.add(session.meta, bytes(session.content))
        return self._progress(session)

    def _progress(self, session: Session) -> tuple[int, dict[str, str], Any]:
        if session.video is not None:
            return 200, {}, session.video
        arrived = len(session.content)
        return 308, {"Range": f"bytes=0-{arrived - 1}"} if arrived else {}, None

    def _channels(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        if self.server.channel is None:
            return 200, {}, {"items": []}
        lists = {"relatedPlaylists": {"uploads": "UU" + self.server.channel[2:]}}
        channel = {"id": self.server.channel, "snippet": {"title": "Morning News"}, "contentDetails": lists}
        return 200, {}, {"items": [channel]}

    def _playlistItems(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        videos = self.server.videos if self.server.listed else self.server.videos[1:]
        if not videos:  # as it is with a channel that never had one
            return 404, {}, _error("playlistNotFound", "The playlist cannot be found.", 404)
        begin, count = int(self.asked.get("pageToken", "0")), int(self.asked["maxResults"])
        items = [
            {"contentDetails": {"videoId": v["id"]}, "snippet": {"publishedAt": v["snippet"]["publishedAt"]}}
            for v in videos[begin : begin + count]
        ]
        more = {"nextPageToken": str(begin + count)} if begin + count < len(videos) else {}
        return 200, {}, {"items": items, **more}

    def _videos(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        ids = self.asked["id"].split(",")
        assert len(ids) <= 50
        return 200, {}, {"items": [video for video in self.server.videos if video["id"] in ids]}

    def _thumbnail(self, body: bytes) -> tuple[int, dict[str, str], Any]:
        self.server.thumbnails[self.asked["videoId"]] = body
        return 200, {}, {}

    def _refuse(self, status: int, reason: str, words: str, headers: dict[str, str]) -> None:
        self._answer(status, headers, _error(reason, words, status))

    def _answer(self, status: int, headers: dict[str, str], answer: Any) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        if self.server.date is not None:
            self.send_header("Date", format_datetime(self.server.date, usegmt=True))
        self.end_headers()
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


def _error(reason: str, words: str, status: int) -> dict[str, Any]:
    return {"error": {"code": status, "message": words, "errors": [{"reason": reason, "message": words}]}}


@contextmanager
def youtube() -> Iterator[YouTube]:
    server = YouTube()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        server.server_close()
        serving.join()
