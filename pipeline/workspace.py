"""Artifacts on disk: a stage's result is a folder named by the hash of everything that decided it.

    <workspace>/speech-3fa94c21b07d/          finished: artifact.json is the last thing written
    <workspace>/lipsync-90ab….part/           being made; a resumable stage finds its chunks here

Resume, retry and reuse are this one mechanism: the same inputs give the same name, and what has
that name is used. A folder appears under its final name by one rename, after everything in it has
reached the disk; so it is whole or it is not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from models.durable import flushed, written
from models.progress import Progress, Quiet, Share

MANIFEST = "artifact.json"
SPILL_BYTES = 384 * 2**20  # what a stage may put aside on the disk while it works, beside its artifact

# What a stage that was killed can leave in the folder of its artifact, among what it finds again: files
# on the way to their name, and folders of its own that it takes away when it ends.
_STRAYS = (".*.part", "*.part.npz", "hdr-*", "mix-*", "sound-*", "cover-*", "tmp*")


class Workspace:
    """The folder of one job. root is created when needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, stage: str, inputs: dict[str, Any]) -> Path:
        """Where the artifact for these inputs lies when it is finished; `unfinished` says where before."""
        return self.root / artifact_name(stage, inputs)

    def find(self, stage: str, inputs: dict[str, Any]) -> Path | None:
        """The finished artifact for these inputs, whole, or None."""
        folder = self.folder(stage, inputs)
        return folder if _is_whole(folder) else None

    def make(
        self, stage: str, inputs: dict[str, Any], work: Callable[[Path], None], *, resumable: bool = False
    ) -> Path:
        """Run `work` on a fresh folder (or, if resumable, on what an earlier try left) and finish it.

        Raises whatever `work` raises; then nothing stands under the final name.
        """
        final = self.folder(stage, inputs)
        part = unfinished(final)
        for other in self.root.glob(f"{stage}-*.part"):
            if other != part:  # begun for inputs that have changed since
                shutil.rmtree(other)
        if part.exists() and not resumable:
            shutil.rmtree(part)
        part.mkdir(parents=True, exist_ok=True)
        try:
            work(part)
            manifest = {"stage": stage, "inputs": inputs, "files": _files(part)}
            (part / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
            _sync_tree(part)
        except BaseException:
            if not resumable:
                shutil.rmtree(part, ignore_errors=True)
            raise
        if final.exists():  # not whole, or `find` would have had it: something outside took files away
            shutil.rmtree(final)
        part.replace(final)
        sync_folder(self.root)
        return final

    def tidy(self, keep_parts: Collection[str] = ()) -> None:
        """Removes all but finished artifacts, and what the stages named in keep_parts can go on with.

        Only while nobody works on the job. Raises OSError when something cannot be removed.
        """
        if self.root.is_symlink() or not self.root.is_dir():
            return
        for path in list(self.root.iterdir()):
            stage = path.name.partition("-")[0] if path.suffix == ".part" else ""
            if stage in keep_parts and path.is_dir() and not path.is_symlink():
                _remove_strays(path)
            elif path.is_symlink() or not _is_whole(path):
                remove(path)


def unfinished(artifact: Path) -> Path:
    """The folder that a stage works in until its artifact is finished. Chunks of lips are taken from it
    while more are made."""
    return artifact.with_name(artifact.name + ".part")


def artifact_name(stage: str, inputs: dict[str, Any]) -> str:
    canonical = json.dumps([stage, inputs], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{stage}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def file_hash(path: Path, progress: Progress | None = None) -> str:
    """SHA-256 of a file's content, in hex. A file that has not changed is read once.

    progress: gets a heartbeat with every block; reading moves no bar.
    """
    there = path.stat()
    known = (path, there.st_size, there.st_mtime_ns, there.st_ino)
    if known not in _HASHES:
        while len(_HASHES) >= 64:
            del _HASHES[next(iter(_HASHES))]
        _HASHES[known] = _read_hash(path, Share(progress or Quiet(), 0, 0))
    return _HASHES[known]


_HASHES: dict[tuple[Path, int, int, int], str] = {}
_BLOCK = 8 * 2**20


def _read_hash(path: Path, progress: Progress) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(_BLOCK):
            sha.update(block)
            progress.step(0, 1)
    return sha.hexdigest()


def write_atomic(path: Path, data: bytes) -> None:
    """The file is there with this content, or it is as it was."""
    written(path, data)


def remove(path: Path) -> None:
    """A file, or a folder with all in it, if it is there; of a link only the link. Raises OSError."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        shutil.rmtree(path)


def sync_folder(folder: Path) -> None:
    """Makes renames inside the folder durable."""
    flushed(folder)


def _is_whole(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        return bool(manifest["files"] == _files(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remove_strays(folder: Path) -> None:
    for pattern in _STRAYS:
        for path in list(folder.rglob(pattern)):
            remove(path)


def _files(folder: Path) -> dict[str, int]:
    """Name → size in bytes of all but the manifest."""
    found = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    found.pop(MANIFEST, None)
    return dict(sorted(found.items()))


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() or (path.is_file() and not path.is_symlink()):
            flushed(path)
    flushed(folder)
