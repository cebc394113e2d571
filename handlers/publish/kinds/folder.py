"""A folder, also one on a mounted share: the video, with its cover, subtitles and text (.json) beside it.

    [[publish.target]]
    name = "archive"
    kind = "folder"
    path = "/srv/videos"
    file_name = "{date:%Y-%m-%d} {title}"    # template.py; characters that no file can have are replaced
    base_url = "https://media.example.org/"  # where the folder is seen from outside, if it is
    mode = "0644"                            # who may read the files; not said: as this process writes files

The video gets its name last, so whoever waits for it finds the rest; nothing of another's is ever
replaced. What is on its way has hidden names with the key in them; what is there is noted in the folder
`.vigentd`, so that it is known also when somebody has taken the video away. How it gets there: placing.py.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator

from handlers.publish.errors import NotSent, Refused, Unsure
from handlers.publish.facts import Facts
from handlers.publish.file_names import file_stem
from handlers.publish.kind import Kind, Surroundings, TargetSettings
from handlers.publish.kinds.placing import NOTES, NotKnown, Place, Placing
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from handlers.publish.template import Template
from models.durable import written
from models.errors import FULL, VigentdError
from models.progress import Progress


def _whole(path: object) -> object:
    if not isinstance(path, str | Path) or not str(path).strip() or "\0" in str(path):
        raise ValueError("should be a folder")
    whole = Path(path).expanduser()
    if not whole.is_absolute():
        raise ValueError("should be the whole path of a folder, such as /srv/videos")
    return whole


def _base(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("should be an address that begins with https://")
    return url if not url or url.endswith("/") else url + "/"


def _rights(mode: str) -> str:
    if not re.fullmatch(r"(?:0?[0-7]{3})?", mode, re.ASCII):
        raise ValueError('should be rights such as "0644"')
    return mode


class FolderSettings(TargetSettings):
    path: Annotated[Path, BeforeValidator(_whole)]
    file_name: Template = "{date:%Y-%m-%d} {title}"
    base_url: Annotated[str, AfterValidator(_base)] = ""
    mode: Annotated[str, AfterValidator(_rights)] = ""


class Folder:
    limits = Limits()
    searchable = True

    def __init__(self, settings: FolderSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._folder = settings.path
        self._surroundings = surroundings
        # Where a share is mounted there is an empty folder without it: what was there once has its notes.
        self._known = surroundings.data_dir / "folder"

    def check(self) -> str:
        with self._told():
            self._check_there()
            trial = self._folder / f".vigentd-{uuid.uuid4().hex[:8]}.part"
            trial.touch(exist_ok=False)
            trial.unlink()
            free = shutil.disk_usage(self._folder).free
        return f"the folder {self._folder}, {free / 1e9:.1f} GB free"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        with self._told():
            _check_sources(video)
            self._prepare()
            place = Place(self._folder, key)
            if (stem := place.published()) is None:
                mode = int(self._settings.mode, 8) if self._settings.mode else None
                placing = Placing(place, video, text, progress, self._surroundings.now(), mode)
                stem = placing.finish(lambda: file_stem(self._settings.file_name, self._facts(text, key)))
        return self._receipt(stem)

    def find(self, key: str, memo: Memo) -> Receipt | None:
        with self._told():
            self._check_there()
            stem = Place(self._folder, key).published()
        return None if stem is None else self._receipt(stem)

    # ---------------------------------------------------------------- the parts

    def _facts(self, text: Text, key: str) -> Facts:
        """As the text says it now: a person may have changed the title."""
        facts = text.facts or Facts(key[:8], self._surroundings.now(), language=text.language)
        return facts.with_text(text.title, text.tags)

    def _receipt(self, stem: str) -> Receipt:
        name = stem + ".mp4"
        url = self._settings.base_url and self._settings.base_url + quote(name)
        return Receipt(name, url, {"path": str(self._folder / name)})

    def _check_there(self) -> None:
        if self._folder.is_file():
            raise NotSent(f"{self._folder} is a file, and no folder", hint="Correct `path` of this target")
        if not self._folder.is_dir():
            raise NotSent(
                f"The folder {self._folder} is not there",
                hint="Make it, or mount the share that it lies on",
            )
        if not (self._folder / NOTES).is_dir() and self._was_known():
            raise NotSent(
                f"The folder {self._folder} is not the one that it was: there is no {NOTES} in it any more",
                hint=f"Mount the share that it lies on; if it is to begin anew, make a folder {NOTES} in it",
            )

    def _was_known(self) -> bool:
        try:
            return self._known.read_bytes() == os.fsencode(self._folder)
        except FileNotFoundError:
            return False

    def _prepare(self) -> None:
        self._check_there()
        (self._folder / NOTES).mkdir(exist_ok=True)
        if not self._was_known():
            self._known.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written(self._known, os.fsencode(self._folder))

    @contextmanager
    def _told(self) -> Generator[None]:
        """What a file system says, in the words of errors.py."""
        try:
            yield
        except NotKnown as e:
            raise Unsure(
                f"Whether the video is in {self._folder} cannot be told now: {_said(e)}",
                hint="When the folder can be read again, it is seen",
            ) from e
        except OSError as e:
            raise _trouble(self._folder, e) from e


def _check_sources(video: Video) -> None:
    for path in (video.path, video.cover, video.subtitles):
        if path is not None and not path.is_file():
            raise Refused(f"The file {path} of the finished video is gone", code="video_gone")


_DENIED = {
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "the names there may not be as long",
    errno.EINVAL: "the names there may not be like this",
    errno.EFBIG: "the file system there takes no file of this size",
}


def _trouble(folder: Path, error: OSError) -> VigentdError:
    if error.errno in FULL:
        return NotSent(
            f"The disk is full: there was no room for the video in {folder}",
            code="target_full",
            hint="Free some space there; it is tried again",
        )
    if error.errno in _DENIED:
        return Refused(
            f"The video cannot be put into {folder}: {_DENIED[error.errno]}",
            code="target_denied",
            hint="Let this program's user write there, or choose another folder or file_name",
        )
    return NotSent(f"The folder {folder} could not be written to: {_said(error)}")


def _said(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


KIND = Kind("folder", FolderSettings, Folder)
