"""Sentences that were spoken, on disk: what has not changed is not spoken again, and a killed job speaks on.

A file for every sentence, whole or not there, named by all that decides its sound. Together they stay under a
limit; what was not used for longest goes first. Nothing here is needed: what is missing, torn, or never came
to be because the disk is full, is spoken again.

    <folder>/<32 hex digits>.npz
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from models.engine import Audio

VERSION = 1  # of what stands in the files
OURS = re.compile(r"[0-9a-f]{32}\.npz|\.[0-9a-f]{32}\.npz\.\d+\.part")  # all else is left alone


class Store:
    """folder: made when needed. limit_bytes: above 0."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit = folder, limit_bytes

    def get(self, decided_by: Mapping[str, Any]) -> Audio | None:
        """decided_by: all that decides the sound, as JSON knows it."""
        text = _as_text(decided_by)
        path = self._path(text)
        try:
            with path.open("rb") as file, np.load(file) as kept:
                if str(kept["decided_by"]) != text:
                    return None
                wav = np.asarray(kept["wav"])  # a zip has checksums: what is damaged raises
        except FileNotFoundError:
            return None
        except Exception:  # what is damaged can make its reader raise anything
            with suppress(OSError):
                path.unlink()
            return None
        if wav.ndim != 1 or wav.dtype != np.float32:
            return None
        with suppress(OSError):
            os.utime(path)  # used now
        return wav

    def put(self, decided_by: Mapping[str, Any], wav: Audio) -> None:
        """Does nothing when the disk is full or the folder cannot be used."""
        text = _as_text(decided_by)
        data = io.BytesIO()
        np.savez(data, decided_by=np.array(text), wav=wav)
        path = self._path(text)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                part.write_bytes(data.getbuffer())  # not synced: one that a power cut tears is only a miss
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            self._make_room()
        except OSError:
            return

    def _make_room(self) -> None:
        kept = []
        with os.scandir(self._folder) as files:
            for file in files:
                if OURS.fullmatch(file.name):
                    with suppress(FileNotFoundError):  # two hosts may share the folder
                        found = file.stat()
                        kept.append((found.st_mtime_ns, found.st_size, file.path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._limit:
                return
            Path(path).unlink(missing_ok=True)
            total -= size

    def _path(self, text: str) -> Path:
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def _as_text(decided_by: Mapping[str, Any]) -> str:
    return json.dumps([VERSION, decided_by], sort_keys=True, ensure_ascii=True)
