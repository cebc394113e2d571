"""A webhook over a real socket: what it gets, and what each of its answers means."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kinds import speaking
from handlers.publish.kinds.webhook import KIND, Webhook
from handlers.publish.target import Receipt, Video
from models.errors import Cancelled, VigentdError
from models.progress import Quiet
from tests.handlers.publish.http_kit import HANG_UP, Asked, Reply, Server, quick, serving
from tests.handlers.publish.publish_kit import KEY, NOW, OTHER_KEY, TEXT, Memory, video_in
from tests.progress_kit import Steps

SECRET = "whsec-a-long-secret"


class Site(Server):
    """Keeps what it got by its key; says what it is told to say first."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.kept: dict[str, int] = {}
        self.replies: list[Reply] = []

    def _answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            number = self.kept.get(asked.path.rsplit("/", 1)[-1])
            return self._next(Reply(404) if number is None else Reply(200, self._said(number)))
        reply = self._next(Reply(201))
        if reply.status in (0, 201, 500):  # taken, whatever it says of it
            number = self.kept.setdefault(asked.headers["idempotency-key"], len(self.kept) + 1)
            return reply if reply.body or reply.status != 201 else Reply(201, self._said(number))
        return reply

    def _next(self, usual: Reply) -> Reply:
        return self.replies.pop(0) if self.replies else usual

    def _said(self, number: int) -> dict[str, Any]:
        return {"id": number, "url": f"https://example.org/{number}"}


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with serving(site):
        yield site


@pytest.fixture
def video(tmp_path: Path) -> Video:
    return video_in(tmp_path / "job")


def webhook(site: Site, folder: Path, **more: Any) -> Webhook:
    given = {"name": "site", "kind": "webhook", "url": f"{site.url}/hook", "secret": SECRET}
    given["find_url"] = f"{site.url}/videos/{{key}}"
    settings = KIND.settings.model_validate(given | more)
    return Webhook(settings, quick(folder))


def failure(target: Webhook, video: Video) -> VigentdError:
    with pytest.raises(VigentdError) as caught:
        target.publish(video, TEXT, KEY, Memory(), Quiet())
    return caught.value


def is_signed(asked: Asked, signed: bytes) -> bool:
    stamp, signature = (part.split("=")[1] for part in asked.headers["x-vigentd-signature"].split(","))
    assert int(stamp) == NOW.timestamp()
    return signature == hmac.new(SECRET.encode(), f"{stamp}.".encode() + signed, hashlib.sha256).hexdigest()


def test_a_form_carries_all_and_is_signed(site: Site, tmp_path: Path, video: Video) -> None:
    steps = Steps()
    receipt = webhook(site, tmp_path).publish(video, TEXT, KEY, Memory(), steps)
    assert receipt == Receipt("1", "https://example.org/1", {"status": 201})
    (asked,) = site.asked
    assert asked.headers["idempotency-key"] == KEY
    assert is_signed(asked, asked.body)
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    parts: dict[Any, Any] = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in BytesParser().parsebytes(head + asked.body).walk()
        if not part.is_multipart()
    }
    assert list(parts) == ["facts", "cover", "subtitles", "video"]
    assert video.cover is not None
    assert parts["video"] == video.path.read_bytes() and parts["cover"] == video.cover.read_bytes()
    facts = json.loads(parts["facts"])
    assert (facts["key"], facts["title"], facts["tags"]) == (KEY, TEXT.title, ["news"])
    assert len(steps.seen) >= 3 and steps.shares == sorted(steps.shares)


def test_a_link_is_signed_and_ends(site: Site, tmp_path: Path, video: Video) -> None:
    link = {"send": "link", "link_url": "https://media.example.org/v", "link_root": tmp_path}
    webhook(site, tmp_path, **link).publish(video, TEXT, KEY, Memory(), Quiet())
    url = urlsplit(json.loads(site.asked[0].body)["video"]["url"])
    assert (url.hostname, url.path) == ("media.example.org", "/v/job/video.mp4")
    given = parse_qs(url.query)
    assert int(given["expires"][0]) == NOW.timestamp() + 7 * 86400
    signed = f"{url.path}\n{given['expires'][0]}".encode()
    assert given["signature"] == [hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()]
    elsewhere = webhook(site, tmp_path, **(link | {"link_root": tmp_path / "other"}))
    assert isinstance(failure(elsewhere, video), Refused)


@pytest.mark.parametrize(
    ("reply", "error", "wait_s"),
    [
        (Reply(408), NotSent, None),
        (Reply(425), NotSent, None),
        (Reply(429, headers={"Retry-After": "90"}), NotSent, 90),
        (Reply(503, headers={"Retry-After": "Mon, 23 Nov 2026 08:02:00 GMT"}), NotSent, 120),
        (Reply(500), Unsure, None),
        (Reply(502, b"<html>Bad gateway</html>"), Unsure, None),
        (Reply(507), Spent, None),
        (Reply(401), Login, None),
        (Reply(403), Login, None),
        (Reply(422, {"error": f"not with {SECRET}"}), Refused, None),
        (Reply(303, headers={"Location": "/x"}), Refused, None),
        (Reply(307, headers={"Location": "https://evil.example/hook"}), Refused, None),
        (HANG_UP, Unsure, None),
    ],
)
def test_what_its_answers_mean(
    site: Site, tmp_path: Path, video: Video, reply: Reply, error: type[VigentdError], wait_s: float | None
) -> None:
    site.replies = [reply]
    told = failure(webhook(site, tmp_path), video)
    assert type(told) is error
    assert getattr(told, "wait_s", None) == wait_s
    assert SECRET not in told.message + told.hint
    assert len(site.asked) == 1


def test_a_body_cut_in_the_middle_has_not_arrived(site: Site, tmp_path: Path, video: Video) -> None:
    big = video_in(tmp_path / "big", 24_000_000)  # more than the system's buffers take
    site.take = [100_000]
    assert type(failure(webhook(site, tmp_path), big)) is NotSent
    assert not site.asked


def test_nobody_there(site: Site, tmp_path: Path, video: Video) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/hook"
    told = failure(webhook(site, tmp_path, url=url), video)
    assert type(told) is NotSent and "See whether it is up" in told.hint


def test_taken_and_silent_is_found_then(
    site: Site, tmp_path: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = webhook(site, tmp_path)
    site.hold.clear()
    monkeypatch.setattr(speaking, "STALL_S", 0.4)
    assert type(failure(target, video)) is Unsure
    site.hold.set()
    monkeypatch.undo()
    assert target.find(KEY, Memory()) == Receipt("1", "https://example.org/1", {"status": 200})
    assert target.find(OTHER_KEY, Memory()) is None
    assert is_signed(site.asked[-1], f"{site.url}/videos/{OTHER_KEY}".encode())


def test_an_answer_cut_after_its_yes_is_a_yes(site: Site, tmp_path: Path, video: Video) -> None:
    site.replies = [Reply(201, {"id": "seven", "url": ""}, cut=4)]
    receipt = webhook(site, tmp_path).publish(video, TEXT, KEY, Memory(), Quiet())
    assert receipt.id == KEY


def test_a_redirect_at_the_same_host_is_followed(site: Site, tmp_path: Path, video: Video) -> None:
    site.replies = [Reply(308, headers={"Location": "/there"})]
    assert webhook(site, tmp_path).publish(video, TEXT, KEY, Memory(), Quiet()).id == "1"
    assert [asked.path for asked in site.asked] == ["/hook", "/there"]
    site.replies = [Reply(308, headers={"Location": "/round"})] * 9
    assert type(failure(webhook(site, tmp_path), video)) is Refused


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(500), NotSent),
        (Reply(403), Login),
        (Reply(302), Refused),
        (Reply(200, {"id": 1}, cut=2), NotSent),
    ],
)
def test_only_404_says_that_nothing_is_there(
    site: Site, tmp_path: Path, reply: Reply, error: type[VigentdError]
) -> None:
    site.replies = [reply]
    with pytest.raises(error):
        webhook(site, tmp_path).find(KEY, Memory())


def test_cancelled_in_the_middle(site: Site, tmp_path: Path, video: Video) -> None:
    with pytest.raises(Cancelled):
        webhook(site, tmp_path).publish(video, TEXT, KEY, Memory(), Steps(cancel_after=2))
    assert not site.kept


def test_check_asks_when_it_can(site: Site, tmp_path: Path) -> None:
    assert webhook(site, tmp_path).check() == "the webhook at 127.0.0.1"
    assert "not asked, as it has no find_url" in webhook(site, tmp_path, find_url=None).check()
    site.replies = [Reply(401)]
    with pytest.raises(Login):
        webhook(site, tmp_path).check()
    with pytest.raises(Login, match="cannot be read"):
        webhook(site, tmp_path, secret=None, secret_file=tmp_path / "none").check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://example.org/hook"},
        {"url": "https://me:word@example.org/hook"},
        {"url": "example.org"},
        {"secret": None},
        {"secret_file": "/etc/secret"},
        {"find_url": "https://example.org/find"},
        {"send": "link"},
    ],
)
def test_settings_that_cannot_be(site: Site, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        webhook(site, tmp_path, **wrong)
    assert not webhook(site, tmp_path, url="http://example.org/hook", insecure=True, find_url=None).searchable


def test_the_secret_is_nowhere(
    site: Site, tmp_path: Path, video: Video, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target = webhook(site, tmp_path)
    target.publish(video, TEXT, KEY, Memory(), Quiet())
    assert SECRET not in caplog.text + repr(target._settings) + repr(target)


@pytest.mark.parametrize("where", ["http://[", "http://127.0.0.1:x/"])
def test_a_redirect_to_what_is_no_address(site: Site, tmp_path: Path, video: Video, where: str) -> None:
    site.replies = [Reply(307, headers={"Location": where})]
    assert type(failure(webhook(site, tmp_path), video)) in (Refused, Unsure)


def test_made_again_after_it_was_signed(site: Site, tmp_path: Path, video: Video) -> None:
    """What would not fit its signature is not sent."""

    class Remake(Quiet):
        def step(self, done: float, total: float) -> None:
            video.path.write_bytes(video.path.read_bytes()[::-1])
            os.utime(video.path, (1, 1))  # not within the same tick of the file system's clock

    with pytest.raises(NotSent):
        webhook(site, tmp_path).publish(video, TEXT, KEY, Memory(), Remake())
    assert not site.kept


def test_no_link_to_what_is_gone(site: Site, tmp_path: Path, video: Video) -> None:
    link = {"send": "link", "link_url": "https://media.example.org/v", "link_root": tmp_path}
    video.path.unlink()
    assert type(failure(webhook(site, tmp_path, **link), video)) is NotSent
    assert not site.kept


def test_what_is_wrong_with_settings_says_no_secret() -> None:
    with pytest.raises(ValidationError) as told:
        KIND.settings.model_validate({"secret": SECRET})
    assert SECRET not in str(told.value) and SECRET not in repr(told.value)


def test_an_answer_that_never_ends_is_ended(tmp_path: Path, video: Video) -> None:
    """A byte now and then keeps a connection alive, and would keep the target busy for ever."""
    now = [0.0]

    def drops() -> Iterator[bytes]:
        while now[0] < 10 * speaking.ANSWER_S:
            now[0] += 50
            yield b" "

    transport = httpx.MockTransport(lambda request: httpx.Response(201, content=drops()))
    around = replace(quick(tmp_path), transport=transport, clock=lambda: now[0])
    settings = {"name": "site", "kind": "webhook", "url": "https://example.org/hook", "secret": SECRET}
    target = Webhook(KIND.settings.model_validate(settings), around)
    assert target.publish(video, TEXT, KEY, Memory(), Quiet()).id == KEY  # it has said yes
    assert now[0] < 2 * speaking.ANSWER_S
