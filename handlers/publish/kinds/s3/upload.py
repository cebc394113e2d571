"""A large video goes in parts, and goes on where it broke off: which parts are there is asked of the store.

What stands in the memo: upload (the store's id of it), part (bytes of each), video (which one it is of).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from handlers.publish.errors import NotSent
from handlers.publish.kinds.making import check_same, mark
from handlers.publish.kinds.s3.store import Gone, Store, md5, patiently
from handlers.publish.target import Memo, Video
from models.errors import VigentdError
from models.progress import Progress

PART = 8 << 20  # bytes; the least that is allowed is 5 MiB
MOST_PARTS = 10_000


def goes_at_once(video: Video) -> bool:
    return video.size <= PART


def part_size(size: int) -> int:
    """In whole MiB, so that there are no more than 10 000 of them."""
    return max(PART, math.ceil(math.ceil(size / MOST_PARTS) / (1 << 20)) << 20)


def read(video: Video, offset: int, size: int) -> bytes:
    """Raises NotSent when the file does not have it (any more)."""
    try:
        with video.path.open("rb") as file:
            file.seek(offset)
            piece = file.read(size)
    except OSError as e:
        raise NotSent(f"The video cannot be read: {e.strerror}") from e
    if len(piece) < size:
        raise NotSent("The video is shorter than it was")
    return piece


class Upload:
    """wait: sleeps, and raises Cancelled when it is time to stop. headers: of the object as a whole."""

    def __init__(self, store: Store, name: str, video: Video, headers: dict[str, Any]) -> None:
        self._store = store
        self._name = name
        self._video = video
        self._headers = headers

    def send(self, memo: Memo, progress: Progress, wait: Callable[[float], None]) -> dict[str, Any]:
        """The answer to its completion. Raises Gone when the store forgot the upload, or completed it."""
        marked = mark(self._video)
        upload, part = self._begun(memo, marked) or self._begin(memo, marked)
        parts = self._there(upload)
        size = self._video.size
        for number in range(1, math.ceil(size / part) + 1):
            offset = (number - 1) * part
            length = min(part, size - offset)
            if parts.get(number, ("", 0))[1] != length:
                progress.check()
                body = read(self._video, offset, length)
                check_same(self._video, marked)
                parts[number] = (self._send_part(upload, number, body, wait), length)
            progress.step(offset + length, size)
        progress.check()
        whole = [{"PartNumber": number, "ETag": parts[number][0]} for number in range(1, number + 1)]
        return self._call("complete_multipart_upload", upload, final=True, MultipartUpload={"Parts": whole})

    def _begun(self, memo: Memo, marked: str) -> tuple[str, int] | None:
        kept = memo.get()
        if kept.get("upload") and kept.get("video") == marked:
            return kept["upload"], kept["part"]
        return None

    def _begin(self, memo: Memo, marked: str) -> tuple[str, int]:
        self._clear()
        part = part_size(self._video.size)
        answer = self._store.call("create_multipart_upload", Key=self._name, **self._headers)
        memo.put(upload=answer["UploadId"], part=part, video=marked)
        return answer["UploadId"], part

    def _clear(self) -> None:
        """Parts of which nothing will come any more: nobody sees them, and each month they cost. A store that
        does not do that takes the video all the same."""
        with suppress(VigentdError, Gone):
            answer = self._store.call("list_multipart_uploads", Prefix=self._name)
            for upload in answer.get("Uploads", []):
                if upload["Key"] == self._name:
                    self._call("abort_multipart_upload", upload["UploadId"])

    def _there(self, upload: str) -> dict[int, tuple[str, int]]:
        """Of each part that has arrived: its ETag and its bytes."""
        found: dict[int, tuple[str, int]] = {}
        page: dict[str, Any] = {}
        while True:
            answer = self._call("list_parts", upload, **page)
            for part in answer.get("Parts", []):
                found[part["PartNumber"]] = part["ETag"], part["Size"]
            if not answer.get("IsTruncated"):
                return found
            page = {"PartNumberMarker": answer["NextPartNumberMarker"]}

    def _send_part(self, upload: str, number: int, body: bytes, wait: Callable[[float], None]) -> str:
        def once() -> dict[str, Any]:
            return self._call("upload_part", upload, PartNumber=number, Body=body, ContentMD5=md5(body))

        return str(patiently(once, wait)["ETag"])

    def _call(self, operation: str, upload: str, *, final: bool = False, **arguments: Any) -> dict[str, Any]:
        return self._store.call(operation, final=final, Key=self._name, UploadId=upload, **arguments)
