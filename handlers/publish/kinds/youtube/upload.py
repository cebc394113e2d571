"""A video's way to YouTube: a session, into which it goes in pieces, and which says how far it got.

Only a session that has got the last byte makes a video, and then only one; asked again it says which. So
what stands in the memo is: session (its address), video (which one goes there), begun, and last: since
when the last byte may be there. As long as a session lives, it is the one to ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from handlers.publish.errors import NotSent, Refused, Unsure
from handlers.publish.kinds.making import check_same, mark, size_of
from handlers.publish.kinds.youtube.api import Api, away, content_of
from handlers.publish.target import Memo, Video
from models.errors import Cancelled, VigentdError
from models.progress import Progress

PIECE = 8 << 20  # bytes; whole multiples of 256 KiB are asked for
STEP = 1 << 20
TRIES = 5  # in a row, without getting any further

Begin = Callable[[], httpx.Response]
Resource = dict[str, Any]


def ask_session(api: Api, memo: Memo) -> int | Resource | None:
    """How many bytes it has; or, when it has them all, its video; None: there is no session (any more).
    Raises NotSent when it has them all, and no video yet."""
    kept = memo.get()
    if not kept.get("session"):
        return None
    size = size_of(kept["video"])
    headers = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
    try:
        response = api.send("PUT", kept["session"], headers=headers)
    except httpx.RequestError as e:
        raise away(e) from None
    if response.status_code == 308:
        return _arrived(response, size)
    if response.status_code in (404, 410):
        return None
    if response.is_success:
        return content_of(response)
    raise api.told(response)


class Upload:
    def __init__(
        self, api: Api, video: Video, memo: Memo, progress: Progress,
        sleep: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._api = api
        self._video = video
        self._memo = memo
        self._progress = progress
        self._sleep = sleep
        self._maybe = False  # the last byte may be there, and nobody has said that it is not

    def send(self, begin: Begin) -> Resource:
        """begin: asks for a session. Raises Unsure when the last byte went off, and no answer came."""
        self._maybe = bool(self._memo.get().get("last"))
        try:
            return self._send(begin)
        except Cancelled:
            raise
        except VigentdError as e:
            if not self._maybe or isinstance(e, Unsure):
                raise
            hint = e.hint or "It is looked for there before anything is sent again"
            raise Unsure(f"YouTube did not say whether it has the video: {e.message}", hint=hint) from e

    def _send(self, begin: Begin) -> Resource:
        offset = self._begun(begin)
        furthest = 0
        trouble: NotSent | None = None
        failed = 0
        while not isinstance(offset, dict):
            try:
                if trouble is not None:
                    self._wait(min(2.0**failed, 30.0))
                    offset, trouble = self._where(), None
                else:
                    offset = self._piece(offset)
                if not isinstance(offset, dict) and offset > furthest:
                    furthest, failed = offset, 0
            except NotSent as e:
                failed += 1
                if failed >= TRIES or (e.wait_s or 0) > 60:
                    if self._maybe and isinstance(there := self._where(), dict):
                        return there
                    raise
                trouble = e
        return offset

    def _begun(self, begin: Begin) -> int | Resource:
        """Where to go on. A session of another making of this video is left to die."""
        ours = mark(self._video)
        kept = self._memo.get()
        if kept.get("session") and (kept.get("video") == ours or self._maybe):
            if (there := ask_session(self._api, self._memo)) is not None:
                if isinstance(there, dict) or kept.get("video") == ours:
                    return self._certain(there)
                self._certain(there)
            elif self._maybe:
                raise NotSent("the upload is not known there any more")
        self._memo.put(session=None, last=None)
        self._progress.check()
        session = begin().headers.get("location", "")
        if not session:
            raise NotSent("YouTube gave no address to send the video to")
        self._api.check_address(session)
        self._memo.put(session=session, video=ours, begun=self._api.time.now().isoformat())
        return 0

    def _where(self) -> int | Resource:
        there = ask_session(self._api, self._memo)
        if there is None:
            if not self._maybe:
                self._memo.put(session=None)
            raise NotSent("YouTube has lost the upload, which begins anew", wait_s=61)
        return self._certain(there)

    def _certain(self, there: int | Resource) -> int | Resource:
        if self._maybe and not isinstance(there, dict):
            self._maybe = False
            self._memo.put(last=None)
        return there

    def _piece(self, offset: int) -> int | Resource:
        """Sends one. Raises NotSent when there was no answer, or none that helps."""
        size = self._video.size
        end = min(offset + PIECE, size)
        self._progress.check()
        if end == size:
            self._memo.put(last=self._api.time.now().isoformat())
            self._maybe = True
        headers = {
            "Content-Range": f"bytes {offset}-{end - 1}/{size}",
            "Content-Length": str(end - offset),
            "Content-Type": "video/mp4",
        }
        session = self._memo.get()["session"]
        try:
            response = self._api.send("PUT", session, headers=headers, body=lambda: self._read(offset, end))
        except httpx.RequestError as e:
            raise away(e) from None
        if response.status_code == 308:
            self._certain(arrived := _arrived(response, size))
            if arrived <= offset:
                raise NotSent("YouTube takes nothing more of it")
            return arrived
        if response.is_success:
            return content_of(response)
        if response.status_code in (404, 410):
            return self._where()
        told = self._api.told(response)
        if isinstance(told, Refused) and (there := self._where()) != offset:
            return there  # not what it waited for: something of an earlier try was still under way
        if not isinstance(told, NotSent):  # it said no
            self._maybe = False
            self._memo.put(last=None)
        if isinstance(told, Refused):
            self._memo.put(session=None)
        raise told

    def _read(self, offset: int, end: int) -> Iterator[bytes]:
        marked = self._memo.get()["video"]
        try:
            with self._video.path.open("rb") as file:
                file.seek(offset)
                while offset < end:
                    content = file.read(min(STEP, end - offset))
                    if not content:
                        raise NotSent("The video is shorter than it was", wait_s=61)
                    check_same(self._video, marked)
                    yield content
                    offset += len(content)
                    if offset < self._video.size:  # after the last byte there is no way back
                        self._progress.step(offset, self._video.size)
        except OSError as e:
            raise NotSent(f"The video cannot be read: {e.strerror}", wait_s=61) from e

    def _wait(self, seconds: float) -> None:
        if not self._maybe:
            self._progress.check()
        self._sleep(seconds)


def _arrived(response: httpx.Response, size: int) -> int:
    """Of "bytes=0-1048575"; without it, nothing has arrived. Raises NotSent when it is the whole video."""
    found = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("range", ""))
    arrived = int(found[1]) + 1 if found else 0
    if arrived >= size:
        raise NotSent("YouTube has all of the video, and is still at work on it")
    return arrived
