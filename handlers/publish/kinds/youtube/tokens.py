"""What YouTube knows us by: the client (from its file), and the token that a person's login gave it.

The token that lasts lies in the target's own folder, readable by us alone; the one for an hour is kept in
memory. Neither is shown anywhere.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from handlers.publish.errors import Login, NotSent
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.speaking import is_local
from handlers.publish.kinds.waiting import bounded
from handlers.publish.kinds.youtube.settings import YouTubeSettings

FILE = "token.json"
EARLY_S = 120  # before it runs out it is not used any more


@dataclass(frozen=True)
class Client:
    id: str
    secret: str = field(repr=False)
    auth_uri: str
    token_uri: str

    @classmethod
    def of(cls, settings: YouTubeSettings) -> Client:
        try:
            content = json.loads(settings.client_file.read_bytes())
            given = content.get("installed") or content["web"]
            if not (given["token_uri"].startswith("https://") or is_local(given["token_uri"])):
                raise ValueError("our secrets would go there for everybody to read")
            return cls(given["client_id"], given["client_secret"], given["auth_uri"], given["token_uri"])
        except OSError as e:
            why = e.strerror or "it is not to be read"
        except (ValueError, KeyError, AttributeError, TypeError):
            why = "it is not what Google's console gives"
        raise Login(
            f"The OAuth client in {settings.client_file.name} (target {settings.name}) is of no use: {why}",
            hint="Download it again as JSON: console.cloud.google.com, APIs & Services, Credentials",
        )


class Tokens:
    def __init__(self, settings: YouTubeSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._access = ""
        self._until = 0.0  # by the clock

    @property
    def _path(self) -> Path:
        return self._around.data_dir / FILE

    def access(self, http: httpx.Client) -> str:
        """Asks for one when there is none that is good for a while yet."""
        if not self._access or self._around.clock() >= self._until:
            self._refresh(http)
        return self._access

    def forget(self) -> None:
        """The one for an hour was refused."""
        self._access = ""

    def keep(self, answer: dict[str, Any]) -> None:
        """What the site gave; durably, when there is a lasting one among it."""
        self._access = str(answer["access_token"])
        self._until = self._around.clock() + (bounded(answer.get("expires_in")) or 3600.0) - EARLY_S
        if answer.get("refresh_token"):
            self._write({"refresh_token": str(answer["refresh_token"])})

    def _refresh(self, http: httpx.Client) -> None:
        client = Client.of(self._settings)
        asked = {"grant_type": "refresh_token", "refresh_token": self._lasting()}
        status, answer = ask_for_token(http, client, asked)
        if status == 200 and answer.get("access_token"):
            self.keep(answer)
            return
        if status < 400:
            raise NotSent("Google's login answered what cannot be read")
        said = answer.get("error", status)
        if said == "invalid_grant":
            raise self._login("YouTube does not take our login any more")
        raise self._login(f"YouTube does not take our OAuth client: {said}")

    def _lasting(self) -> str:
        try:
            return str(json.loads(self._path.read_bytes())["refresh_token"])
        except FileNotFoundError:
            raise self._login("Nobody has logged in to YouTube yet") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise self._login("The login at YouTube cannot be read") from None

    def _login(self, message: str) -> Login:
        name = self._settings.name
        return Login(f"{message} (target {name})", hint=f"Log in: vigentd publish login {name}")

    def _write(self, content: dict[str, str]) -> None:
        folder = self._around.data_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f".{FILE}.{secrets.token_hex(4)}"
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w"
        ) as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


def ask_for_token(http: httpx.Client, client: Client, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Its status and its answer: 200, or one that says no. Raises NotSent when there is neither."""
    return ask_form(http, client.token_uri, {"client_id": client.id, "client_secret": client.secret, **asked})


def ask_form(http: httpx.Client, url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    try:
        response = http.post(url, data=form)
        answer = response.json()
    except httpx.RequestError as e:
        raise NotSent(f"Google's login is not to be reached: {type(e).__name__}") from None
    except ValueError:
        answer = {}
    if response.status_code >= 500 or response.status_code == 429:
        raise NotSent(f"Google's login failed with HTTP {response.status_code}")
    return response.status_code, answer if isinstance(answer, dict) else {}
