"""The door's check: everything about a job that can be said before it is worked on.

What passes here may still fail (a face is looked for only later), but nothing fails minutes later for
a reason that was plain at once: a wrong path, an unknown style, a missing font, no room on the disk.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon import catalogue
from daemon.config import Config
from daemon.folders import absolute, make_private, unwritable
from models.errors import BadInput, Unavailable, VigentdError
from pipeline.spec import JobSpec, Settings

JOB_BYTES = 200 * 2**20  # what a minute of 1080x1920 leaves while it is made
BYTES_PER_CHARACTER = 4  # at most, in UTF-8, UTF-16 and GB18030


@dataclass(frozen=True)
class Request:
    """What the person said, before anything is checked; None is "not said".

    script: the bytes of a text of unknown encoding; script_file: where they are from, if that is a file.
    options: fields of JobSpec by name.
    """

    clip: Path
    script: bytes | None = None
    speech: Path | None = None
    out: Path | None = None
    options: dict[str, Any] | None = None
    script_file: Path | None = None


def admit(request: Request, config: Config) -> JobSpec:
    """The job, complete and checked. Raises BadInput or Unavailable."""
    settings = config.settings
    spec = _spec(request, config)
    catalogue.check_engines(settings)
    _check_clip(spec.clip, settings)
    if spec.speech:
        _check_recording(spec.speech)
    catalogue.check_names(spec, settings)
    catalogue.check_fonts(spec, settings)
    if spec.out:
        _check_out(spec, request.script_file)
    _check_room(config)
    return spec


def read_script_file(path: Path, limit_chars: int) -> bytes:
    """The file's bytes, but not many more than a script of that length can have."""
    _refuse_address(path)
    if not path.exists():
        raise BadInput(
            f"The script {path} does not exist",
            code="script_missing",
            hint="Check the path, or give - for stdin.",
        )
    if not path.is_file():
        raise BadInput(f"The script {path} is not a file", code="script_not_a_file", hint="Give a text file.")
    try:
        with path.open("rb") as f:
            return f.read(limit_bytes(limit_chars))
    except OSError as e:
        raise BadInput(
            f"The script {path} cannot be read: {e.strerror}",
            code="script_unreadable",
            hint="Check its permissions.",
        ) from e


def limit_bytes(limit_chars: int) -> int:
    """Enough of a script to tell that it is too long. A multiple of four, so that UTF-16 stays whole."""
    return BYTES_PER_CHARACTER * (limit_chars + 1024)


def _spec(request: Request, config: Config) -> JobSpec:
    if request.script is None and request.speech is None:
        raise BadInput(
            "There is nothing to say: neither a script nor a recording was given",
            code="script_missing",
            hint="Give --script FILE (or - for stdin), or --speech WAV.",
        )
    script = _read(request.script, config.limits.script_chars) if request.script is not None else ""
    said = {key: value for key, value in (request.options or {}).items() if value is not None}
    values = config.defaults.model_dump() | said
    _check_text(values)
    values["music"] = _track_path(values["music"])
    try:
        return JobSpec(
            script=script,
            clip=_absolute(request.clip),
            speech=_absolute(request.speech) if request.speech else None,
            out=_absolute(request.out) if request.out else None,
            **values,
        )
    except ValidationError as e:
        raise _bad_option(e) from e


def _read(data: bytes, limit_chars: int) -> str:
    from pipeline.script import read_script

    try:
        return read_script(data, limit_chars)
    except BadInput as e:
        if e.code == "script_encoding" and len(data) >= limit_bytes(limit_chars):
            raise BadInput(  # it was cut where we stopped reading, perhaps within a character
                f"The script has more than the {limit_chars:,} characters that are allowed",
                code="script_too_long",
                hint="Make several videos of it, or raise limits.script_chars in the configuration.",
            ) from e
        raise


def _bad_option(error: ValidationError) -> VigentdError:
    first = error.errors()[0]
    name = "--" + str(first["loc"][0]).replace("_", "-")
    what = first["msg"].replace("Input should be", "must be").replace("Input should", "must")
    return BadInput(
        f"{name} {what}, not {first['input']!r}", code="option_invalid", hint="See `vigentd submit --help`."
    )


def _check_text(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, str) and not _is_unicode(value):
            raise BadInput(
                f"--{name.replace('_', '-')} is not valid UTF-8",
                code="option_encoding",
                hint="Type it in a terminal that uses UTF-8; a file with such a name has to be renamed.",
            )


def _absolute(path: Path) -> Path:
    _refuse_address(path)
    path = absolute(path)
    if not _is_unicode(str(path)):
        raise BadInput(
            f"The name of the file {str(path).encode('utf-8', 'replace').decode()} is not valid UTF-8",
            code="path_encoding",
            hint="Rename the file.",
        )
    return path


def _refuse_address(path: Path) -> None:
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(path), re.IGNORECASE) and not path.exists():
        raise BadInput(
            f"{str(path).replace(':/', '://', 1)} is an address, and only files on this machine are read",
            code="address_given",
            hint="Download it first, and give the file.",
        )


def _is_unicode(text: str) -> bool:
    """Bytes that are no UTF-8 come from the command line as lone surrogates, which no database takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _track_path(music: str) -> str:
    """A file for music is kept by its absolute path; a name stays a name."""
    path = Path(music).expanduser()
    is_file = "/" in music or (path.suffix and path.is_file())
    return str(_absolute(path)) if is_file else music


def _check_clip(clip: Path, settings: Settings) -> None:
    from pipeline.probe import inspect

    inspect(clip, settings)


def _check_recording(path: Path) -> None:
    from pipeline.recording import check_recording

    check_recording(path)


def _check_out(spec: JobSpec, script_file: Path | None) -> None:
    from pipeline.deliver import check_out, files_of

    assert spec.out is not None
    try:
        check_out(spec.out)
    except VigentdError as e:  # told as after the work: "…; the job itself is not lost"
        raise type(e)(e.message, code=e.code, hint=e.hint.split(";")[0]) from e
    script_file = script_file and script_file.expanduser()
    given = [path for path in (spec.clip, spec.speech, script_file, Path(spec.music)) if path]
    for made in files_of(spec.out):
        for path in given:
            if made.exists() and path.exists() and made.samefile(path):
                raise BadInput(
                    f"{made} would be written over, and it is what the video is to be made of",
                    code="out_overwrites_input",
                    hint="Choose another name for --out.",
                )


def room_needed() -> int:
    """Bytes in the data folder: a job of a minute, and pictures put aside to be played backwards."""
    from pipeline import spill

    return spill.BYTES + JOB_BYTES


def _check_room(config: Config) -> None:
    try:
        make_private(config.data_dir)
    except OSError as e:
        raise unwritable(config.data_dir, e) from e
    free, needed = shutil.disk_usage(config.data_dir).free, room_needed()
    if free < needed:
        raise Unavailable(
            f"Only {free // 2**20} MB are free for {config.data_dir}, and a job needs {needed // 2**20} MB",
            code="disk_full",
            hint="Free some space, or move data_dir to a larger disk.",
        )
