"""What the commands of `publish` say, in plain words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from daemon.commands.terminal import local_time
from daemon.publications.plan import Planned
from daemon.publications.slots import Rules
from daemon.publications.tables import Publication, Standing

SOON_S = 5.0  # so near, it is "at once"
_WHY = {
    "quiet": "after the quiet hours",
    "full": "the days before are full",
    "spent": "until then the quota is used up",
    "retry": "tried again then",
}
LATE = {"publish": "published at once", "next_slot": "left for the next slot", "ask": "asked about first"}


def state(row: Publication) -> str:
    """For one line: what became of it, or what it waits for."""
    match row.state:
        case Standing.PUBLISHED:
            url = (row.receipt or {}).get("url", "")
            return f"published {local_time(row.changed_at)}{', ' * bool(url)}{url}"
        case Standing.APPROVED:
            retried = f", tried again {local_time(row.next_try)}" if row.next_try else ""
            return f"waits for {local_time(row.due_at)}{retried}" if row.due_at else f"waits{retried}"
        case Standing.SKIPPED:
            return "skipped"
        case Standing.SENDING:
            return "is being sent"
        case Standing.UNSURE:
            return "may have arrived: it is being looked for"
    return to_do(row)


def to_do(row: Publication) -> str:
    """What a person has to say or to do about it."""
    number, error = row.number, row.error or {}
    match row.state:
        case Standing.PROPOSED:
            wish = f" for {local_time(row.due_at)}" if row.due_at else ""
            return f"waits for your approval{wish}: `vigentd publish approve {number}`"
        case Standing.ASKED:
            why = f": {error['message'].rstrip('.')}" if error else ""
            return (
                f"nobody knows whether it arrived{why}. Look into {row.target}: if it is there, "
                f"`vigentd publish there {number}`; if it is not, `vigentd publish again {number}`"
            )
    if error.get("code") == "publish_late":
        why = f"was to be published {local_time(row.due_at)}, and is late"
        return f"{why}: `vigentd publish approve {number}` sends it now, `later` and `skip` do not"
    why, hint = error.get("message", "it is held").rstrip("."), error.get("hint", "").rstrip(".")
    return f"{why}. {hint or 'Put that right'}; then `vigentd publish approve {number}`"


def when(line: Planned, now: dt.datetime) -> str:
    """ "at once", "2026-11-24 18:00 (Europe/Berlin), after the quiet hours"."""
    row = line.publication
    if row is not None and row.state in (Standing.SENDING, Standing.UNSURE):
        return state(row)
    if line.why == "paused":
        return f"when {line.target} goes on: `vigentd publish resume {line.target}`"
    if line.why == "gone":
        return f"nothing is sent now: there is no target {line.target} any more"
    if line.at is None:
        return f"no slot comes for it: `vigentd publish later {row.number if row else 'N'} --at TIME`"
    if not line.why and (line.at - now).total_seconds() < SOON_S:
        return "at once"
    why = _WHY.get(line.why, "")
    if line.why == "retry" and row is not None and row.error:
        why = f"{why}: {row.error['message'].rstrip('.')}"
    return f"{at_zone(line.at)}{', ' * bool(why)}{why}"


def at_zone(at: dt.datetime) -> str:
    """With its zone where that shows another time than the clock here."""
    if at.astimezone().utcoffset() == at.utcoffset():
        return f"{at:%Y-%m-%d %H:%M}"
    return f"{at:%Y-%m-%d %H:%M} ({at.tzinfo})"


def rules(own: Rules, slots: list[tuple[str, str]]) -> str:
    """slots: cron and zone of each, as written."""
    zone = str(own.zone)
    parts = ["a person approves each"] if own.approve else []
    if slots:
        listed = ", ".join(f'"{cron}"' + (f" ({at})" if at not in ("", zone) else "") for cron, at in slots)
        parts.append(f"slots {listed}")
    else:
        parts.append("no slots: at once, or at the time that is said")
    if own.per_day is not None:
        parts.append(f"at most {own.per_day} a day")
    if own.quiet is not None:
        parts.append(f"quiet {own.quiet.begin:%H:%M}-{own.quiet.end:%H:%M}")
    parts.append(f"what is late is {LATE[own.late]}")
    return f"{'; '.join(parts)}; {zone}"


def event(name: str, facts: Mapping[str, Any]) -> str:
    """One step of the trail."""

    def by() -> str:
        return f" by {facts['by']}" if facts.get("by") else ""

    def at(key: str) -> str:
        return local_time(facts.get(key))

    code = f" ({facts['code']})" if facts.get("code") else ""
    match name:
        case "proposed":
            held = {"proposed": "planned; a person has to approve it", "held": "planned, but held"}
            return held.get(str(facts.get("state")), "planned")
        case "later":
            return f"put off to {at('due_at') or 'the next slot'}{by()}"
        case "slot":
            return f"takes the slot of {at('moment')}"
        case "due":
            return "its time has come"
        case "late":
            policy = LATE.get(str(facts.get("policy")), str(facts.get("policy")))
            return f"it was missed at {at('due_at')}, and is {policy}"
        case "sending":
            return f"is being sent (try {facts.get('attempt')})"
        case "put":
            return f"noted for going on: {', '.join(facts.get('names', ()))}"
        case "interrupted":
            return "stopped in the middle, in good order"
        case "failed":
            return f"nothing arrived{code}; tried again {at('next_try')}"
        case "spent":
            return f"nothing arrived: the quota is used up until {at('until')}{code}"
        case "held":
            return f"nothing arrived, and a person has to do something{code}"
        case "unsure":
            return f"it may have arrived{code}"
        case "settling":
            return "is looked for there"
        case "absent":
            return "is not there: it may be sent again"
        case "asked":
            return f"only a person can say whether it arrived{code}"
        case "there":
            return f"it is there, said{by()[3:]}"
        case "again":
            return f"it is not there, said{by()[3:]}: it is sent again"
        case "published":
            url = f": {facts['url']}" if facts.get("url") else ""
            return f"published{url}"
    told = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in ("by", "text"))
    return f"{name.replace('_', ' ')}{by()}{', ' * bool(told)}{told}"
