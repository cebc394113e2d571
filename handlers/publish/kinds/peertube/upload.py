"""A video's way to a PeerTube server, in pieces: where it is kept how far it got, and what it became.

In the memo: upload (its address at the server), video (which making of it), begun, and last: since when the
last byte may be there (both in seconds since 1970, by the server's clock).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kinds.making import size_of, written_at
from handlers.publish.kinds.peertube.api import Api
from handlers.publish.kinds.speaking import Answer, Body, Range
from handlers.publish.target import Memo, Receipt, Video
from models.progress import Progress

PIECE = 8 << 20  # bytes
TRIES = 4  # in a row, without getting any further


def where(api: Api, url: str, memo: Memo) -> int | Receipt | None:
    """How many bytes are there, or what they have become; None: there is no upload (any more)."""
    kept = memo.get()
    if not kept.get("upload"):
        return None
    size = size_of(kept["video"])
    answer = api.call("PUT", kept["upload"], None, {"Content-Range": f"bytes */{size}"})
    if answer.status == 308:
        if (arrived := _arrived(answer)) >= size:
            raise NotSent(f"{api.who} has all of the video, and is still at work on it")
        if kept.get("last"):
            memo.put(last=None)
        return arrived
    if answer.status in (404, 410):
        return None
    if answer.ok:
        return receipt(api.who, url, answer.json().get("video"))
    raise api.told(answer)


def receipt(who: str, url: str, said: Any) -> Receipt:
    """said: the video as the server describes it."""
    if not isinstance(said, dict) or not said.get("uuid"):
        raise Unsure(f"{who} has the video, and did not say which it is", hint="It is looked for")
    short = said.get("shortUUID") or said["uuid"]
    return Receipt(str(said["uuid"]), f"{url}/w/{quote(str(short))}", {"id": said.get("id")})


class Upload:
    """One that is in the memo. url: the server's. sleep: for seconds."""

    def __init__(
        self, api: Api, url: str, video: Video, memo: Memo, progress: Progress, sleep: Callable[[float], None]
    ) -> None:
        self._api = api
        self._url = url
        self._video = video
        self._memo = memo
        self._progress = progress
        self._sleep = sleep

    def send(self, begin: int) -> Receipt:
        there: int | Receipt = begin
        furthest = begin
        trouble: NotSent | None = None
        failed = 0
        while not isinstance(there, Receipt):
            try:
                if trouble is None:
                    there = self._piece(there)
                else:
                    self._wait(trouble.wait_s or 2.0**failed)
                    there, trouble = self._again(), None
            except NotSent as e:
                failed += 1
                if failed >= TRIES or (e.wait_s or 0) > 60:
                    raise
                trouble = e
                continue
            if not isinstance(there, Receipt) and there > furthest:
                furthest, failed = there, 0
        return there

    def _again(self) -> int | Receipt:
        there = where(self._api, self._url, self._memo)
        if there is None:
            raise NotSent(f"{self._api.who} does not know the upload any more", wait_s=61)
        return there

    def _piece(self, begin: int) -> int | Receipt:
        who, size = self._api.who, self._video.size
        self._progress.check()
        kept = self._memo.get()
        end = min(begin + PIECE, size)
        if end == size:
            self._memo.put(last=self._api.time.now().timestamp())
        piece = Range(self._video.path, begin, end, written_at(kept["video"]))
        body = Body([piece], self._progress, before=begin, of=size)
        headers = {
            "Content-Range": f"bytes {begin}-{end - 1}/{size}",
            "Content-Type": "application/octet-stream",
        }
        try:
            answer = self._api.call("PUT", kept["upload"], body, headers)
        except Unsure as e:
            if end == size:
                raise
            raise NotSent(e.message) from None
        except NotSent:
            if not body.over:
                self._memo.put(last=None)
            raise
        if answer.status == 308:
            if (arrived := _arrived(answer)) <= begin:
                raise NotSent(f"{who} takes nothing more of it")
            if arrived >= size:
                raise Unsure(f"{who} has the whole video, and is still at work on it")
            return arrived
        if answer.ok:
            return receipt(who, self._url, answer.json().get("video") if answer.whole else None)
        raise self._told(answer, last=end == size)

    def _told(self, answer: Answer, last: bool) -> Exception:
        """What it means that a piece was not taken. last: the last one."""
        who, status = self._api.who, answer.status
        if last and status >= 500 and status != 503:
            return Unsure(
                f"{who} failed when it had the whole video: HTTP {status}",
                hint="It is looked for there before it is sent again",
            )
        if status in (404, 409, 410):
            return NotSent(f"{who} wants the upload from elsewhere: HTTP {status}")
        told = self._api.told(answer)
        if isinstance(told, Login):
            self._memo.put(last=None)
        elif isinstance(told, Refused | Spent):
            self._memo.put(upload=None, last=None)
        return told

    def _wait(self, seconds: float) -> None:
        self._progress.check()
        self._sleep(seconds)
        self._progress.check()


def _arrived(answer: Answer) -> int:
    """Of "bytes=0-1048575"; without it, nothing has arrived."""
    found = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("range", ""))
    return int(found[1]) + 1 if found else 0
