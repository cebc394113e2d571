"""A call to a PeerTube server, with a token, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kind import Surroundings
from handlers.publish.kinds import speaking
from handlers.publish.kinds.peertube.settings import PeerTubeSettings
from handlers.publish.kinds.speaking import Answer, Body
from handlers.publish.kinds.waiting import TheirTime
from models.errors import VigentdError


class Tokens:
    """As the server gave them; in memory alone: there is a password."""

    def __init__(self) -> None:
        self.access = ""
        self.refresh = ""
        self.until = 0.0  # by the clock

    def keep(self, said: Mapping[str, Any], now: float) -> None:
        self.access = str(said["access_token"])
        self.refresh = str(said.get("refresh_token") or "")
        lasts_s = said.get("expires_in")
        self.until = now + (float(lasts_s) if isinstance(lasts_s, int | float) else 3600.0) - 60


class Api:
    """One piece of work's connections."""

    def __init__(self, settings: PeerTubeSettings, around: Surroundings, tokens: Tokens) -> None:
        self.who = urlsplit(settings.url).hostname or settings.url
        self._settings = settings
        self._around = around
        self._tokens = tokens
        self._http = speaking.client(around)
        self.time = TheirTime(around)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(
        self, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Whatever it answers; a token that is not taken is asked for anew, once. Raises Unsure only when a
        piece of the video went off whole, and no answer came."""
        url = urljoin(self._settings.url, path)
        given = dict(headers or {}) | ({"Content-Length": "0"} if body is None and method == "PUT" else {})
        final = method == "PUT" and body is not None
        for last in (False, True):
            signed = {**given, "Authorization": f"Bearer {self._token()}"}
            try:
                answer = speaking.say(self._http, method, url, body, signed, who=self.who)
            except Unsure as e:
                if final:
                    raise
                raise NotSent(e.message) from None  # no video comes of such a call
            self.time.heard(answer.headers)
            if answer.status != 401 or last:
                break
            self._tokens.access = ""
        return answer

    def get(self, path: str) -> dict[str, Any]:
        answer = self.call("GET", path)
        if not answer.ok or not answer.whole:
            raise self.told(answer)
        return answer.json()

    def told(self, answer: Answer) -> VigentdError:
        """What an answer means that says no."""
        said = answer.json()
        # Some servers repeat what they were given; nothing of a login's answer is shown.
        words = str(said.get("detail") or said.get("error") or "").replace(self._password(), "***")[:200]
        code = str(said.get("code") or said.get("type") or "")
        shown = f"HTTP {answer.status}" + (f": {words}" if words else "")
        if "quota" in code or "quota" in words.lower():
            return Spent(
                f"The quota of {self._settings.user} at {self.who} is used up", hint="Make room there"
            )
        if answer.status == 413 or "max_file_size_reached" in code:
            return Refused(f"The video is too large for {self.who}: {shown}", code="peertube_size")
        if answer.status == 401:
            return Login(f"{self.who} does not let us in: {shown}", hint="Look at user and password")
        if answer.status in (408, 425, 429) or answer.status >= 500 or answer.ok:
            wait_s = answer.wait_s(self._around.now())
            return NotSent(f"{self.who} cannot take it now: {shown}", wait_s=wait_s)
        hint = "Look at what this user may do there" if answer.status == 403 else ""
        return Refused(f"{self.who} refuses it: {shown}", hint=hint)

    # ---------------------------------------------------------------- the login

    def _token(self) -> str:
        tokens = self._tokens
        if tokens.access and self._around.clock() < tokens.until:
            return tokens.access
        client = self._plain("GET", "/api/v1/oauth-clients/local", None)
        if not client.ok:
            raise self.told(client)
        grants = [{"grant_type": "password", "username": self._settings.user, "password": self._password()}]
        if tokens.refresh:
            grants.insert(0, {"grant_type": "refresh_token", "refresh_token": tokens.refresh})
        known = {name: client.json().get(name, "") for name in ("client_id", "client_secret")}
        for grant in grants:
            answer = self._plain("POST", "/api/v1/users/token", {**known, **grant})
            said = answer.json()
            if answer.ok and said.get("access_token"):
                tokens.keep(said, self._around.clock())
                return tokens.access
            if answer.status == 429 or answer.status >= 500:
                raise self.told(answer)
        tokens.access = tokens.refresh = ""
        raise Login(
            f"{self.who} does not take the name and password of {self._settings.user}",
            hint="Look at user and password; a user with two-factor login cannot be used",
        )

    def _plain(self, method: str, path: str, form: dict[str, Any] | None) -> Answer:
        body = None if form is None else Body([urlencode(form).encode()])
        headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            return speaking.say(self._http, method, self._settings.url + path, body, headers, who=self.who)
        except Unsure as e:
            raise NotSent(e.message) from None

    def _password(self) -> str:
        return speaking.secret_of(
            self._settings.password, self._settings.password_file, f"the target {self._settings.name}"
        )
