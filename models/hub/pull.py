"""Getting models: what is not there is fetched, checked, and only then given its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from models.errors import Unavailable
from models.hub.catalogue import Model
from models.hub.folders import alone
from models.hub.plan import Plan, need_room, planned, settle
from models.hub.shelf import Standing, standing
from models.hub.source import Source
from models.hub.watch import Watch


def pull(
    weights: Path,
    models: Sequence[Model],
    source: Source,
    watch: Watch,
    *,
    spare: int,
    now: Callable[[], str],
    waits: Sequence[float] | None = None,
) -> list[Standing]:
    """How they stand then: all are whole. Files that are right already are not fetched.

    weights: the folder of all models. spare: bytes that must stay free on its disk. now: the time, ISO 8601.
    waits: see fetch.WAITS. Raises Unavailable: whatever came is kept, and the next call goes on with it.
    """
    need_library()
    with alone(weights):
        plans = [planned(weights, model, watch) for model in models]
        need_room(weights, plans, spare)

        def done(plan: Plan) -> None:
            settle(weights, plan, source, now)

        if any(plan.missing for plan in plans):
            if source.withheld:
                watch.note(f"HF_TOKEN is not sent to {source.host}: it is for huggingface.co alone")
            from models.hub.gather import gather

            gather(weights, plans, source, watch, done, waits)
        else:
            for plan in plans:
                done(plan)
    return [standing(weights, model) for model in models]


def need_library() -> None:
    """Raises Unavailable `hub_library_missing`."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise Unavailable(
            "huggingface_hub, which fetches models, is not installed",
            code="hub_library_missing",
            hint="Run `make install-all`.",
        ) from None
