"""How the folders of the inboxes may lie: nothing is taken up twice, nor what is our own taken for work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from daemon.config import Config, InboxSettings

WORK = ".work"  # in an inbox: what was taken up


@dataclass(frozen=True)
class Mistake:
    """key: of the configuration. what: the end of a sentence that begins with the key."""

    key: tuple[str, ...]
    what: str
    hint: str


def mistake(config: Config) -> Mistake | None:
    """The first, if there is any. Looks at the disk: two spellings of one folder, through links, are one."""
    return next(_mistakes(config), None)


@dataclass(frozen=True)
class _Laid:
    """Where the folders of an inbox really lie."""

    key: tuple[str, ...]
    name: str
    root: Path
    folders: dict[str, Path]
    presenter: tuple[Path, ...]  # as it is spelled, and what that is a link to

    @classmethod
    def of(cls, number: int, inbox: InboxSettings) -> _Laid:
        root = _real(inbox.path)
        folders = {name: _real(root / folder) for name, folder in inbox.folders.model_dump().items()}
        spelled = inbox.presenter
        presenter = () if spelled is None else (_real(spelled.parent) / spelled.name, _real(spelled))
        return cls(("inbox", str(number)), inbox.name, root, folders, presenter)


def _mistakes(config: Config) -> Iterator[Mistake]:
    data_dir = _real(config.data_dir)
    laid = [_Laid.of(number, inbox) for number, inbox in enumerate(config.inbox)]
    for inbox in laid:
        yield from _with_data(inbox, data_dir)
        yield from _within(inbox)
    for first, second in combinations(laid, 2):
        if first.name == second.name:
            what = f"is the name of another inbox too: {second.name}"
            yield Mistake((*second.key, "name"), what, "Give each its own name.")
        yield from _between(second, first)
        yield from _between(first, second)
    for inbox in laid:
        yield from _presenter(inbox, laid)


def _with_data(inbox: _Laid, data_dir: Path) -> Iterator[Mistake]:
    path = (*inbox.key, "path")
    own = "Take a folder of its own for the inbox."
    if inbox.root.is_relative_to(data_dir):
        yield Mistake(path, f"lies in the data folder {data_dir}", own)
    if data_dir.is_relative_to(inbox.root):
        yield Mistake(path, f"holds the data folder {data_dir}", own)
    for name, folder in inbox.folders.items():
        if folder.is_relative_to(data_dir):
            yield Mistake((*inbox.key, "folders", name), f"lies in the data folder {data_dir}", own)


def _within(inbox: _Laid) -> Iterator[Mistake]:
    for name, folder in inbox.folders.items():
        key = (*inbox.key, "folders", name)
        if inbox.root == folder:
            yield Mistake(key, "is the inbox itself", f'Give it a name of its own, as "{name}".')
        elif inbox.root.is_relative_to(folder):
            yield Mistake(
                key, f"is {folder}, in which the inbox lies", "Take a folder beside or in the inbox."
            )
        elif folder.is_relative_to(inbox.root / WORK):
            yield Mistake(key, f"lies in {WORK}, where the inbox keeps what it took up", "Take another name.")
    for (name, folder), (other, same) in combinations(inbox.folders.items(), 2):
        if folder == same:
            key = (*inbox.key, "folders", other)
            yield Mistake(key, f"is the same folder as folders.{name}", "Each needs a folder of its own.")


def _between(inbox: _Laid, other: _Laid) -> Iterator[Mistake]:
    """What would make one inbox take up what is another's."""
    path = (*inbox.key, "path")
    apart = "Take a folder that lies in no other inbox."
    if inbox.root.is_relative_to(other.root):
        yield Mistake(path, f"lies in the inbox {other.name} ({other.root})", apart)
    for name, folder in other.folders.items():
        if inbox.root.is_relative_to(folder):
            yield Mistake(path, f"lies in folders.{name} of the inbox {other.name} ({folder})", apart)
    for name, folder in inbox.folders.items():
        known = any(folder.is_relative_to(place) for place in other.folders.values())
        if folder.is_relative_to(other.root) and not known:
            what = f"lies in the inbox {other.name} ({other.root}), which would take it up"
            yield Mistake((*inbox.key, "folders", name), what, apart)


def _presenter(inbox: _Laid, laid: list[_Laid]) -> Iterator[Mistake]:
    for other in laid:
        if any(clip.is_relative_to(other.root) for clip in inbox.presenter):
            what = f"lies in the inbox {other.name} ({other.root}), which would take it up"
            yield Mistake((*inbox.key, "presenter"), what, "Keep the clip elsewhere.")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
