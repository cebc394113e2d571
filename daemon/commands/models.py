"""models pull · ls · verify · add: the weights of the engines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.terminal import console, counted, local_time, out, out_json, printable, tell, tell_error
from daemon.folders import absolute, make_private
from models.errors import Unavailable
from models.sizes import size

if TYPE_CHECKING:
    from daemon.config import Config
    from models.hub.check import Finding
    from models.hub.shelf import Standing

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="As `vigentd models ls` shows it.")]
INTERRUPTED = 1
ALL_THE_SAME = "`vigentd models pull NAME` fetches a model all the same."
RESTART = (
    "A daemon that runs takes it up when it is restarted, or told to read its configuration again (SIGHUP)."
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The weights of the engines: list them, get them, check them.")
    group.callback(invoke_without_command=True)(plain)
    for command in (pull, ls, verify, add):
        group.command()(command)
    app.add_typer(group, name="models")


def plain(ctx: typer.Context, as_json: AsJson = False) -> None:
    if ctx.invoked_subcommand is None:
        _show(configuration(ctx), as_json)


def pull(
    ctx: typer.Context,
    names: Names = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror of huggingface.co (or HF_ENDPOINT).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch models from huggingface.co; without a name those that the configuration needs. Started again
    after it was cut short, it goes on where it was."""
    from daemon.commands.models_display import display
    from models.hub.catalogue import named
    from models.hub.pull import need_library
    from models.hub.pull import pull as fetch
    from models.hub.source import chosen

    config = configuration(ctx)
    models = named(names if names else _needed(config))
    if not names:
        _tell_not_served(config)
    if not models:
        out_json([]) if as_json else tell(f"{_nothing_needed()} {ALL_THE_SAME}")
        return
    source = chosen(endpoint, os.environ)
    need_library()
    with _kept_when_interrupted(config, [model.name for model in models]), display() as watch:
        _own_folder(config)
        standings = fetch(config.weights, models, source, watch, spare=int(config.disk.min_free), now=_now)
    if as_json:
        out_json(_items(standings, config))
        return
    for one in standings:
        out(f"{one.model.name}: whole, {size(one.present)}, in {one.path}")
    tell(RESTART)


def ls(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the models: which are here, and which are needed."""
    _show(configuration(ctx), as_json)


def verify(ctx: typer.Context, names: Names = None, as_json: AsJson = False) -> None:
    """Read every byte of the models that are here, and compare. Exit code 1 when something is wrong."""
    from daemon.commands.models_display import display
    from models.hub.catalogue import MODELS, named
    from models.hub.check import verify as check
    from models.hub.shelf import standing

    config = configuration(ctx)
    models = named(names or [])
    if not names:
        here = {name: standing(config.weights, model).state for name, model in MODELS.items()}
        models = [MODELS[name] for name, state in here.items() if state in ("whole", "broken")]
    with display() as watch:
        findings = check(config.weights, models, watch)
    if as_json:
        out_json([finding.as_dict() for finding in findings])
    else:
        _report(findings)
    if any(finding.state != "whole" for finding in findings):
        raise typer.Exit(1)


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `vigentd models ls` shows it.")],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder that it lies in, or Whisper's one file.")
    ],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Take it though it is not the hub's: a model of your own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a model that is on this machine already. It stays where it is; links lead to it."""
    from daemon.commands.models_display import display
    from models.hub.adopt import adopt
    from models.hub.catalogue import named

    config = configuration(ctx)
    (model,) = named([name])
    place = absolute(path)
    _own_folder(config)
    with display() as watch:
        one = adopt(config.weights, model, place, watch, anyway=anyway, now=_now)
    if as_json:
        out_json(_items([one], config)[0])
        return
    out(f"{one.model.name}: whole, {size(one.present)}, in {one.path}")
    tell(RESTART)


# ---------------------------------------------------------------- doing


def _needed(config: Config) -> list[str]:
    from models import gpus
    from models.hub.needed import needed_by

    return needed_by(config, gpus.usable(os.environ))


def _nothing_needed() -> str:
    from models import gpus

    why = "" if gpus.usable(os.environ) else "no GPU can be used here, so "
    return f"Nothing is needed: {why}the draft engines serve, and they have no weights."


def _tell_not_served(config: Config) -> None:
    from models import gpus
    from models.hub.needed import not_served

    for line in not_served(config, gpus.usable(os.environ)):
        tell(f"note: {line}")


def _own_folder(config: Config) -> None:
    """Raises Unavailable `models_unwritable`."""
    from models.hub.folders import told

    with told(config.weights):
        make_private(config.weights)


def _now() -> str:
    import datetime as dt

    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@contextmanager
def _kept_when_interrupted(config: Config, names: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        from models.hub.catalogue import MODELS
        from models.hub.shelf import standing

        there = sum(standing(config.weights, MODELS[name]).present for name in names)
        whole = sum(MODELS[name].size for name in names)
        tell_error(
            Unavailable(
                f"interrupted; what is there ({size(there)} of {size(whole)}) is kept, and the same command "
                "goes on from there"
            )
        )
        raise typer.Exit(INTERRUPTED) from None


# ---------------------------------------------------------------- showing


def _show(config: Config, as_json: bool) -> None:
    from models.hub.catalogue import MODELS
    from models.hub.shelf import standing

    standings = [standing(config.weights, model) for model in MODELS.values()]
    if as_json:
        out_json(_items(standings, config))
        return
    needed = _needed(config)
    _table(standings, needed)
    _tell_not_served(config)
    if any(one.state == "broken" for one in standings):
        tell("`vigentd models verify` says what to do about what is not whole.")
    then = "`vigentd models pull` fetches what is needed." if needed else _nothing_needed()
    tell(f"In {config.weights}. {then}")


def _items(standings: Sequence[Standing], config: Config) -> list[dict[str, Any]]:
    needed = _needed(config)
    return [_item(one, one.model.name in needed) for one in standings]


def _item(one: Standing, needed: bool) -> dict[str, Any]:
    return {
        "name": one.model.name,
        "state": one.state,
        "needed": needed,
        "size": one.model.size,
        "present": one.present,
        "path": str(one.path),
        "own": one.own,
        "why": one.why,
        "checked_at": one.checked_at or None,
        "repository": one.model.repository,
        "revision": one.model.revision,
    }


def _table(standings: Sequence[Standing], needed: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("state", overflow="fold")
    for one in standings:
        mark = "needed" if one.model.name in needed else ""
        table.add_row(*map(Text, (one.model.name, size(one.model.size), mark, printable(_state(one)))))
    console().print(table)


def _state(one: Standing) -> str:
    if one.state == "begun":
        return f"begun: {size(one.present)} are here"
    if one.state == "broken":
        return f"not whole: {one.why}"
    if one.state == "missing":
        return "not here"
    whose = "your own" if one.own else "" if one.path.name == one.model.name else one.path.name
    checked = f"checked {local_time(one.checked_at)[:10]}" if one.checked_at else "not checked"
    return ", ".join(filter(None, ("whole", whose, checked)))


def _report(findings: Sequence[Finding]) -> None:
    wrong = [finding for finding in findings if finding.state != "whole"]
    for finding in wrong:
        out(printable(f"{'/'.join(filter(None, (finding.model, finding.file)))} {finding.why}"))
    bad = {finding.model for finding in wrong}
    for name in dict.fromkeys(finding.model for finding in findings):
        mine = [finding for finding in findings if finding.model == name]
        if name not in bad:
            out(
                f"{name}: whole ({counted(len(mine), 'file')}, {size(sum(finding.size for finding in mine))})"
            )
    for fix in dict.fromkeys(finding.fix for finding in wrong):
        tell(printable(f"hint: {fix}"))
    if not findings:
        tell("No model is here yet. `vigentd models pull` fetches those that are needed.")
