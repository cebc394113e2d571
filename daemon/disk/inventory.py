"""What lies in the data folder: work folders and results, by job, with their sizes.

Nothing is read but names, sizes and times, so that a thousand jobs are looked through in a moment. A
symbolic link is what it is, a small file: where it leads to is never looked at.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from daemon.config import Config

_ID = "[0-9a-hjkmnp-tv-z]{8}"  # as `jobs.new_id` makes them; what is called otherwise is not ours
_FOLDER = re.compile(_ID)
_RESULT = re.compile(rf"({_ID})(\..+)")
_HALF_WRITTEN = re.compile(rf"\.({_ID})\..+\.part")
_ASIDE = re.compile(rf"\.({_ID}|work)(.*)\.([a-z]+)\.gone")

WORK = "work"
VIDEO = ".mp4"


@dataclass
class Size:
    """bytes: of all files. changed: when the newest of them was, in seconds since 1970."""

    bytes: int = 0
    changed: float = 0.0

    def add(self, there: os.stat_result, *, a_file: bool) -> None:
        self.bytes += there.st_size if a_file else 0
        self.changed = max(self.changed, there.st_mtime)


@dataclass
class JobFolder:
    """`jobs/ID`. work: the size of what its stages made, or None; rest: of everything else, as its log."""

    job: str
    path: Path
    work: Size | None = None
    rest: Size = field(default_factory=Size)
    empty: bool = True  # but for the work

    @property
    def changed(self) -> float:
        return max(self.work.changed if self.work else 0.0, self.rest.changed)


@dataclass
class Result:
    """`results/ID.*`: the video, if it is there, comes first."""

    job: str
    files: list[Path] = field(default_factory=list)
    size: Size = field(default_factory=Size)
    video: bool = False


@dataclass(frozen=True)
class Aside:
    """What an earlier sweep had taken out of its place, for the reason `why`, when it was ended."""

    job: str
    path: Path
    bytes: int
    why: str
    video: bool


@dataclass
class Inventory:
    folders: dict[str, JobFolder] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    half_written: list[tuple[str, Path, Size]] = field(default_factory=list)  # with their jobs
    aside: list[Aside] = field(default_factory=list)
    elsewhere: list[Path] = field(default_factory=list)  # links in place of our folders; not looked into


def aside(path: Path, why: str) -> Path:
    """What it is called when it is about to be removed: one that `take` finds, whatever happens then."""
    return path.with_name(f".{path.name.lstrip('.')}.{why}.gone")


def take(config: Config) -> Inventory:
    found = Inventory()
    jobs = config.job_dir("_").parent
    for folder, look in ((jobs, _look_at_job), (config.results, _look_at_result)):
        if folder.is_symlink():
            found.elsewhere.append(folder)
            continue
        for entry in _entries(folder):
            look(entry, found)
    return found


def measure(folder: str | Path) -> Size:
    """Of all in it. What goes away meanwhile has no size."""
    size, open_folders = Size(), [folder]
    while open_folders:
        for entry in _entries(open_folders.pop()):
            is_folder = entry.is_dir(follow_symlinks=False)
            _add(size, entry, a_file=not is_folder)
            if is_folder:
                open_folders.append(entry.path)
    return size


def _look_at_job(entry: os.DirEntry[str], found: Inventory) -> None:
    if not entry.is_dir(follow_symlinks=False):
        return
    if gone := _ASIDE.fullmatch(entry.name):
        found.aside.append(_aside(entry, gone, gone[1]))
    elif _FOLDER.fullmatch(entry.name):
        found.folders[entry.name] = _job_folder(entry, found)


def _job_folder(entry: os.DirEntry[str], found: Inventory) -> JobFolder:
    folder = JobFolder(entry.name, Path(entry.path))
    _add(folder.rest, entry, a_file=False)
    for inner in _entries(entry.path):
        is_folder = inner.is_dir(follow_symlinks=False)
        if inner.name == WORK:
            folder.work = measure(inner.path) if is_folder else Size()
            _add(folder.work, inner, a_file=not is_folder)
        elif gone := _ASIDE.fullmatch(inner.name):
            found.aside.append(_aside(inner, gone, entry.name))
        else:
            folder.empty = False
            _add(folder.rest, inner, a_file=not is_folder)
    return folder


def _look_at_result(entry: os.DirEntry[str], found: Inventory) -> None:
    if entry.is_dir(follow_symlinks=False):
        return
    if gone := _ASIDE.fullmatch(entry.name):
        found.aside.append(_aside(entry, gone, gone[1]))
    elif half := _HALF_WRITTEN.fullmatch(entry.name):
        size = Size()
        _add(size, entry, a_file=True)
        found.half_written.append((half[1], Path(entry.path), size))
    elif named := _RESULT.fullmatch(entry.name):
        result = found.results.setdefault(named[1], Result(named[1]))
        is_video = named[2] == VIDEO
        result.video = result.video or is_video
        result.files.insert(0 if is_video else len(result.files), Path(entry.path))
        _add(result.size, entry, a_file=True)


def _aside(entry: os.DirEntry[str], name: re.Match[str], job: str) -> Aside:
    is_folder = entry.is_dir(follow_symlinks=False)
    size = measure(entry.path) if is_folder else Size()
    _add(size, entry, a_file=not is_folder)
    return Aside(job, Path(entry.path), size.bytes, name[3], video=name[2] == VIDEO)


def _add(size: Size, entry: os.DirEntry[str], *, a_file: bool) -> None:
    with contextlib.suppress(OSError):  # gone meanwhile
        size.add(entry.stat(follow_symlinks=False), a_file=a_file)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """None of a folder that is gone or cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return
