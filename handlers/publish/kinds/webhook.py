"""A program of your own behind an address: the facts as JSON, with the video in a form, or with a link to it.

    [[publish.target]]
    name = "site"
    kind = "webhook"
    url = "https://example.org/hooks/videos"
    secret_file = "/etc/vigentd/site.secret"
    find_url = "https://example.org/hooks/videos/{key}"  # GET: 200 with what is there, 404: nothing is
    send = "link"                                        # or "form": the video itself, and a part "facts"
    link_url = "https://media.example.org/videos/"       # where your web server has link_root
    link_root = "/var/lib/vigentd"

Each request has `Idempotency-Key: KEY` and `X-Vigentd-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 of
"SECONDS." + body with the secret; of a GET, whose body is empty, "SECONDS." + address. A link has
`expires=SECONDS&signature=HEX`: HMAC-SHA256 of "PATH\\nSECONDS", PATH as it stands in the link.
The answer is any 2xx, best with {"id": "…", "url": "…"}. 408, 425, 429 and 503 say that it was not taken.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urljoin, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kind import Kind, Surroundings, TargetSettings
from handlers.publish.kinds import speaking
from handlers.publish.kinds.speaking import Answer, Body, Client, Part, Range
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from models.errors import VigentdError
from models.progress import Progress

NOT_TAKEN = frozenset({408, 425, 429, 503})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3

Address = Annotated[str, AfterValidator(speaking.checked_address)]


class WebhookSettings(TargetSettings):
    """insecure: http also to other machines, where everybody on the way reads along."""

    kind: Literal["webhook"] = "webhook"
    url: Address
    secret: SecretStr | None = None
    secret_file: Path | None = None
    find_url: Address | None = None
    send: Literal["form", "link"] = "form"
    link_url: Address | None = None
    link_root: Path | None = None
    link_days: Annotated[float, Field(gt=0, le=365)] = 7.0
    insecure: bool = False

    @model_validator(mode="after")
    def _together(self) -> WebhookSettings:
        if (self.secret is None) == (self.secret_file is None):
            raise ValueError("give one of secret and secret_file")
        if self.find_url and "{key}" not in self.find_url:
            raise ValueError("find_url: should have {key} in it")
        for url in (self.url, self.find_url):
            if url and url.startswith("http:") and not (self.insecure or speaking.is_local(url)):
                raise ValueError(f"{urlsplit(url).hostname}: should be https, or set insecure = true")
        if self.send == "link" and not (self.link_url and self.link_root):
            raise ValueError('send = "link" needs link_url and link_root')
        return self


class Webhook:
    limits = Limits()

    def __init__(self, settings: WebhookSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self.searchable = settings.find_url is not None
        self._host = urlsplit(settings.url).hostname or ""
        self._who = f"the webhook at {self._host}"

    def check(self) -> str:
        """Whether the secret is there and, when it can be asked, the address and its signature."""
        self._secret()
        if self.searchable:
            self._look("a" * 32)  # a key that no job has
            return self._who
        return f"{self._who}; not asked, as it has no find_url"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        progress.check()
        body, content_type = self._body(video, text, key, progress)
        stamp = str(int(self._around.now().timestamp()))
        signature = hmac.new(self._secret().encode(), f"{stamp}.".encode(), hashlib.sha256)
        for piece in body.pieces():
            progress.check()
            signature.update(piece)
        headers = {
            "Content-Type": content_type,
            "Idempotency-Key": key,
            "X-Vigentd-Signature": f"t={stamp},v1={signature.hexdigest()}",
        }
        with speaking.client(self._around) as http:
            answer = self._post(http, body, headers)
        return self._receipt(answer, key)

    def find(self, key: str, memo: Memo) -> Receipt | None:
        answer = self._look(key)
        return None if answer is None else self._receipt(answer, key)

    # ---------------------------------------------------------------- the parts

    def _secret(self) -> str:
        return speaking.secret_of(
            self._settings.secret, self._settings.secret_file, f"the target {self._settings.name}"
        )

    def _body(self, video: Video, text: Text, key: str, progress: Progress) -> tuple[Body, str]:
        facts = _facts(video, text, key)
        whole = Range.whole(video.path)  # also behind a link there has to be something
        if self._settings.send == "link":
            facts["video"]["url"] = self._link(video.path)
            return Body([_json(facts)], progress), "application/json"
        parts = [Part("facts", _json(facts), "application/json")]
        for name, path, kind in (
            ("cover", video.cover, "image/jpeg"),
            ("subtitles", video.subtitles, "application/x-subrip"),
        ):
            if path is not None:
                parts.append(Part(name, Range.whole(path), kind, f"{key}{path.suffix}"))
        parts.append(Part("video", whole, "video/mp4", f"{key}{video.path.suffix}"))
        pieces, content_type = speaking.form(parts, f"vigentd-{key}")
        return Body(pieces, progress), content_type

    def _link(self, path: Path) -> str:
        base, root = self._settings.link_url, self._settings.link_root
        assert base is not None and root is not None
        try:
            inside = path.resolve().relative_to(root.expanduser().resolve())
        except ValueError:
            raise Refused(
                f"The video {path} does not lie in {root}, so there is no link to it",
                hint="Set link_root to the folder that your web server shows",
            ) from None
        url = urljoin(base if base.endswith("/") else base + "/", quote(inside.as_posix()))
        expires = int(self._around.now().timestamp() + self._settings.link_days * 86400)
        signed = f"{urlsplit(url).path}\n{expires}".encode()
        signature = hmac.new(self._secret().encode(), signed, hashlib.sha256).hexdigest()
        return f"{url}?expires={expires}&signature={signature}"

    def _post(self, http: Client, body: Body, headers: Mapping[str, str]) -> Answer:
        url = self._settings.url
        for _ in range(MOST_REDIRECTS + 1):
            answer = speaking.say(http, "POST", url, body, headers, who=self._who)
            if answer.ok:
                return answer
            if answer.status not in (307, 308):
                raise self._told(answer, body)
            url = self._same_host(url, answer)
        raise Refused(f"{self._who} redirects without end", hint="Look at url")

    def _same_host(self, url: str, answer: Answer) -> str:
        there = speaking.joined(url, answer.headers.get("location", ""))
        if urlsplit(there)[:2] != urlsplit(url)[:2]:
            raise Refused(
                f"{self._who} sends us to another place: {urlsplit(there).hostname or 'nowhere'}",
                hint="Set url to where it is to go",
            )
        return there

    def _look(self, key: str) -> Answer | None:
        assert self._settings.find_url is not None
        url = self._settings.find_url.replace("{key}", key)
        stamp = str(int(self._around.now().timestamp()))
        signature = hmac.new(self._secret().encode(), f"{stamp}.{url}".encode(), hashlib.sha256)
        headers = {
            "Idempotency-Key": key,
            "X-Vigentd-Signature": f"t={stamp},v1={signature.hexdigest()}",
        }
        with speaking.client(self._around) as http:
            answer = speaking.say(http, "GET", url, headers=headers, who=self._who)
        if answer.status == 404:
            return None
        if answer.status == 200 and answer.whole:
            return answer
        if answer.status == 200:
            raise NotSent(f"{self._who} broke off its answer")
        raise self._told(answer, None)

    def _told(self, answer: Answer, body: Body | None) -> VigentdError:
        """What an answer other than 2xx means. body: None: nothing was sent."""
        words = answer.words(self._secret())
        said = f"HTTP {answer.status}" + (f": {words}" if words else "")
        wait_s = answer.wait_s(self._around.now())
        if answer.status in NOT_TAKEN:
            return NotSent(f"{self._who} cannot take it now: {said}", wait_s=wait_s)
        if answer.status == 507:
            return Spent(f"There is no room at {self._who}: {said}", hint="Make room there")
        if answer.status >= 500:
            if body is not None and body.over:
                return Unsure(
                    f"{self._who} failed when it had the whole video: {said}",
                    hint="Look there before it is sent again",
                )
            return NotSent(f"{self._who} failed: {said}", wait_s=wait_s)
        if answer.status in (401, 403):
            return Login(f"{self._who} does not let us in: {said}", hint="Look at the secret, there and here")
        if answer.status in REDIRECTS:
            return Refused(f"{self._who} has moved: {said}", hint="Set url to where it is to go")
        return Refused(f"{self._who} refuses it: {said}")

    def _receipt(self, answer: Answer, key: str) -> Receipt:
        said = answer.json() if answer.whole else {}
        id_, url = said.get("id"), said.get("url")
        named = isinstance(id_, str | int) and not isinstance(id_, bool) and id_ != ""
        return Receipt(
            str(id_) if named else key, url if isinstance(url, str) else "", {"status": answer.status}
        )


def _facts(video: Video, text: Text, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "job": text.facts.job if text.facts else "",
        "title": text.title,
        "description": text.description,
        "tags": list(text.tags),
        "language": text.language,
        "video": {
            "duration_s": video.duration_s,
            "width": video.width,
            "height": video.height,
            "size": video.size,
        },
    }


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode()


KIND = Kind("webhook", WebhookSettings, Webhook)
