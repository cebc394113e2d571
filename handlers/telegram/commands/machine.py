"""/health and /log: how the machine is, for admins."""

from __future__ import annotations

from typing import Any

from handlers.telegram import moments
from handlers.telegram.content import Content
from handlers.telegram.incoming import Said
from handlers.telegram.report.amounts import size
from handlers.telegram.talk import Talk
from handlers.telegram.texts import Marked

LOG_LINES, MOST_LINES, LOG_CHARS = 20, 500, 3500


def health(talk: Talk, said: Said) -> None:
    told = talk.house.status()
    lines = [
        talk.say("health.head", state=told["state"], why=f": {told['why']}" if told["why"] else ""),
        talk.say("health.process", version=told["version"], since=_time(told["started_at"]), pid=told["pid"]),
        *(_job(talk, job) for job in told.get("jobs") or [told["job"]]),
        _counts(talk, told),
        *(_host(talk, host) for host in told["hosts"]),
        *(_inbox(talk, inbox) for inbox in told["inboxes"]),
        _bot(talk, told.get("telegram")),
        talk.say("health.disk", free=size(told["free"])),
    ]
    talk.show(Content("\n".join(line for line in lines if line)))


def log(talk: Talk, said: Said) -> None:
    wanted = said.argument or str(LOG_LINES)
    if not (wanted.isascii() and wanted.isdecimal() and 0 < int(wanted[:6]) <= MOST_LINES):
        talk.answer("health.log_lines", most=MOST_LINES)
        return
    text = talk.house.log_tail(int(wanted)).strip()
    if not text:
        talk.answer("health.log_empty")
        return
    # The end is what matters; the first line may then lack its beginning.
    talk.answer("health.log", text=text if len(text) <= LOG_CHARS else "…" + text[1 - LOG_CHARS :])


def _job(talk: Talk, job: dict[str, Any] | None) -> Marked:
    if job is None:
        return talk.say("health.no_job")
    stage = talk.say(f"stage.{job['stage'] or 'starting'}")
    return talk.say(
        "health.job", id=job["id"], label=job["label"], stage=stage, percent=f"{job['progress']:.0%}"
    )


def _counts(talk: Talk, told: dict[str, Any]) -> Marked:
    counts, oldest = told["counts"], told["oldest_waiting"]
    since = talk.plain("health.oldest", time=moments.shown(oldest)) if oldest else ""
    return talk.say(
        "health.counts", since=since, **{state: counts[state] for state in ("queued", "done", "failed")}
    )


def _host(talk: Talk, host: dict[str, Any]) -> Marked:
    facts = [host["engine"], host["device"], size(host["rss"]) if host["rss"] else ""]
    facts.append(f"GPU {size(host['vram'])}" if host["vram"] else "")
    told = ", ".join(fact for fact in facts if fact)
    return talk.say("health.host", name=host["name"], state=host["state"], facts=f" ({told})" if told else "")


def _inbox(talk: Talk, inbox: dict[str, Any]) -> Marked:
    return talk.say("health.inbox", name=inbox["name"], state=inbox["state"], held=inbox["held"])


def _bot(talk: Talk, bot: dict[str, Any] | None) -> Marked:
    if bot is None:
        return Marked()
    return talk.say("health.bot", **{fact: bot[fact] for fact in ("state", "waiting", "errands", "unsure")})


def _time(iso: str | None) -> str:
    return moments.shown(iso) if iso else "?"
