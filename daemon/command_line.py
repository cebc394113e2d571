"""The command line: which commands there are, and how they end. Each theme has a file in `daemon/commands/`.

Exit codes: 0 ok · 1 the job or the check failed · 2 wrong use. Errors are one plain sentence and a
hint on stderr, and with --json also {"error": …} on stdout; a person never sees a traceback.
"""

from __future__ import annotations

import gc
import os
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from daemon.commands.streams import OutputLost, spoken
from daemon.commands.terminal import out_json, tell, tell_error
from daemon.version import installed_version
from daemon.wording import in_words
from models.errors import BadInput, StageFailed, VigentdError

INTERRUPTED = 130  # what typer makes of Ctrl-C
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


def commands() -> Any:
    """All commands, as one that can be called. The imports are here so that `run` can tell their troubles."""
    from daemon.commands import (
        bench,
        clean,
        cluster,
        demo,
        health,
        inbox,
        jobs,
        looks,
        machine,
        models,
        publish,
        service,
        service_units,
        status,
        telegram,
        voices,
    )

    app = typer.Typer(
        name="vigentd",
        help="A script and a clip of a presenter become a finished video.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # a word in brackets, as the name of a section, is no markup
        context_settings=HELP,
    )
    app.callback()(common)
    daemon = (service, status, health, cluster, service_units)
    themes = (jobs, demo, publish, *daemon, inbox, telegram, voices, looks, models, machine, bench, clean)
    for theme in themes:
        theme.register(app)
    command = get_command(app)
    _help_plainly(command)
    gc.freeze()
    gc.enable()
    return command


def _help_plainly(command: Any) -> None:
    """Without what typer adds: "<bool>" behind a flag, as if it took a value, and braces in `show {ID}`."""
    for parameter in command.get_params(typer.Context(command, **HELP)):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        if parameter.param_type_name == "argument":
            parameter.get_usage_pieces = partial(_without_braces, parameter.get_usage_pieces)
    for part in getattr(command, "commands", {}).values():
        _help_plainly(part)


def _without_braces(pieces: Callable[[typer.Context], list[str]], ctx: typer.Context) -> list[str]:
    return [piece.strip("{}") for piece in pieces(ctx)]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vigentd {installed_version()}")
        raise typer.Exit


def common(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Use this vigentd.toml.")
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    ctx.obj = config


def run(arguments: list[str]) -> int:
    """One command. Returns its exit code; raises KeyboardInterrupt when Ctrl-C ended it."""
    return spoken(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        code = commands()(arguments, prog_name="vigentd", standalone_mode=False)
    except typer.TyperException as e:
        if type(e).__name__ == "NoArgsIsHelpError":  # nothing was asked; typer does not export the class
            tell(e.format_message())
            return 2
        return _refused(BadInput(e.format_message().rstrip("."), code="usage", hint=_help_for(e)), as_json)
    except (OutputLost, BrokenPipeError):
        raise
    except VigentdError as e:
        return _refused(e, as_json)
    except Exception as e:
        error = in_words(e, _keep_traceback, "try again")
        _refused(error, as_json)
        return 1 if isinstance(error, StageFailed) else 2
    if code == INTERRUPTED:
        raise KeyboardInterrupt  # the same word, wherever it came
    return code if isinstance(code, int) else 0


def _refused(error: VigentdError, as_json: bool) -> int:
    tell_error(error)
    if as_json:
        out_json({"error": error.as_dict()})
    return 2


def _help_for(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else 'vigentd'} --help` shows how it is used."


def _keep_traceback(error: BaseException) -> Path:
    """In a file of its own: a person never sees it."""
    fd, name = tempfile.mkstemp(prefix="vigentd-", suffix=".log")
    with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as f:
        traceback.print_exception(error, file=f)
    return Path(name)
