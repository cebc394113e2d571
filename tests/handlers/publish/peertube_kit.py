"""PeerTube as far as we speak with it: login, resumable upload, lists; strict about ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.handlers.publish.http_kit import Asked, Reply, Server

USER, PASSWORD = "news", "a-long-password"
CREATED, DATE = "2026-11-23T08:00:01.000Z", "Mon, 23 Nov 2026 08:00:01 GMT"


@dataclass
class Upload:
    size: int
    fields: dict[str, bytes]
    content: bytearray = field(default_factory=bytearray)
    video: dict[str, Any] | None = None


class Tube(Server):
    """faults: (method and beginning of the path, reply, whether it is done nevertheless), each used once."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.date = DATE
        self.uploads: dict[str, Upload] = {}
        self.videos: list[dict[str, Any]] = []  # the newest first
        self.sources: dict[str, str] = {}
        self.contents: dict[str, bytes] = {}
        self.valid: set[str] = set()
        self.refresh: set[str] = set()
        self.grants: list[str] = []
        self.faults: list[tuple[str, Reply, bool]] = []

    def partly(self, asked: Asked) -> None:
        """What came of a piece before the connection broke is kept, as there."""
        upload = self._upload(asked)
        if upload is not None:
            upload.content += asked.body

    def _answer(self, asked: Asked) -> Reply:
        name = f"{asked.method} {urlsplit(asked.path).path}"
        for fault in self.faults:
            if name.startswith(fault[0]):
                self.faults.remove(fault)
                if fault[2]:
                    self._usual(asked, name)
                return fault[1]
        return self._usual(asked, name)

    def _usual(self, asked: Asked, name: str) -> Reply:
        if name == "GET /api/v1/oauth-clients/local":
            return Reply(200, {"client_id": "us", "client_secret": "theirs"})
        if name == "POST /api/v1/users/token":
            return self._login(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return Reply(401, {"detail": "no", "code": "invalid_token"})
        if name == "GET /api/v1/users/me":
            return Reply(200, {"videoChannels": [{"id": 3, "name": "morning", "displayName": "Morning"}]})
        if name == "GET /api/v1/users/me/videos":
            start = int(parse_qs(urlsplit(asked.path).query)["start"][0])
            return Reply(200, {"total": len(self.videos), "data": self.videos[start : start + 100]})
        if name.endswith("/source"):
            source = self.sources.get(name.split("/")[-2])
            return Reply(404) if source is None else Reply(200, {"inputFilename": source})
        if name == "POST /api/v1/videos/upload-resumable":
            return self._begin(asked)
        return self._piece(asked)

    def _login(self, asked: Asked) -> Reply:
        form = {key: value[0] for key, value in parse_qs(asked.body.decode()).items()}
        self.grants.append(form["grant_type"])
        if form["client_secret"] != "theirs":
            return Reply(400, {"code": "invalid_client"})
        if form.get("password") != PASSWORD and form.get("refresh_token") not in self.refresh:
            return Reply(400, {"code": "invalid_grant", "detail": f"not {form.get('password')}"})
        number = len(self.grants)
        self.valid, self.refresh = {f"access-{number}"}, {f"refresh-{number}"}
        return Reply(
            200,
            {
                "access_token": f"access-{number}",
                "refresh_token": f"refresh-{number}",
                "expires_in": 14399,
            },
        )

    def _begin(self, asked: Asked) -> Reply:
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        fields: dict[str, bytes] = {}
        for part in BytesParser().parsebytes(head + asked.body).walk():
            content = part.get_payload(decode=True)
            if not part.is_multipart() and isinstance(content, bytes):
                fields[str(part.get_param("name", header="content-disposition"))] = content
        number = f"u{len(self.uploads)}"
        self.uploads[number] = Upload(int(asked.headers["x-upload-content-length"]), fields)
        path = f"/api/v1/videos/upload-resumable?upload_id={number}"
        return Reply(201, headers={"Location": f"//127.0.0.1:{self.server_address[1]}{path}"})

    def _upload(self, asked: Asked) -> Upload | None:
        return self.uploads.get(parse_qs(urlsplit(asked.path).query).get("upload_id", [""])[0])

    def _piece(self, asked: Asked) -> Reply:
        upload = self._upload(asked)
        if upload is None:
            return Reply(404)
        if asked.body:
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", asked.headers["content-range"])
            assert found is not None
            begin, last, size = map(int, found.groups())
            if begin != len(upload.content) or last - begin + 1 != len(asked.body) or size != upload.size:
                return Reply(409)
            upload.content += asked.body
        if len(upload.content) < upload.size:
            arrived = len(upload.content)
            return Reply(308, headers={"Range": f"bytes=0-{arrived - 1}"} if arrived else {})
        if upload.video is None:
            number = len(self.videos) + 1
            upload.video = {"id": number, "uuid": f"uuid-{number}", "shortUUID": f"s{number}"}
            self.videos.insert(0, upload.video | {"createdAt": CREATED})
            self.sources[f"uuid-{number}"] = upload.fields["filename"].decode()
            self.contents[f"uuid-{number}"] = bytes(upload.content)
        return Reply(200, {"video": upload.video})
