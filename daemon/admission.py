"""The door's check: everything about a job that can be said before it is worked on.

What passes here may still fail (a face is looked for only later), but nothing fails minutes later for
a reason that was plain at once: a wrong path, an unknown style, a missing font, no room on the disk.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon import catalogue
from daemon.config import Config
from daemon.control.wish import PATHS
from daemon.disk.housekeeping import room, room_needed
from daemon.engines.roster import Chosen
from daemon.folders import absolute, make_private, refuse_address, unwritable
from daemon.said import Said, checked, checked_head, limit_bytes, read_script, track_path
from models.errors import BadInput, Unavailable, VigentdError
from models.progress import Progress
from models.voices import EVERYBODY, OWNER, By
from models.words import is_unicode
from pipeline.script import check_script
from pipeline.spec import JobSpec, Settings


@dataclass(frozen=True)
class Request:
    """What the person said, before anything is checked; None is "not said".

    script:      the bytes of a text of unknown encoding; options may stand at its head.
    script_file: where they are from, if that is a file. script_name: what a person calls it.
    by:          whose job it is; decides which saved voices it may use.
    preset:      options from files that count unless the script's head or `options` say otherwise; of two,
                 the later one counts.
    options:     fields of JobSpec by name; or what a file says.
    """

    clip: Path
    script: bytes | None = None
    speech: Path | None = None
    out: Path | None = None
    options: dict[str, Any] | Said | None = None
    script_file: Path | None = None
    script_name: str = ""
    preset: tuple[Said, ...] = ()
    by: By = EVERYBODY


def admit(request: Request, config: Config) -> JobSpec:
    """The job, complete and checked. Raises BadInput or Unavailable."""
    settings = config.settings
    spec = _spec(request, config)
    Chosen(config)  # raises when one is asked for by name that cannot run
    _check_clip(spec.clip, settings)
    if spec.speech:
        _check_recording(spec.speech, spec.script, config)
    spec = catalogue.check_names(spec, settings, request.by)
    catalogue.check_fonts(spec, settings)
    for name in spec.publish:
        config.publish.named(name)
    if spec.out:
        _check_out(spec, request.script_file)
    _check_room(config)
    return spec


def be_ready(config: dict[str, Any]) -> None:
    """For a host, while it loads: reads what the first check would have to wait for, most of all fonts."""
    with suppress(VigentdError):  # whoever comes is told
        some = JobSpec(script="Good morning, 早上好", clip=Path("/"))
        catalogue.check_fonts(some, Config(**config).settings)


def admit_wish(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """For a host: what a program asked for over the control socket, with the configuration of the daemon.

    asked: {"wish": as `wish.check_wish` gives it, "config": …}. Returns the JobSpec, as JSON.
    """
    wish = dict(asked["wish"])
    clip, speech, out = (Path(wish.pop(name)) if name in wish else None for name in PATHS)
    script = wish.pop("script", None)
    assert clip is not None
    fields = [name for name in JobSpec.model_fields if name != "voice_id"]
    if unknown := [name for name in wish if name not in fields]:
        raise BadInput(
            f"{unknown[0]} is not something that a job has",
            code="wish_invalid",
            hint=f"A job has {', '.join(fields)}; beside them there are key and priority.",
        )
    request = Request(clip, None if script is None else script.encode(), speech, out, wish, by=OWNER)
    return admit(request, Config(**asked["config"])).model_dump(mode="json")


def read_script_file(path: Path, limit_chars: int) -> bytes:
    """The file's bytes, but not many more than a script of that length can have."""
    refuse_address(path)
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


def _spec(request: Request, config: Config) -> JobSpec:
    if request.script is None and request.speech is None:
        raise BadInput(
            "There is nothing to say: neither a script nor a recording was given",
            code="script_missing",
            hint="Give --script FILE (or - for stdin), or --speech WAV.",
        )
    head, script = _script(request, config.limits.script_chars)
    try:
        return JobSpec(
            script=script,
            clip=absolute(request.clip),
            speech=absolute(request.speech) if request.speech else None,
            out=absolute(request.out) if request.out else None,
            **_options(request, head, config),
        )
    except ValidationError as e:
        raise _bad_option(e) from e


def _script(request: Request, limit_chars: int) -> tuple[Said, str]:
    """What is said at the head of the script, and what is to be spoken."""
    name = request.script_name or (request.script_file.name if request.script_file else "-")
    where = "the front matter of " + ("the script" if name == "-" else name)
    if request.script is None:
        return Said({}, where), ""
    head, script = read_script(request.script, limit_chars, where)
    if request.speech and head.options and not script.strip():
        return head, ""  # it is there for its options
    return head, check_script(script, limit_chars)


def _options(request: Request, head: Said, config: Config) -> dict[str, Any]:
    """The later counts."""
    values = config.defaults.model_dump()
    values["music"] = track_path(values["music"])
    for said in request.preset:
        values |= checked(said, config.settings)
    values |= checked_head(head, config.settings)
    if isinstance(request.options, Said):
        return values | checked(request.options, config.settings)
    typed = {key: value for key, value in (request.options or {}).items() if value is not None}
    _check_text(typed)
    if isinstance(typed.get("music"), str):
        typed["music"] = track_path(typed["music"])
    return values | typed


def _bad_option(error: ValidationError) -> VigentdError:
    first = error.errors()[0]
    name = "--" + str(first["loc"][0]).replace("_", "-")
    what = str(first["msg"]).removeprefix("Value error, ")
    what = re.sub("^(Input )?should( be)?", lambda m: "must be" if m[2] else "must", what)
    return BadInput(
        f"{name} {what}, not {first['input']!r}", code="option_invalid", hint="See `vigentd submit --help`."
    )


def _check_text(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, str) and not is_unicode(value):
            raise BadInput(
                f"--{name.replace('_', '-')} is not valid UTF-8",
                code="option_encoding",
                hint="Type it in a terminal that uses UTF-8; a file with such a name has to be renamed.",
            )


def _check_clip(clip: Path, settings: Settings) -> None:
    from pipeline.probe import inspect

    inspect(clip, settings)


def _check_recording(path: Path, script: str, config: Config) -> None:
    from models.whisper.glance import damage
    from pipeline.recording import check_sound

    check_sound(path)
    if not script and (wrong := damage(config.weights, config.whisper.model)):
        hint = f"Whisper writes down what is said. {wrong.hint} Or give what is said with --script."
        raise Unavailable(wrong.message, code=wrong.code, hint=hint)


def _check_out(spec: JobSpec, script_file: Path | None) -> None:
    from pipeline.deliver import check_out
    from pipeline.result import files_of

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


def _check_room(config: Config) -> None:
    try:
        make_private(config.data_dir)
    except OSError as e:
        raise unwritable(config.data_dir, e) from e
    if why := room(config):
        asked_for = config.disk.min_free > room_needed()
        last = "lower disk.min_free" if asked_for else "move data_dir to a larger disk"
        raise Unavailable(why, code="disk_low", hint=f"Free some space, run `vigentd clean`, or {last}.")
