"""A channel on YouTube as a target. A video carries its key as a tag, which viewers are not shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from handlers.publish.errors import Login, NotSent, Refused
from handlers.publish.fits import check_text
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.making import mark
from handlers.publish.kinds.youtube.api import NOT_THERE, Api
from handlers.publish.kinds.youtube.login import by_browser, by_device
from handlers.publish.kinds.youtube.settings import YouTubeSettings
from handlers.publish.kinds.youtube.tokens import Client, Tokens
from handlers.publish.kinds.youtube.upload import Upload, ask_session
from handlers.publish.target import Length, Limits, Memo, Receipt, Text, Video, in_bytes
from models.errors import VigentdError
from models.progress import Progress

MARK = "vigentd-"
DESCRIPTION = 5000  # bytes
TAGS = 500  # characters of all, with commas, and quotes around those with spaces
THUMBNAIL = 2 << 20  # bytes
LAG = dt.timedelta(minutes=15)  # until a new video is surely listed
PAGE = 50
FORBIDDEN = "<>"
_WITHOUT = str.maketrans("", "", FORBIDDEN)


def _with_quotes(tags: str) -> int:
    """Of tags with commas between them; YouTube puts quotes around those with spaces."""
    return len(tags) + sum(2 for tag in tags.split(",") if " " in tag)


class YouTube:
    limits = Limits(
        title=100,
        description=Length(DESCRIPTION, count=in_bytes, unit="bytes"),
        tags_chars=Length(TAGS - len(MARK) - 32 - 1, count=_with_quotes),
        forbidden=FORBIDDEN,
        duration_s=12 * 3600.0,
        size=256 << 30,
    )
    searchable = True

    def __init__(self, settings: YouTubeSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._tokens = Tokens(settings, around)

    def login(self, say: Callable[[str], None]) -> str:
        """A person logs in; say: tells that person what to do. Blocks for minutes. Answers as `check`."""
        client = Client.of(self._settings)
        flow = by_device if self._settings.login == "device" else by_browser
        with self._api() as api:
            given = flow(api.http, client, self._around, say)
        if not given.get("refresh_token"):
            raise Login("Google gave no login that lasts", hint="Log in again")
        self._tokens.keep(given)
        return self.check()

    def check(self) -> str:
        with self._api() as api:
            channel = self._channel(api)
        return f"the channel {channel['snippet']['title']} ({channel['id']})"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        body = self._insert(text, key)
        with self._api() as api:

            def begin() -> httpx.Response:
                self._channel(api)
                memo.put(cover=str(video.cover) if video.cover and self._settings.thumbnail else None)
                return api.ask(
                    "POST",
                    "/upload/youtube/v3/videos",
                    params={
                        "uploadType": "resumable",
                        "part": "snippet,status",
                        "notifySubscribers": str(self._settings.notify_subscribers).lower(),
                    },
                    headers={
                        "X-Upload-Content-Length": str(video.size),
                        "X-Upload-Content-Type": "video/mp4",
                    },
                    json=body,
                )

            mark(video)  # a file that is gone is told before anybody is asked
            upload = Upload(api, video, memo, progress, self._around.sleep)
            return self._there(api, upload.send(begin), memo)

    def find(self, key: str, memo: Memo) -> Receipt | None:
        """Asks the session first, which knows for certain; the channel's list lags some minutes behind."""
        with self._api() as api:
            there = ask_session(api, memo)
            if isinstance(there, dict):
                return self._there(api, there, memo)
            if there is not None:
                memo.put(last=None)
                return None
            for resource in self._uploads(api, _moment(memo, "begun")):
                if MARK + key in resource["snippet"].get("tags", []):
                    return self._there(api, resource, memo)
            last = _moment(memo, "last")
            if last and (rest := last + LAG - api.time.now()) > dt.timedelta(0):
                wait_s = min(rest, LAG).total_seconds()
                raise NotSent("YouTube may not list yet what was just uploaded", wait_s=wait_s)
        memo.put(session=None, last=None)
        return None

    def _api(self) -> Api:
        return Api(self._settings, self._around, self._tokens)

    def _channel(self, api: Api) -> dict[str, Any]:
        """Raises Login when there is none, or another one than is set."""
        mine = api.get("channels", part="snippet,contentDetails", mine="true").get("items", [])
        hint = f"Log in with the right account: vigentd publish login {self._settings.name}"
        if not mine:
            raise Login("The account that logged in has no channel on YouTube", hint=hint)
        channel: dict[str, Any] = mine[0]
        if self._settings.channel not in ("", channel["id"]):
            title = channel["snippet"]["title"]
            message = (
                f"The login is for the channel {title} ({channel['id']}), not for {self._settings.channel}"
            )
            raise Login(message, hint=hint)
        return channel

    def _insert(self, text: Text, key: str) -> dict[str, Any]:
        """What the video is to be called, and who may see it. Raises Refused where it does not fit.

        Nobody is shown the tags, so what must not be in them is no reason to ask a person.
        """
        settings = self._settings
        check_text(text, self.limits)
        snippet = {
            "title": text.title,
            "description": text.description,
            "tags": [*filter(None, (tag.translate(_WITHOUT) for tag in text.tags)), MARK + key],
            "categoryId": str(settings.category),
        }
        if text.language:
            snippet["defaultAudioLanguage"] = text.language
        status: dict[str, Any] = {
            "privacyStatus": settings.privacy,
            "selfDeclaredMadeForKids": settings.made_for_kids,
            "containsSyntheticMedia": settings.synthetic,
        }
        if settings.public_after_min is not None:
            then = self._around.now().astimezone(dt.UTC) + dt.timedelta(minutes=settings.public_after_min)
            status["publishAt"] = then.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"snippet": snippet, "status": status}

    def _uploads(self, api: Api, begun: dt.datetime | None) -> Iterator[dict[str, Any]]:
        """The channel's videos, the newest first. begun: older ones are not looked at."""
        playlist = self._channel(api)["contentDetails"]["relatedPlaylists"]["uploads"]
        asked = {"part": "snippet,contentDetails", "playlistId": playlist, "maxResults": PAGE}
        while True:
            try:
                page = api.get("playlistItems", **asked)
            except Refused as e:
                if e.code == NOT_THERE and "pageToken" not in asked:  # the channel never had a video
                    return
                raise
            items = page.get("items", [])
            if items:
                ids = ",".join(item["contentDetails"]["videoId"] for item in items)
                yield from api.get("videos", part="snippet,status", id=ids, maxResults=PAGE).get("items", [])
                listed = dt.datetime.fromisoformat(items[-1]["snippet"]["publishedAt"])
                if begun and listed < begun - dt.timedelta(days=1):
                    return
            if not page.get("nextPageToken"):
                return
            asked["pageToken"] = page["nextPageToken"]

    def _there(self, api: Api, resource: dict[str, Any], memo: Memo) -> Receipt:
        """It is there, and nothing that happens from here on may hide that."""
        status = resource.get("status", {})
        facts = {
            "channel": resource.get("snippet", {}).get("channelId"),
            "privacy": status.get("privacyStatus"),
            "publish_at": status.get("publishAt"),
            "upload_status": status.get("uploadStatus"),
            "thumbnail": self._thumbnail(api, resource["id"], memo),
        }
        url = f"https://www.youtube.com/watch?v={resource['id']}"
        return Receipt(resource["id"], url, {name: fact for name, fact in facts.items() if fact is not None})

    def _thumbnail(self, api: Api, video_id: str, memo: Memo) -> str | None:
        """Whether it was set, in words; None when there was none to set."""
        cover = memo.get().get("cover")
        if not cover:
            return None
        try:
            content = Path(cover).read_bytes()
            if len(content) > THUMBNAIL:
                return "not set: it has more than 2 MiB"
            asked = {"videoId": video_id, "uploadType": "media"}
            headers = {"Content-Type": "image/jpeg"}
            url = "/upload/youtube/v3/thumbnails/set"
            api.ask("POST", url, params=asked, headers=headers, content=content)
        except (VigentdError, OSError) as e:
            return f"not set: {e.message if isinstance(e, VigentdError) else e.strerror}"
        memo.put(cover=None)
        return "set"


def _moment(memo: Memo, name: str) -> dt.datetime | None:
    given = memo.get().get(name)
    return dt.datetime.fromisoformat(given) if given else None
