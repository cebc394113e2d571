"""How YouTube gets to know us: a person says yes, once, in a browser.

device:  YouTube gives a code, which the person types in on any device; we ask until that is done.
browser: the person's browser is led to Google and back to a door that is open here as long as it takes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from handlers.publish.errors import Login
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.youtube.tokens import Client, ask_for_token, ask_form

SCOPE = "https://www.googleapis.com/auth/youtube"  # the narrower one for uploads cannot look for them
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
PATIENCE_S = 600.0

Say = Callable[[str], None]


def by_device(http: httpx.Client, client: Client, around: Surroundings, say: Say) -> dict[str, Any]:
    """What the site gives, for Tokens.keep. Blocks until the person has said yes, or no, or is too late."""
    url = urljoin(client.token_uri, "/device/code")
    status, given = ask_form(http, url, {"client_id": client.id, "scope": SCOPE})
    if status != 200:
        raise Login(
            f"Google gives no code to log in with: {given.get('error', status)}",
            hint='The OAuth client should be of the type "TVs and limited input devices";'
            ' for a "desktop app" set login = "browser"',
        )
    where = given.get("verification_url") or given["verification_uri"]
    say(f"Open {where} on any device, and type in: {given['user_code']}")
    interval = float(given.get("interval", 5))
    end = around.clock() + float(given.get("expires_in", PATIENCE_S))
    asked = {"grant_type": DEVICE, "device_code": given["device_code"]}
    while around.clock() < end:
        around.sleep(interval)
        status, answer = ask_for_token(http, client, asked)
        if status == 200:
            return answer
        said = answer.get("error")
        if said == "slow_down":
            interval += 5
        elif said == "expired_token":
            break
        elif said != "authorization_pending":
            raise _denied(said or status)
    raise Login("Nobody typed in the code in time", hint="Try again")


def by_browser(http: httpx.Client, client: Client, around: Surroundings, say: Say) -> dict[str, Any]:
    """The same, over a door on this machine; from another one: ssh -L PORT:127.0.0.1:PORT."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    with _Door(state) as door:
        asked = {
            "client_id": client.id,
            "redirect_uri": door.url,
            "response_type": "code",
            "scope": SCOPE,
            "access_type": "offline",
            "prompt": "consent",  # without it, there is no lasting token the second time
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        say(f"Open in a browser on this machine: {client.auth_uri}?{urlencode(asked)}")
        came = door.wait(around.clock, PATIENCE_S)
    if "code" not in came:
        raise _denied(came.get("error", "no answer"))
    grant = {"grant_type": "authorization_code", "code": came["code"], "code_verifier": verifier}
    status, answer = ask_for_token(http, client, {**grant, "redirect_uri": door.url})
    if status != 200:
        raise _denied(answer.get("error", status))
    return answer


def _denied(said: object) -> Login:
    if said == "access_denied":
        return Login("You said no to Google", hint="Log in again, and say yes")
    return Login(f"Google did not let us in: {said}", hint="Try again")


class _Door(HTTPServer):
    """Takes what comes back with the right state; whatever else knocks is sent away."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.state = state
        self.came: dict[str, str] = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def wait(self, clock: Callable[[], float], patience_s: float) -> dict[str, str]:
        self.timeout = 1.0
        end = clock() + patience_s
        while not self.came and clock() < end:
            self.handle_request()
        if not self.came:
            raise Login("Nobody came back from Google in time", hint="Try again")
        return self.came


class _Visit(BaseHTTPRequestHandler):
    server: _Door
    timeout = 5.0  # for those who open a connection and say nothing

    def do_GET(self) -> None:
        came = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        ours = secrets.compare_digest(came.get("state", "").encode(), self.server.state.encode())
        if ours:
            self.server.came = came
        words = b"That was all. You can close this." if ours else b"Not what is waited for."
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, format: str, *args: object) -> None:
        pass  # the path carries the code
