"""Which weights these are, without reading all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.errors import Unavailable
from models.latentsync.files import HINT, Files, missing

_PIECES, _PIECE = 8, 1 << 18  # of a file that go into its fingerprint, bytes of each


def fingerprint(files: Files) -> str:
    """16 hex digits that change with the weights, without reading all of them.

    The end of a .pt, which is a zip, has the checksums of all of its tensors.
    """
    need(files, *files.needed)
    digest = hashlib.sha256()
    for path in (*files.needed, files.unet_config):
        if path.is_file():
            _take_in(digest, path)
    return digest.hexdigest()[:16]


def need(files: Files, *paths: Path) -> None:
    """Raises Unavailable weights_missing, with all that is, when one of the paths is not there."""
    absent = missing(files)
    if not set(absent) & set(paths):
        return
    are = "is" if len(absent) == 1 else "are"
    raise Unavailable(
        f"LatentSync's weights are not complete: {', '.join(map(str, absent))} {are} missing",
        code="weights_missing",
        hint=HINT,
    )


def _take_in(digest: hashlib._Hash, path: Path) -> None:
    """Name, size, and pieces spread evenly from the first byte to the last."""
    size = path.stat().st_size
    digest.update(f"{path.name} {size}\n".encode())
    with path.open("rb") as file:
        for i in range(_PIECES):
            file.seek(max(size - _PIECE, 0) * i // (_PIECES - 1))
            digest.update(file.read(_PIECE))
