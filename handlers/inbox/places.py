"""Where things lie in and beside an inbox."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from daemon.config import InboxSettings
from daemon.inbox_rules import WORK
from pipeline.workspace import sync_folder


@dataclass(frozen=True)
class Places:
    """root: the folder that is watched. All others usually lie in it, but may lie anywhere."""

    root: Path
    outbox: Path
    done: Path
    failed: Path
    duplicates: Path

    @classmethod
    def of(cls, inbox: InboxSettings) -> Places:
        root, folders = inbox.path, inbox.folders
        places = (folders.outbox, folders.done, folders.failed, folders.duplicates)
        return cls(root, *(Path(os.path.normpath(root / place)) for place in places))

    @property
    def work(self) -> Path:
        """What was taken up: a folder for each intake."""
        return self.root / WORK

    @property
    def ours(self) -> frozenset[str]:
        """The names in the inbox that are not looked at, however the places are spelt."""
        names = {WORK}
        root = os.path.realpath(self.root)
        for place in (self.outbox, self.done, self.failed, self.duplicates):
            for spelt, within in ((place, self.root), (Path(os.path.realpath(place)), Path(root))):
                if spelt.is_relative_to(within) and spelt != within:
                    names.add(spelt.relative_to(within).parts[0])
        return frozenset(names)


def make_place(place: Path, root: Path) -> None:
    """The folder is there. Made is only what lies in the inbox, and never through a link in it.

    Elsewhere a folder that is missing may be on a disk that is not mounted: what was put into one made
    in its stead would be hidden when it is. Raises OSError.
    """
    place, root = Path(os.path.normpath(place)), Path(os.path.normpath(root))
    if not place.is_relative_to(root):
        if not place.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(place))
        return
    folder = root
    for part in place.relative_to(root).parts:
        folder /= part
        try:
            folder.mkdir()
            sync_folder(folder.parent)
        except FileExistsError:
            if not stat.S_ISDIR(folder.lstat().st_mode):
                why = "this is no folder, and something is to be put there"
                raise NotADirectoryError(errno.ENOTDIR, why, str(folder)) from None
