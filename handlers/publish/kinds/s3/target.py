"""A bucket as a target. The video is PREFIX + KEY.mp4; beside it lie KEY.json (the text), .jpg and .srt.

The name says the key, so sending it twice leaves one object; and an object is there whole, or not at all.
What lies beside it goes first: who sees the video sees all of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from handlers.publish.errors import Login, NotSent, Refused
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.s3.settings import S3Settings
from handlers.publish.kinds.s3.store import Gone, Store
from handlers.publish.kinds.s3.upload import Upload, goes_at_once, read
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from models.progress import Progress

NOBODY = "a" * 32  # a key that no job has


class S3:
    limits = Limits()
    searchable = True

    def __init__(self, settings: S3Settings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._store = Store(settings, around.now)

    def check(self) -> str:
        """Also that `find` can tell: some stores say "forbidden" of what is not there."""
        store = self._store
        try:
            store.call("head_bucket")
        except Gone:
            raise Refused(
                f"There is no such thing as {store.what}", hint="Make it, or correct bucket"
            ) from None
        self._head(NOBODY)
        return store.what

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        store = self._store
        progress.check()
        self._put_beside(video, text, key)
        try:
            answer = self._send(video, text, key, memo, progress)
        except Gone as e:
            # Completed, and killed before that was written down; or the store has forgotten it.
            memo.put(upload=None)
            there = self._head(key)
            if there is None:
                raise NotSent(f"{store.what} has lost the upload: {e}") from None
            return there
        return self._receipt(key, answer.get("ETag", ""), video.size)

    def find(self, key: str, memo: Memo) -> Receipt | None:
        return self._head(key)

    def _send(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> dict[str, Any]:
        headers = {
            "ContentType": "video/mp4",
            "ContentDisposition": f"inline; filename*=UTF-8''{quote(text.title[:80] or key, safe='')}.mp4",
            "Metadata": {"vigentd-key": key},
        }
        if goes_at_once(video):
            return self._store.put(self._name(key), read(video, 0, video.size), final=True, **headers)

        def wait(seconds: float) -> None:
            progress.check()
            self._around.sleep(seconds)
            progress.check()

        return Upload(self._store, self._name(key), video, headers).send(memo, progress, wait)

    def _put_beside(self, video: Video, text: Text, key: str) -> None:
        facts = {
            "key": key,
            "title": text.title,
            "description": text.description,
            "tags": list(text.tags),
            "language": text.language,
            "duration_s": video.duration_s,
            "width": video.width,
            "height": video.height,
            "size": video.size,
        }
        body = json.dumps(facts, ensure_ascii=False, indent=2).encode()
        try:
            self._store.put(self._name(key, ".json"), body, ContentType="application/json")
            for path, kind in ((video.cover, "image/jpeg"), (video.subtitles, "application/x-subrip")):
                if path is not None:
                    self._store.put(self._name(key, path.suffix), _content(path), ContentType=kind)
        except Gone as e:
            raise Refused(
                f"{self._store.what} takes nothing: {e}", hint="Look at bucket and prefix"
            ) from None

    def _head(self, key: str) -> Receipt | None:
        try:
            answer = self._store.call("head_object", Key=self._name(key))
        except Gone:
            return None
        except Login as e:
            hint = f"{e.hint} (reading and listing: without it a store may not say what is not there)"
            raise Login(e.message, hint=hint) from None
        return self._receipt(key, answer.get("ETag", ""), answer["ContentLength"])

    def _name(self, key: str, suffix: str = ".mp4") -> str:
        return f"{self._settings.prefix}{key}{suffix}"

    def _receipt(self, key: str, etag: str, size: int) -> Receipt:
        name = self._name(key)
        base = self._settings.public_url or f"s3://{self._settings.bucket}"
        return Receipt(name, f"{base}/{quote(name)}", {"size": size, "etag": etag.strip('"')})


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise NotSent(f"{path.name} cannot be read: {e.strerror}") from e
