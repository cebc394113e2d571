"""A channel on a PeerTube server, by a user's name and password; the upload goes on where it broke off.

    [[publish.target]]
    name = "tube"
    kind = "peertube"
    url = "https://tube.example.org"
    user = "news"
    password_file = "/etc/vigentd/tube.password"
    channel = "morning_news"
    privacy = "public"

The file is called KEY.mp4 there. Its owner sees that name (/videos/ID/source), nobody else does, and no edit
of the video changes it: that is how `find` knows it among the user's videos. PeerTube 4.2 or newer.
Tags of fewer than 2 or more than 30 characters are left away.
In the memo: upload (its address), video (of which file), begun (seconds since 1970), last (its last byte
may be there).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx
from pydantic import AfterValidator, Field, SecretStr, model_validator

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kind import Kind, Surroundings, TargetSettings
from handlers.publish.kinds import speaking
from handlers.publish.kinds.speaking import Answer, Body, Part, Range
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Progress

PIECE = 8 << 20  # bytes
TRIES = 4  # in a row, without getting any further
PAGE = 100
OLDER_S = 86400.0  # how wrong the clocks may be, of theirs and ours together
PRIVACY = {"public": 1, "unlisted": 2, "private": 3, "internal": 4}
MOST_TAGS, TAG_CHARS = 5, (2, 30)


def _base(given: str) -> str:
    if speaking.checked_address(given).startswith("http:") and not speaking.is_local(given):
        raise ValueError("should begin with https://: a password goes there")
    return given.rstrip("/")


class PeerTubeSettings(TargetSettings):
    """channel: its short name. category, licence: PeerTube's numbers. support: shown beside the video."""

    kind: Literal["peertube"] = "peertube"
    url: Annotated[str, AfterValidator(_base)]
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    password_file: Path | None = None
    channel: Annotated[str, Field(min_length=1)]
    privacy: Literal["public", "unlisted", "private", "internal"] = "private"
    category: Annotated[int, Field(ge=1)] | None = None
    licence: Annotated[int, Field(ge=1)] | None = None
    support: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _one_password(self) -> PeerTubeSettings:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give one of password and password_file")
        return self


class PeerTube:
    limits = Limits(title=120, description=10_000, tags=MOST_TAGS)
    searchable = True

    def __init__(self, settings: PeerTubeSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._who = urlsplit(settings.url).hostname or settings.url
        self._tokens: dict[str, Any] = {}  # as the server gave them; in memory alone: there is a password

    def check(self) -> str:
        with speaking.client(self._around) as http:
            channel = self._channel(http)
        return f"the channel {channel.get('displayName') or self._settings.channel} at {self._who}"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        fields = self._fields(video, text, key)
        progress.check()
        try:
            with speaking.client(self._around) as http:
                there = self._there(http, video, key, memo)
                if there is None:
                    self._begin(http, fields, video, key, memo)
                    there = 0
                return there if isinstance(there, Receipt) else self._send(http, video, there, memo, progress)
        except (Unsure, Cancelled):
            raise
        except VigentdError as e:
            if not memo.get().get("last"):
                raise
            hint = e.hint or "It is looked for there before anything is sent again"
            raise Unsure(
                f"{self._who} did not say whether it has the video: {e.message}", hint=hint
            ) from None

    def find(self, key: str, memo: Memo) -> Receipt | None:
        with speaking.client(self._around) as http:
            there = self._where(http, memo) if memo.get().get("last") else None
            return there if isinstance(there, Receipt) else self._search(http, key, memo)

    # ---------------------------------------------------------------- the upload

    def _there(self, http: httpx.Client, video: Video, key: str, memo: Memo) -> int | Receipt | None:
        """Where to go on; None: at the beginning. An upload of another making of it is left to die."""
        maybe = bool(memo.get().get("last"))
        same = memo.get().get("video") == _mark(video)
        there = self._where(http, memo) if same or maybe else None
        if there is None and maybe:
            # What had got its last byte is not known as an upload any more: it is a video, or lost.
            return self._search(http, key, memo)
        return there if same or isinstance(there, Receipt) else None

    def _send(self, http: httpx.Client, video: Video, begin: int, memo: Memo, progress: Progress) -> Receipt:
        there: int | Receipt = begin
        trouble: NotSent | None = None
        failed = 0
        while not isinstance(there, Receipt):
            before = there
            try:
                if trouble is None:
                    there = self._piece(http, video, before, memo, progress)
                else:
                    self._wait(trouble.wait_s or 2.0**failed, progress)
                    there, trouble = self._again(http, memo), None
            except NotSent as e:
                failed += 1
                if failed >= TRIES or (e.wait_s or 0) > 60:
                    raise
                trouble = e
                continue
            if not isinstance(there, Receipt) and there > before:
                failed = 0
        return there

    def _again(self, http: httpx.Client, memo: Memo) -> int | Receipt:
        there = self._where(http, memo)
        if there is None:
            raise NotSent(f"{self._who} does not know the upload any more", wait_s=61)
        return there

    def _fields(self, video: Video, text: Text, key: str) -> dict[str, Any]:
        if not 3 <= len(text.title) <= 120:
            raise Refused(f"The title has {len(text.title)} characters, and 3 to 120 are taken there")
        least, most = TAG_CHARS
        tags = [tag for tag in text.tags if least <= len(tag) <= most][:MOST_TAGS]
        fields: dict[str, Any] = {
            "filename": f"{key}.mp4",
            "name": text.title,
            "privacy": PRIVACY[self._settings.privacy],
            "waitTranscoding": "true",
            "category": self._settings.category,
            "licence": self._settings.licence,
            # Theirs are of three characters at least, or none.
            "description": text.description if len(text.description) >= 3 else None,
            "support": self._settings.support if len(self._settings.support) >= 3 else None,
            "language": text.language.split("-")[0].lower() or None,
        }
        fields |= {f"tags[{number}]": tag for number, tag in enumerate(tags)}
        return {name: value for name, value in fields.items() if value is not None}

    def _begin(
        self, http: httpx.Client, fields: Mapping[str, Any], video: Video, key: str, memo: Memo
    ) -> None:
        channel = self._channel(http)
        memo.put(upload=None, last=None, video=_mark(video), begun=self._around.now().timestamp())
        parts = [Part(name, str(value).encode()) for name, value in fields.items()]
        parts.append(Part("channelId", str(channel["id"]).encode()))
        if video.cover is not None:
            for name in ("thumbnailfile", "previewfile"):
                parts.append(Part(name, Range.whole(video.cover), "image/jpeg", "cover.jpg"))
        pieces, content_type = speaking.form(parts, f"vigentd-{key}")
        headers = {
            "Content-Type": content_type,
            "X-Upload-Content-Length": str(video.size),
            "X-Upload-Content-Type": "video/mp4",
        }
        answer = self._call(http, "POST", "/api/v1/videos/upload-resumable", Body(pieces), headers)
        address = urljoin(self._settings.url, answer.headers.get("location", ""))
        if answer.status not in (200, 201) or not answer.headers.get("location"):
            raise self._told(answer)
        if urlsplit(address).hostname != urlsplit(self._settings.url).hostname:
            raise Refused(f"{self._who} sends the video to another place: {urlsplit(address).hostname}")
        # Behind a proxy the server may think that it speaks http.
        parts_of = urlsplit(address)
        memo.put(upload=f"{self._settings.url}{parts_of.path}?{parts_of.query}")

    def _where(self, http: httpx.Client, memo: Memo) -> int | Receipt | None:
        """How many bytes are there, or what they have become; None: there is no upload (any more)."""
        kept = memo.get()
        if not kept.get("upload"):
            return None
        size = str(kept["video"]).split("-")[0]
        answer = self._call(http, "PUT", kept["upload"], None, {"Content-Range": f"bytes */{size}"})
        if answer.status == 308:
            if (arrived := _arrived(answer)) >= int(size):
                raise NotSent(f"{self._who} has all of the video, and is still at work on it")
            if kept.get("last"):
                memo.put(last=None)
            return arrived
        if answer.status in (404, 410):
            return None
        if answer.ok:
            return self._receipt(answer.json().get("video"), kept)
        raise self._told(answer)

    def _piece(
        self, http: httpx.Client, video: Video, begin: int, memo: Memo, progress: Progress
    ) -> int | Receipt:
        kept = memo.get()
        progress.check()
        end = min(begin + PIECE, video.size)
        if end == video.size:
            memo.put(last=True)
        body = Body([Range(video.path, begin, end)], progress, before=begin, of=video.size)
        headers = {
            "Content-Range": f"bytes {begin}-{end - 1}/{video.size}",
            "Content-Type": "application/octet-stream",
        }
        try:
            answer = self._call(http, "PUT", kept["upload"], body, headers)
        except Unsure as e:
            if end == video.size:
                raise
            raise NotSent(e.message) from None
        if answer.status == 308:
            if (arrived := _arrived(answer)) <= begin:
                raise NotSent(f"{self._who} takes nothing more of it")
            if arrived >= video.size:
                raise Unsure(f"{self._who} has the whole video, and is still at work on it")
            return arrived
        if answer.ok:
            return self._receipt(answer.json().get("video") if answer.whole else None, kept)
        if end == video.size and answer.status >= 500 and answer.status != 503:
            raise Unsure(
                f"{self._who} failed when it had the whole video: HTTP {answer.status}",
                hint="It is looked for there before it is sent again",
            )
        told = self._told(answer)
        if answer.status in (404, 409, 410):
            told = NotSent(f"{self._who} wants the upload from elsewhere: HTTP {answer.status}")
        elif isinstance(told, Login):
            memo.put(last=None)
        elif isinstance(told, Refused | Spent):
            memo.put(upload=None, last=None)
        raise told

    def _wait(self, seconds: float, progress: Progress) -> None:
        progress.check()
        self._around.sleep(seconds)
        progress.check()

    def _receipt(self, said: Any, kept: Mapping[str, Any]) -> Receipt:
        """said: the video as the server describes it."""
        if not isinstance(said, dict) or not said.get("uuid"):
            raise Unsure(f"{self._who} has the video, and did not say which it is", hint="It is looked for")
        short = said.get("shortUUID") or said["uuid"]
        return Receipt(
            str(said["uuid"]), f"{self._settings.url}/w/{quote(str(short))}", {"id": said.get("id")}
        )

    # ---------------------------------------------------------------- who we are, and what is there

    def _channel(self, http: httpx.Client) -> dict[str, Any]:
        me = self._get(http, "/api/v1/users/me")
        channels = [c for c in me.get("videoChannels", []) if isinstance(c, dict)]
        for channel in channels:
            if channel.get("name") == self._settings.channel:
                return channel
        names = ", ".join(str(channel.get("name")) for channel in channels) or "none"
        raise Refused(
            f"{self._settings.user} has no channel {self._settings.channel} at {self._who}",
            hint=f"Set channel to one of these: {names}",
        )

    def _search(self, http: httpx.Client, key: str, memo: Memo) -> Receipt | None:
        begun = memo.get().get("begun")
        for video in self._mine(http):
            created = _time(video.get("createdAt"))
            if begun is not None and created is not None and created < begun - OLDER_S:
                return None
            answer = self._call(http, "GET", f"/api/v1/videos/{video['uuid']}/source")
            if answer.status == 404:  # a live stream, or an import
                continue
            if not answer.ok or not answer.whole:
                raise self._told(answer)
            said = answer.json()
            if (said.get("inputFilename") or said.get("filename")) == f"{key}.mp4":
                return self._receipt(video, {})
        return None

    def _mine(self, http: httpx.Client) -> Iterator[dict[str, Any]]:
        """The user's videos, the newest first, those that are not ready yet among them."""
        start, seen = 0, set()
        while True:
            asked = urlencode({"start": start, "count": PAGE, "sort": "-createdAt"})
            page = self._get(http, f"/api/v1/users/me/videos?{asked}").get("data")
            if not isinstance(page, list):
                raise NotSent(f"{self._who} did not say which videos there are")
            for video in page:
                if video["uuid"] not in seen:  # one that came meanwhile moves all others on
                    seen.add(video["uuid"])
                    yield video
            if len(page) < PAGE:
                return
            start += PAGE

    def _get(self, http: httpx.Client, path: str) -> dict[str, Any]:
        answer = self._call(http, "GET", path)
        if not answer.ok or not answer.whole:
            raise self._told(answer)
        return answer.json()

    # ---------------------------------------------------------------- calls

    def _call(
        self,
        http: httpx.Client,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """With a token; a token that is not taken is asked for anew, once."""
        url = urljoin(self._settings.url, path)
        given = dict(headers or {}) | ({"Content-Length": "0"} if body is None and method == "PUT" else {})
        final = method == "PUT" and body is not None
        for last in (False, True):
            signed = {**given, "Authorization": f"Bearer {self._token(http)}"}
            try:
                answer = speaking.say(http, method, url, body, signed, who=self._who)
            except Unsure as e:
                if final:
                    raise
                raise NotSent(e.message) from None  # no video comes of such a call
            if answer.status != 401 or last:
                break
            self._tokens.pop("access_token", None)
        return answer

    def _token(self, http: httpx.Client) -> str:
        if self._tokens.get("access_token") and self._around.clock() < self._tokens["until"]:
            return str(self._tokens["access_token"])
        client = self._plain(http, "GET", "/api/v1/oauth-clients/local", None)
        if not client.ok:
            raise self._told(client)
        grants = [{"grant_type": "password", "username": self._settings.user, "password": self._password()}]
        if refresh := self._tokens.get("refresh_token"):
            grants.insert(0, {"grant_type": "refresh_token", "refresh_token": refresh})
        known = {name: client.json().get(name, "") for name in ("client_id", "client_secret")}
        for grant in grants:
            answer = self._plain(http, "POST", "/api/v1/users/token", {**known, **grant})
            said = answer.json()
            if answer.ok and said.get("access_token"):
                until = self._around.clock() + float(said.get("expires_in", 3600)) - 60
                self._tokens = {**said, "until": until}
                return str(said["access_token"])
            if answer.status == 429 or answer.status >= 500:
                raise self._told(answer)
        self._tokens = {}
        raise Login(
            f"{self._who} does not take the name and password of {self._settings.user}",
            hint="Look at user and password; a user with two-factor login cannot be used",
        )

    def _plain(self, http: httpx.Client, method: str, path: str, form: dict[str, Any] | None) -> Answer:
        body = None if form is None else Body([urlencode(form).encode()])
        headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            return speaking.say(http, method, self._settings.url + path, body, headers, who=self._who)
        except Unsure as e:
            raise NotSent(e.message) from None

    def _password(self) -> str:
        return speaking.secret_of(
            self._settings.password, self._settings.password_file, f"the target {self._settings.name}"
        )

    def _told(self, answer: Answer) -> VigentdError:
        said = answer.json()
        # Some servers repeat what they were given; nothing of a login's answer is shown.
        words = str(said.get("detail") or said.get("error") or "").replace(self._password(), "***")[:200]
        code = str(said.get("code") or said.get("type") or "")
        shown = f"HTTP {answer.status}" + (f": {words}" if words else "")
        if "quota" in code or "quota" in words.lower():
            return Spent(
                f"The quota of {self._settings.user} at {self._who} is used up", hint="Make room there"
            )
        if answer.status == 413 or "max_file_size_reached" in code:
            return Refused(f"The video is too large for {self._who}: {shown}", code="peertube_size")
        if answer.status == 401:
            return Login(f"{self._who} does not let us in: {shown}", hint="Look at user and password")
        if answer.status in (408, 425, 429) or answer.status >= 500 or answer.ok:
            wait_s = answer.wait_s(self._around.now().timestamp())
            return NotSent(f"{self._who} cannot take it now: {shown}", wait_s=wait_s)
        hint = "Look at what this user may do there" if answer.status == 403 else ""
        return Refused(f"{self._who} refuses it: {shown}", hint=hint)


def _mark(video: Video) -> str:
    """The same as long as nobody has made the video again."""
    try:
        return f"{video.size}-{video.path.stat().st_mtime_ns}"
    except OSError as e:
        raise NotSent(f"The video cannot be read: {e.strerror}") from e


def _arrived(answer: Answer) -> int:
    """Of "bytes=0-1048575"; without it, nothing has arrived."""
    found = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("range", ""))
    return int(found[1]) + 1 if found else 0


def _time(given: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(given)).timestamp()
    except ValueError:
        return None


KIND = Kind("peertube", PeerTubeSettings, PeerTube)
