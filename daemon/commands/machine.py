"""doctor · config show: about this machine."""

from __future__ import annotations

from typing import Any

import typer

from daemon.commands.common import AsJson, configuration
from daemon.commands.terminal import out, out_json, tell
from daemon.config_file import Loaded, load


def register(app: typer.Typer) -> None:
    app.command()(doctor)
    config = typer.Typer(no_args_is_help=True, help="The configuration in force.")
    config.callback()(_config)
    config.command("show")(config_show)
    app.add_typer(config, name="config")


def _config() -> None:
    """Keeps `config show` two words: typer folds a group of one command into it."""


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check this machine; each trouble comes with its fix. Exit code 1 when something needed is missing."""
    from daemon.doctor import check_all, report

    findings = check_all(lambda: configuration(ctx))
    if as_json:
        out_json([finding.as_dict() for finding in findings])
    else:
        report(findings)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def config_show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Print every key with its value in force; secrets are masked."""
    loaded = load(ctx.obj)
    values = loaded.config.model_dump(mode="json")  # SecretStr is masked by pydantic
    if as_json:
        out_json(values)
        return
    tell(f"# from {loaded.file}" if loaded.file else "# no vigentd.toml: defaults and environment")
    _toml(values, loaded)


def _toml(values: dict[str, Any], loaded: Loaded) -> None:
    """As a vigentd.toml, with the place of what was set."""
    inboxes = values.pop("inbox")
    flat = {key: value for key, value in values.items() if not isinstance(value, dict)}
    sections = {key: value for key, value in values.items() if isinstance(value, dict)}
    for key, value in flat.items():
        out(_assignment((key,), value, loaded))
    for name, section in sections.items():
        out(f"\n[{name}]")
        for key, value in section.items():
            out(_assignment((name, key), value, loaded))
    if not inboxes:
        out("\n# [[inbox]]: no folder is watched")
    for number, inbox in enumerate(inboxes):
        out("\n[[inbox]]" + _place(("inbox",), loaded))
        for key, value in inbox.items():
            out(_assignment(("inbox", str(number), key), value, loaded))


def _assignment(key: tuple[str, ...], value: Any, loaded: Loaded) -> str:
    if value is None:  # TOML has no null
        return f"# {key[-1]} is not set{_place(key, loaded)}"
    return f"{key[-1]} = {_value(value)}{_place(key, loaded)}"


def _value(value: Any) -> str:
    """JSON's way is also TOML's, but for tables and for DEL."""
    import json

    if isinstance(value, dict):
        said = ", ".join(f"{key} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {said} }}" if said else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _place(key: tuple[str, ...], loaded: Loaded) -> str:
    return f"  # {loaded.places[key]}" if key in loaded.places else ""
