"""A channel on a PeerTube server as a target. PeerTube 4.2 or newer.

The file is called KEY.mp4 there. Its owner sees that name (/videos/ID/source), nobody else does, and no edit
of the video changes it: that is how `find` knows it among the user's videos.
Tags of fewer than 2 or more than 30 characters are left away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from handlers.publish.errors import NotSent, Refused, Unsure
from handlers.publish.fits import check_text
from handlers.publish.kind import Surroundings
from handlers.publish.kinds import speaking
from handlers.publish.kinds.making import mark
from handlers.publish.kinds.peertube.api import Api, Tokens
from handlers.publish.kinds.peertube.settings import PeerTubeSettings
from handlers.publish.kinds.peertube.upload import Upload, receipt, where
from handlers.publish.kinds.speaking import Body, Part, Range
from handlers.publish.target import Length, Limits, Memo, Receipt, Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Progress

PAGE = 100
OLDER_S = 86400.0  # than the upload: what is not looked at
LAG_S = 600.0  # until what has all of its bytes is surely listed
PRIVACY = {"public": 1, "unlisted": 2, "private": 3, "internal": 4}
MOST_TAGS, TAG_CHARS = 5, (2, 30)


class PeerTube:
    limits = Limits(title=Length(120, least=3), description=10_000, tags=MOST_TAGS)
    searchable = True

    def __init__(self, settings: PeerTubeSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._tokens = Tokens()

    def check(self) -> str:
        with self._api() as api:
            channel = self._channel(api)
            return f"the channel {channel.get('displayName') or self._settings.channel} at {api.who}"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        check_text(text, replace(self.limits, tags=None))
        fields = self._fields(text, key)
        progress.check()
        with self._api() as api:
            try:
                there = self._there(api, video, key, memo)
                if there is None:
                    self._begin(api, fields, video, key, memo)
                    there = 0
                if isinstance(there, Receipt):
                    return there
                upload = Upload(api, self._settings.url, video, memo, progress, self._around.sleep)
                return upload.send(there)
            except (Unsure, Cancelled):
                raise
            except VigentdError as e:
                if not memo.get().get("last"):
                    raise
                hint = e.hint or "It is looked for there before anything is sent again"
                raise Unsure(
                    f"{api.who} did not say whether it has the video: {e.message}", hint=hint
                ) from None

    def find(self, key: str, memo: Memo) -> Receipt | None:
        with self._api() as api:
            maybe = bool(memo.get().get("last"))
            there = where(api, self._settings.url, memo) if maybe else None
            if isinstance(there, Receipt):
                return there
            return self._search(api, key, memo, sent=maybe and there is None)

    def _api(self) -> Api:
        return Api(self._settings, self._around, self._tokens)

    # ---------------------------------------------------------------- the upload

    def _there(self, api: Api, video: Video, key: str, memo: Memo) -> int | Receipt | None:
        """Where to go on; None: at the beginning. An upload of another making of it is left to die."""
        maybe = bool(memo.get().get("last"))
        same = memo.get().get("video") == mark(video)
        there = where(api, self._settings.url, memo) if same or maybe else None
        if there is None and maybe:
            # What had got its last byte is not known as an upload any more: it is a video, or lost.
            return self._search(api, key, memo, sent=True)
        return there if same or isinstance(there, Receipt) else None

    def _fields(self, text: Text, key: str) -> dict[str, Any]:
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

    def _begin(self, api: Api, fields: Mapping[str, Any], video: Video, key: str, memo: Memo) -> None:
        channel = self._channel(api)
        memo.put(upload=None, last=None, video=mark(video), begun=api.time.now().timestamp())
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
        answer = api.call("POST", "/api/v1/videos/upload-resumable", Body(pieces), headers)
        if answer.status not in (200, 201) or not answer.headers.get("location"):
            raise api.told(answer)
        address = urlsplit(speaking.joined(self._settings.url, answer.headers["location"]))
        if address.hostname != urlsplit(self._settings.url).hostname:
            raise Refused(f"{api.who} sends the video to another place: {address.hostname}")
        # Behind a proxy the server may think that it speaks http; and url may be another one later.
        memo.put(upload=f"{address.path}?{address.query}")

    # ---------------------------------------------------------------- who we are, and what is there

    def _channel(self, api: Api) -> dict[str, Any]:
        me = api.get("/api/v1/users/me")
        channels = [c for c in me.get("videoChannels", []) if isinstance(c, dict)]
        for channel in channels:
            if channel.get("name") == self._settings.channel:
                return channel
        names = ", ".join(str(channel.get("name")) for channel in channels) or "none"
        raise Refused(
            f"{self._settings.user} has no channel {self._settings.channel} at {api.who}",
            hint=f"Set channel to one of these: {names}",
        )

    def _search(self, api: Api, key: str, memo: Memo, *, sent: bool) -> Receipt | None:
        """sent: all of it may have arrived. Raises NotSent while that may not be listed yet."""
        if (found := self._listed(api, key, memo.get().get("begun"))) or not sent:
            return found
        if (rest_s := float(memo.get()["last"]) + LAG_S - api.time.now().timestamp()) > 0:
            raise NotSent(f"{api.who} may not list yet what was just sent", wait_s=min(rest_s, LAG_S))
        return None

    def _listed(self, api: Api, key: str, begun: float | None) -> Receipt | None:
        for video in self._mine(api):
            created = _time(video.get("createdAt"))
            if begun is not None and created is not None and created < begun - OLDER_S:
                return None
            answer = api.call("GET", f"/api/v1/videos/{video['uuid']}/source")
            if answer.status == 404:  # a live stream, or an import
                continue
            if not answer.ok or not answer.whole:
                raise api.told(answer)
            said = answer.json()
            if (said.get("inputFilename") or said.get("filename")) == f"{key}.mp4":
                return receipt(api.who, self._settings.url, video)
        return None

    def _mine(self, api: Api) -> Iterator[dict[str, Any]]:
        """The user's videos, the newest first, those that are not ready yet among them."""
        start, seen = 0, set()
        while True:
            asked = urlencode({"start": start, "count": PAGE, "sort": "-createdAt"})
            page = api.get(f"/api/v1/users/me/videos?{asked}").get("data")
            if not isinstance(page, list):
                raise NotSent(f"{api.who} did not say which videos there are")
            for video in page:
                if video["uuid"] not in seen:  # one that came meanwhile moves all others on
                    seen.add(video["uuid"])
                    yield video
            if len(page) < PAGE:
                return
            start += PAGE


def _time(given: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(given)).timestamp()
    except ValueError:
        return None
