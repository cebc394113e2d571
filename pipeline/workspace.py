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
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.progress import Progress, Quiet

MANIFEST = "artifact.json"


class Workspace:
    """The folder of one job. root is created when needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, stage: str, inputs: dict[str, Any]) -> Path | None:
        """The finished artifact for these inputs, whole, or None."""
        folder = self.root / artifact_name(stage, inputs)
        try:
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
            whole = manifest["files"] == _files(folder)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return folder if whole else None

    def make(
        self, stage: str, inputs: dict[str, Any], work: Callable[[Path], None], *, resumable: bool = False
    ) -> Path:
        """Run `work` on a fresh folder (or, if resumable, on what an earlier try left) and finish it.

        Raises whatever `work` raises; then nothing stands under the final name.
        """
        final = self.root / artifact_name(stage, inputs)
        part = final.with_name(final.name + ".part")
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


def artifact_name(stage: str, inputs: dict[str, Any]) -> str:
    canonical = json.dumps([stage, inputs], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{stage}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def file_hash(path: Path, progress: Progress | None = None) -> str:
    """SHA-256 of a file's content, in hex. A file that has not changed is read once."""
    there = path.stat()
    known = (path, there.st_size, there.st_mtime_ns, there.st_ino)
    if known not in _HASHES:
        while len(_HASHES) >= 64:
            del _HASHES[next(iter(_HASHES))]
        _HASHES[known] = _read_hash(path, there.st_size, progress or Quiet())
    return _HASHES[known]


_HASHES: dict[tuple[Path, int, int, int], str] = {}
_BLOCK = 8 * 2**20


def _read_hash(path: Path, size: int, progress: Progress) -> str:
    sha, done = hashlib.sha256(), 0
    with path.open("rb") as f:
        while block := f.read(_BLOCK):
            sha.update(block)
            done += len(block)
            progress.step(done, max(size, done))
    return sha.hexdigest()


def write_atomic(path: Path, data: bytes) -> None:
    """The file is there with this content, or it is as it was."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames inside the folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _files(folder: Path) -> dict[str, int]:
    """Name → size in bytes of all but the manifest."""
    found = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    found.pop(MANIFEST, None)
    return dict(sorted(found.items()))


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        elif path.is_dir():
            sync_folder(path)
    sync_folder(folder)
