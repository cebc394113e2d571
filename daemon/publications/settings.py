"""[publish] in the configuration: where videos go, and when.

[[publish.target]]
name = "site"
kind = "folder"
per_day = 2
quiet = "22:00-07:00"
path = "/srv/videos"          # a key of the kind, checked by the kind

[[publish.slot]]
target = "site"
cron = "0 18 * * mon-fri"
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from daemon.anchoring import anchored
from daemon.publications.cron import Cron
from daemon.publications.home import home_zone
from daemon.publications.slots import Late, Quiet, Rules, Slot
from models.errors import BadInput

MASKED = "**********"
_SECRET = re.compile(r"secret|token|passw|key|auth|credential|cookie|sign|webhook|url|header", re.IGNORECASE)


def _short_name(given: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", given):
        raise ValueError("should be a short name of small letters, digits, - and _")
    return given


def _zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError("should be a time zone such as Europe/Berlin") from e
    return given


def _cron(given: str) -> str:
    Cron.of(given)
    return given


def _quiet(given: str) -> str:
    if given:
        Quiet.of(given)
    return given


Zone = Annotated[str, AfterValidator(lambda given: given and _zone(given))]


class TargetSection(BaseModel):
    """approve: a person has to. per_day: 0: without limit. quiet: "": none. timezone: of days, quiet hours,
    and of its slots that say none; "": this machine's. late: what becomes of what was missed while the
    machine was off.

    Whatever else stands there is the kind's own. It may be a secret, and which is one only the kind knows: so
    what might be is never shown.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: Annotated[str, AfterValidator(_short_name)]
    kind: Annotated[str, AfterValidator(_short_name)]
    approve: bool = False
    per_day: Annotated[int, Field(ge=0, le=1000)] = 0
    quiet: Annotated[str, AfterValidator(_quiet)] = ""
    timezone: Zone = ""
    late: Late = "publish"

    _base: Path | None = PrivateAttr(None)  # the folder of the file that it stands in

    @property
    def own(self) -> dict[str, Any]:
        """For the settings of its kind; with its secrets. Relative paths are as they were written."""
        return {"name": self.name, "kind": self.kind} | (self.__pydantic_extra__ or {})

    def standing_in(self, folder: Path) -> Self:
        """The same, with relative paths from that folder on."""
        copy = self.model_copy()
        copy._base = folder
        return copy

    def own_of(self, kind: type[BaseModel]) -> dict[str, Any]:
        """`own`, with its paths made whole: those are paths which the kind says are."""
        if self._base is None:
            return self.own
        return anchored(self.own, kind, self._base)

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        ours = type(self).model_fields
        return {name: v if name in ours else _masked(name, v) for name, v in handler(self).items()}

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return list(self.model_dump().items())


def _masked(name: str, value: Any) -> Any:
    """Names of files are no secrets; what stands below a name that sounds like one is one, too."""
    if _SECRET.search(name) and not name.endswith("_file"):
        return MASKED
    if isinstance(value, Mapping):
        return {key: _masked(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", one) for one in value]
    if isinstance(value, str):
        return re.sub(r"(?<=://)[^/@\s]*@", f"{MASKED}@", value)
    return value


class SlotSection(BaseModel):
    """timezone: "": its target's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    cron: Annotated[str, AfterValidator(_cron)]
    timezone: Zone = ""


class PublishSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    target: tuple[TargetSection, ...] = ()
    slot: tuple[SlotSection, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> Self:
        names = [one.name for one in self.target]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"has two targets called {name}")
        for slot in self.slot:
            if slot.target not in names:
                raise ValueError(f"has a slot for {slot.target}, and there is no target of that name")
        return self

    def named(self, name: str) -> TargetSection:
        """Raises BadInput `unknown_target`."""
        for one in self.target:
            if one.name == name:
                return one
        raise self.unknown(name)

    def unknown(self, name: str) -> BadInput:
        """With the names there are."""
        names = ", ".join(one.name for one in self.target)
        there = f"There {'is' if len(self.target) == 1 else 'are'} {names}" if names else "There is none yet"
        return BadInput(
            f"There is no target called {name}",
            code="unknown_target",
            hint=f"{there}; `vigentd publish targets` says more.",
        )

    def standing_in(self, folder: Path) -> Self:
        """The same, with the targets' relative paths from that folder on."""
        return self.model_copy(update={"target": tuple(one.standing_in(folder) for one in self.target)})

    def rules(self) -> list[Rules]:
        return [self._rules(one) for one in self.target]

    def _rules(self, one: TargetSection) -> Rules:
        zone = ZoneInfo(one.timezone) if one.timezone else home_zone()
        slots = (
            Slot(Cron.of(slot.cron), ZoneInfo(slot.timezone) if slot.timezone else zone)
            for slot in self.slot
            if slot.target == one.name
        )
        return Rules(
            one.name,
            one.approve,
            one.per_day or None,
            Quiet.of(one.quiet) if one.quiet else None,
            zone,
            one.late,
            tuple(slots),
        )
