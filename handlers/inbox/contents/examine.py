"""Are these files a job? Asked of a host, the door: but for the names that a batch gives to files, nothing
that was dropped is parsed in the daemon.

Both functions take and return JSON, and raise BadInput and Unavailable in the words of the person: with the
names that the files had in the inbox, and not those under which they are kept meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.admission import Request, admit
from daemon.config import Config, InboxSettings
from daemon.said import Said, limit_bytes
from handlers.inbox.contents import batch
from handlers.inbox.contents.options import read_options
from handlers.inbox.contents.texts import read_bytes
from handlers.inbox.wording import in_their_words
from models.errors import BadInput, Unavailable, VigentdError
from models.progress import Progress


def rows(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"path": of the batch, "name": what people call it}. Returns {"rows": [batch.Row as JSON]}."""
    progress.step(0, 1)  # from now on, and not while others were served, its time counts
    return {"rows": [row.as_json() for row in batch.read(Path(asked["path"]), asked["name"])]}


def examine(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Returns {"spec": JobSpec as JSON}.

    asked: {"config": …, "inbox": the name of one that is in it,
            "sources": {"script", "clip", "speech", "options": path}: those that are there,
            "names": the same keys → what people call them,
            "row": null, or as `rows` gave it}
    """
    progress.step(0, 1)
    config = Config(**asked["config"])
    inbox = next(inbox for inbox in config.inbox if inbox.name == asked["inbox"])
    sources = {role: Path(path) for role, path in asked["sources"].items()}
    try:
        request = _request(inbox, sources, asked["names"], asked["row"], config)
        spec = admit(request, config)
    except VigentdError as e:
        # The others are read here, and under their own names.
        names = {sources[role]: asked["names"][role] for role in ("clip", "speech") if role in sources}
        message, hint = (in_their_words(t, names, asked["names"].values()) for t in (e.message, e.hint))
        raise type(e)(message, code=e.code, hint=hint) from e
    return {"spec": spec.model_dump(mode="json")}


def _request(
    inbox: InboxSettings,
    sources: dict[str, Path],
    names: dict[str, str],
    row: dict[str, Any] | None,
    config: Config,
) -> Request:
    where = row["where"] if row else ""
    script, script_name = None, names.get("script", "")
    if "script" in sources:
        limit = limit_bytes(config.limits.script_chars)
        script = read_bytes(sources["script"], names["script"], limit)
    elif row and row["script"]:
        script, script_name = row["script"].encode(), f"the script in {where}"
    return Request(
        clip=sources.get("clip") or _presenter(inbox, where),
        script=script,
        speech=sources.get("speech"),
        options=Said(row["options"], where) if row else None,
        script_name=script_name,
        preset=_preset(inbox, sources, names),
    )


def _preset(inbox: InboxSettings, sources: dict[str, Path], names: dict[str, str]) -> tuple[Said, ...]:
    """What the owner of the inbox says, then the file beside the script."""
    said = inbox.preset.model_dump(exclude_unset=True)
    if inbox.publish:
        said = {"publish": list(inbox.publish)} | said
    preset = (Said(said, f"the preset of the inbox {inbox.name}", by_owner=True),)
    if "options" not in sources:
        return preset
    return (*preset, Said(read_options(sources["options"], names["options"]), names["options"]))


def _presenter(inbox: InboxSettings, where: str) -> Path:
    if inbox.presenter is None:
        raise BadInput(
            f"There is no clip{' in ' * bool(where)}{where}, and the inbox {inbox.name} has no presenter",
            code="clip_missing",
            hint="Put the clip beside it, or set `presenter` of the inbox in vigentd.toml.",
        )
    if not inbox.presenter.is_file():
        raise Unavailable(
            f"The presenter of the inbox {inbox.name} is missing: there is no file {inbox.presenter}",
            code="presenter_missing",
            hint="Put the clip there, or correct `presenter` of the inbox in vigentd.toml.",
        )
    return inbox.presenter
