"""`vigentd`: the command line. Each theme has a file in `daemon/commands/`.

Exit codes: 0 ok · 1 the job or the check failed · 2 wrong use. Errors are one plain sentence and a
hint on stderr, and with --json also {"error": …} on stdout; a person never sees a traceback.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from daemon.terminal import out_json, tell, tell_error
from daemon.wording import in_words
from models.errors import BadInput, StageFailed, VigentdError

INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    # Imports make no garbage, and looking for it among them takes a quarter of the time of `vigentd ls`.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold bytes that are no text; they are shown escaped.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def commands() -> typer.Typer:
    """All commands. The imports are here so that `main` can say how they are done."""
    from daemon.commands import demo, jobs, looks, machine

    app = typer.Typer(
        name="vigentd",
        help="A script and a clip of a presenter become a finished video.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(common)
    for theme in (jobs, demo, looks, machine):
        theme.register(app)
    gc.freeze()
    gc.enable()
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vigentd {_installed_version()}")
        raise typer.Exit


def _installed_version() -> str:
    try:
        return version("vigentd")
    except PackageNotFoundError:
        return "(not installed: running from its source)"


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
    """One command. Returns its exit code."""
    as_json = "--json" in arguments
    try:
        code = commands()(arguments, prog_name="vigentd", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as e:
        if not arguments:  # the help, shown because nothing was asked
            tell(e.format_message())
            return 2
        return _refused(BadInput(e.format_message(), code="usage", hint=_help_for(e)), as_json)
    except VigentdError as e:
        return _refused(e, as_json)
    except BrokenPipeError:  # `vigentd ls | head`: nobody reads any more, and nothing is said about it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as e:
        error = in_words(e, _keep_traceback, "try again")
        _refused(error, as_json)
        return 1 if isinstance(error, StageFailed) else 2
    if code == INTERRUPTED:
        tell("error: interrupted")
        return 1
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


if __name__ == "__main__":
    main()
