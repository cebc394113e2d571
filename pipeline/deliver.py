"""The result goes to where the person wants it: the mp4, with subtitles and cover beside it.

Whole or not at all: everything is copied under temporary names in the target's own folder first, and
renamed when all of it has reached the disk; the mp4 comes last, so whoever waits for it finds the rest.
"""

from __future__ import annotations

import errno
from pathlib import Path

from models.errors import FULL, BadInput, Unavailable, VigentdError
from pipeline.copying import copy_bytes
from pipeline.result import files_of, temporary
from pipeline.workspace import sync_folder

VIDEO_SUFFIX = ".mp4"


def check_out(out: Path) -> None:
    """Says before any work is done that a video could not be put there. Raises BadInput.

    Subtitles and a picture of that name without the video are not an earlier result: the person's own
    (`holiday.jpg` beside `holiday.mov`) would be lost.
    """
    _check_place(out)
    own = [path for path in files_of(out) if path.exists()]
    if own and not out.exists():
        raise BadInput(
            f"{own[0]} would be written over, and it is not from an earlier video: there is no {out.name}",
            code="out_overwrites",
            hint="Choose another name for the result, or move that file away.",
        )


def _check_place(out: Path) -> None:
    try:
        _try_place(out)
    except OSError as error:
        raise _trouble(out, error) from error


def _try_place(out: Path) -> None:
    if out.is_dir():
        raise _unwritable(out, "it is a folder", "Add a file name, such as video.mp4")
    if out.suffix.lower() != VIDEO_SUFFIX:
        raise BadInput(
            f"The result {out} would be an MP4, but its name does not end in .mp4",
            code="out_suffix",
            hint=f"Use {out.with_suffix(VIDEO_SUFFIX).name or 'video.mp4'}",
        )
    if not out.parent.is_dir():
        raise _unwritable(
            out, f"the folder {out.parent} does not exist", "Make the folder, or choose another"
        )
    for target in files_of(out):
        if target.is_dir():
            raise _unwritable(target, "a folder has that name", "Move it away, or choose another name")
    trial = temporary(out)
    trial.touch(exist_ok=False)  # permissions alone do not tell: the disk may be mounted read-only
    trial.unlink()


def deliver(compose: Path, captions: Path, out: Path) -> list[Path]:
    """Copy the finished job's files, what there is of them, to `out` and beside it (.srt, .vtt, .jpg).

    What has these names is replaced: whether it may be is asked before the work, by `check_out` (here,
    subtitles without a video are what an earlier delivery left when it was killed).
    Returns what was written, the mp4 last. Raises BadInput `out_suffix`, `out_unwritable`, Unavailable
    `disk_full`; after these the target is as it was, unless a rename itself failed: then some of the
    smaller files may be the new ones.
    """
    _check_place(out)
    made = [
        captions / "captions.srt",
        captions / "captions.vtt",
        compose / "cover.jpg",
        compose / "video.mp4",
    ]
    wanted = dict(zip(made, files_of(out), strict=True))
    again = out.exists()
    copies: dict[Path, Path] = {}
    try:
        for source, target in wanted.items():
            if source.is_file() or target == out:
                copies[target] = temporary(target)
                _copy(source, copies[target])
        for target, copy in copies.items():
            copy.replace(target)
        if again:  # the subtitles of the earlier video would be taken for those of this one
            for target in wanted.values():
                if target not in copies:
                    target.unlink(missing_ok=True)
        sync_folder(out.parent)
    except OSError as error:
        raise _trouble(out, error) from error
    finally:
        for copy in copies.values():
            copy.unlink(missing_ok=True)
    return list(copies)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as write:
        copy_bytes(read, write)


_REASONS = {
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "the folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "a folder has that name",
}


def _trouble(out: Path, error: OSError) -> VigentdError:
    if error.errno in FULL:
        return Unavailable(
            f"The disk is full: there was no room for the result in {out.parent}",
            code="disk_full",
            hint="Free some space there, or choose another place; the finished video is still in the job",
        )
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return _unwritable(out, reason, "Choose a folder that you may write to; the job itself is not lost")


def _unwritable(out: Path, reason: str, hint: str) -> BadInput:
    return BadInput(f"The result cannot be written to {out}: {reason}", code="out_unwritable", hint=hint)
