"""A call to YouTube, and what its answer means."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from handlers.publish.errors import Login, NotSent, Refused, Spent
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.speaking import joined
from handlers.publish.kinds.waiting import TheirTime, retry_after
from handlers.publish.kinds.youtube.settings import YouTubeSettings
from handlers.publish.kinds.youtube.tokens import Tokens
from models.errors import VigentdError

CONNECT_S = 10.0
STALL_S = 60.0  # without a byte, on the way there or back
PACIFIC = ZoneInfo("America/Los_Angeles")  # where quotas begin anew at midnight

DAY_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded"})
UPLOADS_SPENT = frozenset({"uploadLimitExceeded", "uploadRateLimitExceeded"})
BUSY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "backendError", "internalError"})
STRANGER = frozenset({"", "authError", "forbidden", "insufficientPermissions", "youtubeSignupRequired"})

NOT_THERE = "youtube_not_there"  # the code of what is refused because there is no such thing

Body = Callable[[], Iterable[bytes]]


class Api:
    """One piece of work's connections. `send` raises httpx's errors; all else raises what errors.py lists."""

    def __init__(self, settings: YouTubeSettings, around: Surroundings, tokens: Tokens) -> None:
        for name in ("httpx", "httpcore"):  # they tell the addresses of uploads, which are keys to them
            logging.getLogger(name).setLevel(logging.WARNING)
        self._base = settings.endpoint_url
        self._around = around
        self._tokens = tokens
        self.time = TheirTime(around)
        self.http = httpx.Client(
            transport=around.transport, timeout=httpx.Timeout(STALL_S, connect=CONNECT_S)
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body | None = None,
        **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """Whatever it answers; a token that has run out is renewed, once. url: whole, or a path."""
        url = url if "://" in url else self._base + url
        self.check_address(url)
        for last in (False, True):
            bearer = {"Authorization": f"Bearer {self._tokens.access(self.http)}"}
            more = more if body is None else {**more, "content": body()}
            response = self.http.request(method, url, headers={**(headers or {}), **bearer}, **more)
            self.time.heard(response.headers)
            if response.status_code != 401 or last:
                break
            self._tokens.forget()
        return response

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """For what changes nothing, or may be done twice: an answer that says yes."""
        try:
            response = self.send(method, url, **more)
        except httpx.RequestError as e:
            raise away(e) from None
        if not response.is_success:
            raise self.told(response)
        return response

    def get(self, what: str, **asked: Any) -> dict[str, Any]:
        """what: "channels", "videos" …"""
        return content_of(self.ask("GET", f"/youtube/v3/{what}", params=asked))

    def told(self, response: httpx.Response) -> VigentdError:
        """What an answer means that says no."""
        reason, words = _reason(response)
        status = response.status_code
        said = f"{reason}: {words}" if words else reason or f"HTTP {status}"
        if reason in DAY_SPENT:
            return Spent(
                "Today's quota of YouTube's API is used up",
                hint="It goes on after midnight in California; Google's console gives more on request",
                until=midnight(self._around.now()),
            )
        if reason in UPLOADS_SPENT:
            until = self._around.now() + dt.timedelta(days=1)
            return Spent("YouTube takes no more uploads of this channel today", until=until)
        if status >= 500 or status == 429 or reason in BUSY:
            wait_s = retry_after(response.headers.get("retry-after", ""), self._around.now())
            return NotSent(f"YouTube is busy or broken: {said}", wait_s=wait_s)
        if reason == "accessNotConfigured":
            return Refused(
                "The YouTube Data API is not switched on for this OAuth client",
                hint="Switch it on: console.cloud.google.com, APIs & Services, Library",
            )
        if status == 401 or (status == 403 and reason in STRANGER):
            hint = "Log in again, with the channel's own account: vigentd publish login NAME"
            return Login(f"YouTube does not let us do that: {reason or status}", hint=hint)
        return Refused(
            f"YouTube refused it: {said}",
            code=NOT_THERE if status == 404 else None,
            hint="Change what it does not like, and publish again",
        )

    def check_address(self, url: str) -> None:
        """Our token goes to nobody else, whatever address an answer names."""
        ours, theirs = urlsplit(self._base), urlsplit(joined(self._base, url))
        google = theirs.scheme == "https" and (theirs.hostname or "").endswith(".googleapis.com")
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc) and not google:
            raise Refused(f"YouTube sends us to {theirs.hostname or 'nowhere'}, which is not YouTube")


def away(e: httpx.RequestError) -> NotSent:
    return NotSent(f"YouTube is not to be reached: {type(e).__name__}")


def content_of(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise NotSent("YouTube answered what cannot be read")
    return content


def midnight(now: dt.datetime) -> dt.datetime:
    """The next one in California."""
    tomorrow = now.astimezone(PACIFIC).date() + dt.timedelta(days=1)
    return dt.datetime.combine(tomorrow, dt.time(), PACIFIC).astimezone(dt.UTC)


def _reason(response: httpx.Response) -> tuple[str, str]:
    """YouTube's word for what is wrong, and its sentence; "" where there is none."""
    try:
        error = response.json()["error"]
        reasons = [str(each.get("reason", "")) for each in error.get("errors", [])]
        return (reasons or [""])[0], " ".join(str(error.get("message", "")).split())[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
