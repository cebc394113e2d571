"""A channel on YouTube, spoken to over a real socket, with everything that goes wrong on the way."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.youtube import KIND, upload
from handlers.publish.kinds.youtube.api import midnight
from handlers.publish.kinds.youtube.target import YouTube as Channel
from handlers.publish.target import Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Quiet
from tests.handlers.publish.memo_kit import Kept
from tests.handlers.publish.youtube_kit import (
    CHANNEL,
    CLIENT_SECRET,
    CODE,
    DEVICE_CODE,
    REFRESH,
    Fault,
    YouTube,
    youtube,
)
from tests.progress_kit import Steps

KEY = "mjuzqk3e" * 4
TEXT = Text("早报 Morning", "Three things.", ("<news>", "早报"), "zh")
NOW = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
PIECE, STEP, PIECES = 1 << 20, 128 << 10, 3
SECRETS = (REFRESH, CLIENT_SECRET, CODE, DEVICE_CODE, "ya29.", "session-secret")


@pytest.fixture(autouse=True)
def smaller_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PIECE", PIECE)
    monkeypatch.setattr(upload, "STEP", STEP)


@pytest.fixture
def site() -> Iterator[YouTube]:
    with youtube() as site:
        yield site


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom((PIECES - 1) * PIECE + (400 << 10) + 7)


@pytest.fixture
def video(tmp_path: Path, content: bytes) -> Video:
    path, cover = tmp_path / "video.mp4", tmp_path / "cover.jpg"
    path.write_bytes(content)
    cover.write_bytes(b"a cover")
    return Video(path, 61.0, 1080, 1920, len(content), cover)


@pytest.fixture
def memo(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "memo.json")


class Pieces:
    """Lets so many through, and cancels before the next."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0.0

    def step(self, done: float, total: float) -> None:
        self._done = done

    def check(self) -> None:
        if self._done >= self._count * PIECE:
            raise Cancelled


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def clock(self) -> float:
        return self.slept

    def now(self) -> dt.datetime:
        return NOW + dt.timedelta(seconds=self.slept)


@pytest.fixture
def time() -> Time:
    return Time()


TRANSPORT = httpx.HTTPTransport()  # one for all: to read whom to trust takes longer than most tests


def opened(url: str, folder: Path, time: Time, **more: Any) -> Channel:
    """As somebody has logged in."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "token.json").write_text(f'{{"refresh_token": "{REFRESH}"}}')
    given = {"name": "channel", "client_file": folder / "client.json", "endpoint_url": url, **more}
    target = KIND.open(
        KIND.settings(**given), Surroundings(data, time.clock, time.now, time.sleep, TRANSPORT)
    )
    assert isinstance(target, Channel)
    return target


@pytest.fixture
def target(site: YouTube, tmp_path: Path, time: Time) -> Channel:
    site.client_file(tmp_path)
    return opened(site.url, tmp_path, time)


def test_goes_up_in_pieces(site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept) -> None:
    assert target.find(KEY, memo) is None
    steps = Steps()
    receipt = target.publish(video, TEXT, KEY, memo, steps)
    assert receipt.url == f"https://www.youtube.com/watch?v={receipt.id}"
    assert receipt.facts == {
        "channel": CHANNEL, "privacy": "private", "upload_status": "uploaded", "thumbnail": "set",
    }  # fmt: skip
    (there,) = site.videos
    assert site.contents[there["id"]] == content and site.calls["piece"] == PIECES
    said = there["snippet"]
    assert said["title"] == "早报 Morning" and said["description"] == "Three things."
    assert said["tags"] == ["news", "早报", f"vigentd-{KEY}"]
    assert there["status"]["containsSyntheticMedia"] is True and "publishAt" not in there["status"]
    assert site.thumbnails == {there["id"]: b"a cover"}
    assert steps.shares[0] == STEP / video.size
    assert steps.shares == sorted(steps.shares)


def test_public_later(site: YouTube, tmp_path: Path, time: Time, video: Video, memo: Kept) -> None:
    site.client_file(tmp_path)
    target = opened(site.url, tmp_path, time, public_after_min=90, channel=CHANNEL)
    receipt = target.publish(video, TEXT, KEY, memo, Quiet())
    assert receipt.facts["publish_at"] == "2026-11-23T09:30:00Z" and receipt.facts["privacy"] == "private"


def test_cancelled_in_the_middle_of_a_piece(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept
) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Steps(cancel_after=10))
    receipt = target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1 and site.contents[receipt.id] == content


def test_what_was_under_way_arrives_after_all(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept
) -> None:
    """Asked, it said that it has less; the rest was still in some buffer of its own."""
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(1))
    (session,) = site.sessions.values()
    late, real = content[PIECE : PIECE + 2 * STEP], site.take

    def take(call: str) -> Fault | None:
        if call == "piece" and len(session.content) == PIECE:
            session.content += late
        return real(call)

    site.take = take  # type: ignore[method-assign]
    assert site.contents[target.publish(video, TEXT, KEY, memo, Quiet()).id] == content


@pytest.mark.parametrize("how", ["cut", "answer", "short", "slow", "late"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_piece_that_fails(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept, how: str, nth: int
) -> None:
    if nth > 1:  # so that the fault meets just this piece
        with pytest.raises(Cancelled):
            target.publish(video, TEXT, KEY, memo, Pieces(nth - 1))
    site.faults.append(Fault("piece", how))
    receipt = target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1 and site.contents[receipt.id] == content


def test_nothing_is_sent_twice_after_a_cut(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept
) -> None:
    site.faults.append(Fault("piece", "cut"))
    target.publish(video, TEXT, KEY, memo, Quiet())
    assert site.calls["piece"] == PIECES and site.calls["begin"] == 1  # the next begins where the cut was


def test_gives_up_and_goes_on(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept, time: Time
) -> None:
    site.faults += [Fault("piece", "answer")] * 20
    with pytest.raises(NotSent):
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert time.slept > 10
    site.faults.clear()
    assert site.contents[target.publish(video, TEXT, KEY, memo, Quiet()).id] == content
    assert site.calls["begin"] == 1


def test_how_long_to_wait(site: YouTube, target: Channel, video: Video, memo: Kept) -> None:
    site.faults.append(Fault("piece", "answer", headers={"Retry-After": "300"}))
    with pytest.raises(NotSent) as told:
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert told.value.wait_s == 300


def test_no_word_after_the_last_byte(site: YouTube, target: Channel, video: Video, memo: Kept) -> None:
    """Accepted, and then silence; the session tells when it can be asked again."""
    site.faults += [Fault("piece", "late", after=2), *[Fault("ask", "answer")] * 9]
    with pytest.raises(Unsure):
        target.publish(video, TEXT, KEY, memo, Quiet())
    site.faults.clear()
    site.listed = False
    found = target.find(KEY, memo)
    assert found is not None and found.id == site.videos[0]["id"] and found.facts["thumbnail"] == "set"
    assert target.publish(video, TEXT, KEY, memo, Quiet()).id == found.id and len(site.videos) == 1


def test_accepted_and_then_nothing(
    site: YouTube, target: Channel, video: Video, memo: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settled at once where the session answers; else by `find`."""
    monkeypatch.setattr("handlers.publish.kinds.youtube.api.STALL_S", 0.3)
    site.faults += [Fault("piece", "mute", after=2), *[Fault("ask", "mute")] * 9]
    with pytest.raises(Unsure, match="ReadTimeout"):
        target.publish(video, TEXT, KEY, memo, Quiet())
    site.faults.clear()
    assert target.find(KEY, memo) is not None and len(site.videos) == 1


@pytest.mark.parametrize("done", [True, False])
def test_session_lost_after_the_last_byte(
    site: YouTube, target: Channel, video: Video, memo: Kept, time: Time, done: bool
) -> None:
    """Nobody knows; then the list does, but not at once."""
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(2))
    site.listed = False
    site.faults += [Fault("piece", "gone", done=True)] if done else [Fault("piece", "gone")]
    if done:
        with pytest.raises(Unsure):
            target.publish(video, TEXT, KEY, memo, Quiet())
        with pytest.raises(Unsure):  # and stays so
            target.publish(video, TEXT, KEY, memo, Quiet())
    else:
        with pytest.raises(Unsure):
            target.publish(video, TEXT, KEY, memo, Quiet())
    with pytest.raises(NotSent, match="may not list yet") as told:
        target.find(KEY, memo)
    assert told.value.wait_s
    time.slept += told.value.wait_s + 1
    site.listed = True
    found = target.find(KEY, memo)
    assert (found is not None) == done
    if not done:
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1


def test_session_lost_before_the_last_byte(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept
) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(1))
    site.sessions.clear()
    assert site.contents[target.publish(video, TEXT, KEY, memo, Quiet()).id] == content
    assert site.calls["begin"] == 2


KILLED = """
import sys
from pathlib import Path
from models.progress import Quiet
from handlers.publish.target import Video
from handlers.publish.kinds.youtube import upload
from tests.handlers.publish.kinds.test_youtube import KEY, PIECE, TEXT, Time, opened
from tests.handlers.publish.memo_kit import Kept
upload.PIECE = PIECE
url, folder = sys.argv[1], Path(sys.argv[2])
path = folder / "video.mp4"
video = Video(path, 61.0, 1080, 1920, path.stat().st_size, folder / "cover.jpg")
opened(url, folder, Time()).publish(video, TEXT, KEY, Kept(folder / "memo.json"), Quiet())
"""


@pytest.mark.parametrize("call", ["begin", "piece", "thumbnail"])
def test_killed(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept, tmp_path: Path, call: str
) -> None:
    site.faults.append(Fault(call, "hold"))
    command = [sys.executable, "-c", KILLED, site.url, str(tmp_path)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[4])
    try:
        assert site.held.wait(30)
    finally:
        process.kill()
        process.wait()
    site.let_go.set()
    found = target.find(KEY, memo)
    assert (found is not None) == (call == "thumbnail")
    receipt = target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1 and site.contents[receipt.id] == content
    assert site.thumbnails == {receipt.id: b"a cover"}
    assert site.calls["piece"] == PIECES


def test_made_again_meanwhile_begins_anew(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept
) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(1))
    video.path.write_bytes(content[::-1])
    os.utime(video.path, (1, 1))
    assert site.contents[target.publish(video, TEXT, KEY, memo, Quiet()).id] == content[::-1]


def test_found_among_many_without_a_memo(
    site: YouTube, target: Channel, video: Video, memo: Kept, tmp_path: Path
) -> None:
    receipt = target.publish(video, TEXT, KEY, memo, Quiet())
    for _ in range(120):
        site.add({"snippet": {"title": "another"}})
    nothing = Kept(tmp_path / "another.json")
    found = target.find(KEY, nothing)
    assert found is not None and found.id == receipt.id and site.calls["playlistItems"] == 3
    assert target.find("b" * 32, nothing) is None


@pytest.mark.parametrize(
    ("status", "reason", "raised"),
    [
        (403, "quotaExceeded", Spent),
        (403, "uploadLimitExceeded", Spent),
        (400, "uploadLimitExceeded", Spent),
        (403, "forbidden", Login),
        (403, "insufficientPermissions", Login),
        (401, "youtubeSignupRequired", Login),
        (403, "rateLimitExceeded", NotSent),
        (403, "accessNotConfigured", Refused),
        (400, "invalidTitle", Refused),
        (500, "backendError", NotSent),
    ],
)
@pytest.mark.parametrize("call", ["begin", "piece"])
def test_what_it_says(
    site: YouTube,
    target: Channel,
    video: Video,
    memo: Kept,
    call: str,
    status: int,
    reason: str,
    raised: type[VigentdError],
) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(2))
    if call == "begin":
        memo.put(session=None)
        site.calls.clear()
    site.faults += [Fault(call, "answer", status, reason)] * 20
    with pytest.raises(raised) as told:
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert "last" not in memo.get()
    if isinstance(told.value, Spent):
        assert told.value.until is not None and NOW < told.value.until <= NOW + dt.timedelta(days=1)
    site.faults.clear()
    assert target.find(KEY, memo) is None
    target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-23T08:00", "2026-11-24T08:00"),  # just midnight: the next one
        ("2026-11-23T07:59", "2026-11-23T08:00"),
        ("2026-03-08T09:00", "2026-03-09T07:00"),  # the clocks go forward on that day
        ("2026-11-01T08:00", "2026-11-02T08:00"),  # and back
    ],
)
def test_midnight_in_california(now: str, then: str) -> None:
    assert midnight(dt.datetime.fromisoformat(now + "+00:00")) == dt.datetime.fromisoformat(then + "+00:00")


def test_a_token_that_runs_out_on_the_way(
    site: YouTube, target: Channel, video: Video, content: bytes, memo: Kept, time: Time
) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(1))
    site.access.clear()  # sooner than it said
    assert site.contents[target.publish(video, TEXT, KEY, memo, Quiet()).id] == content
    assert site.calls["token"] == 2
    time.slept += 3600
    target.check()
    assert site.calls["token"] == 3


def test_a_login_that_is_taken_back(site: YouTube, target: Channel, video: Video, memo: Kept) -> None:
    with pytest.raises(Cancelled):
        target.publish(video, TEXT, KEY, memo, Pieces(1))
    site.access.clear()
    site.refresh.clear()
    for asked in (target.check, lambda: target.publish(video, TEXT, KEY, memo, Quiet())):
        with pytest.raises(Login, match="does not take our login") as told:
            asked()
        assert told.value.hint == "Log in: vigentd publish login channel"
    site.refresh.add(REFRESH)
    target.publish(video, TEXT, KEY, memo, Quiet())
    assert len(site.videos) == 1 and site.calls["begin"] == 1


def test_the_last_byte_is_there_and_the_login_is_not(
    site: YouTube, target: Channel, video: Video, memo: Kept
) -> None:
    """That the login is gone says nothing about the video."""
    site.faults += [Fault("piece", "late", after=2), *[Fault("ask", "answer", 403, "forbidden")] * 9]
    with pytest.raises(Unsure):
        target.publish(video, TEXT, KEY, memo, Quiet())


def test_no_word_from_the_login(site: YouTube, target: Channel) -> None:
    for how in ("cut", "answer"):
        site.faults.append(Fault("token", how))
        with pytest.raises(NotSent, match="login"):
            target.check()


def test_not_to_be_reached(
    site: YouTube, target: Channel, video: Video, memo: Kept, tmp_path: Path, time: Time
) -> None:
    target.check()
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        away = opened(f"http://127.0.0.1:{nobody.getsockname()[1]}", tmp_path, time)
        with pytest.raises(NotSent, match="not to be reached"):
            away.publish(video, TEXT, KEY, memo, Quiet())


def test_check(site: YouTube, target: Channel, tmp_path: Path, time: Time) -> None:
    assert target.check() == f"the channel Morning News ({CHANNEL})"
    with pytest.raises(Login, match="not for UC0000"):
        opened(site.url, tmp_path, time, channel="UC" + "0" * 22).check()
    site.channel = None
    with pytest.raises(Login, match="no channel"):
        target.check()


def test_another_channel_gets_nothing(
    site: YouTube, target: Channel, tmp_path: Path, time: Time, video: Video, memo: Kept
) -> None:
    with pytest.raises(Login):
        opened(site.url, tmp_path, time, channel="UC" + "0" * 22).publish(video, TEXT, KEY, memo, Quiet())
    assert site.calls["begin"] == 0


@pytest.mark.parametrize("status", [403, 500])
def test_a_thumbnail_is_no_reason_to_fail(
    site: YouTube, target: Channel, video: Video, memo: Kept, status: int
) -> None:
    site.faults.append(Fault("thumbnail", "answer", status, "forbidden"))
    assert "not set" in target.publish(video, TEXT, KEY, memo, Quiet()).facts["thumbnail"]


@pytest.mark.parametrize(
    "text", [Text(""), Text("x" * 101), Text("x", "早" * 1700), Text("x", "", ("a b" * 50,) * 4)]
)
def test_what_does_not_fit_is_not_begun(
    site: YouTube, target: Channel, video: Video, memo: Kept, text: Text
) -> None:
    with pytest.raises(Refused):
        target.publish(video, text, KEY, memo, Quiet())
    assert not site.calls


def test_our_token_goes_to_nobody_else(site: YouTube, target: Channel, video: Video, memo: Kept) -> None:
    site.faults.append(Fault("begin", "answer", 200, headers={"Location": "https://evil.example/upload"}))
    with pytest.raises(Refused, match=r"evil\.example"):
        target.publish(video, TEXT, KEY, memo, Quiet())


def login(site: YouTube, folder: Path, time: Time, how: str) -> Channel:
    site.client_file(folder)
    given: dict[str, Any] = {"name": "channel", "client_file": folder / "client.json", "login": how}
    settings = KIND.settings(endpoint_url=site.url, **given)
    target = KIND.open(settings, Surroundings(folder / "own", time.clock, time.now, time.sleep, TRANSPORT))
    assert isinstance(target, Channel)
    with pytest.raises(Login, match="Nobody has logged in"):
        target.check()
    return target


def lasting(folder: Path) -> None:
    token = folder / "own" / "token.json"
    assert REFRESH in token.read_text()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600 and stat.S_IMODE(token.parent.stat().st_mode) == 0o700


def test_login_by_device(site: YouTube, tmp_path: Path, time: Time) -> None:
    target = login(site, tmp_path, time, "device")
    site.pending = 2
    said: list[str] = []
    assert "Morning News" in target.login(said.append)
    assert said == ["Open https://www.google.com/device on any device, and type in: ABC-DEF"]
    assert time.slept == 5 + 10 + 10
    lasting(tmp_path)


@pytest.mark.parametrize(("said", "match"), [("", "in time"), ("access_denied", "said no")])
def test_login_by_device_that_comes_to_nothing(
    site: YouTube, tmp_path: Path, time: Time, said: str, match: str
) -> None:
    target = login(site, tmp_path, time, "device")
    site.pending, site.denied = 99, said
    with pytest.raises(Login, match=match):
        target.login(lambda words: None)
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_login_by_browser(site: YouTube, tmp_path: Path, time: Time, answer: str) -> None:
    """A stranger's knock changes nothing; what comes back with our state does."""
    target = login(site, tmp_path, time, "browser")
    threads: list[threading.Thread] = []

    def person(words: str) -> None:
        asked = {k: v[0] for k, v in parse_qs(urlsplit(words.split()[-1]).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["access_type"] == "offline"
        back = {"code": CODE} if answer == "yes" else {"error": "access_denied"}

        def browse() -> None:
            door = asked["redirect_uri"]
            assert httpx.get(door, params={"code": "evil", "state": "guessed"}).status_code == 404
            assert httpx.get(door, params={**back, "state": asked["state"]}).status_code == 200

        threads.append(threading.Thread(target=browse))
        threads[0].start()

    if answer == "yes":
        assert "Morning News" in target.login(person)
        lasting(tmp_path)
    else:
        with pytest.raises(Login, match="said no"):
            target.login(person)
    threads[0].join()


def test_secrets_are_nowhere(
    site: YouTube,
    target: Channel,
    video: Video,
    memo: Kept,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    time: Time,
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[VigentdError] = []
    for fault in (Fault("piece", "cut"), Fault("begin", "answer", 400, "bad"), Fault("token", "answer")):
        site.faults += [fault, *[Fault("ask", "answer", 401, "authError")] * 30]
        with pytest.raises(VigentdError) as error:
            opened(site.url, tmp_path, time).publish(video, TEXT, KEY, memo, Quiet())
        told.append(error.value)
        site.faults.clear()
        memo.put(session=None)
    target.publish(video, TEXT, KEY, memo, Quiet())
    login(site, tmp_path, time, "device").login(lambda words: None)
    shown = [str(e.as_dict()) for e in told] + [repr(e.__cause__) for e in told]
    shown += [repr(target), repr(vars(target)), repr(target._settings.model_dump()), caplog.text]
    assert not [secret for secret in SECRETS if secret in "\n".join(shown)]


@pytest.mark.parametrize("content_of_it", [None, b"{", b"[]", b'{"installed": {}}', b'{"installed": 7}'])
def test_a_client_that_is_of_no_use(
    site: YouTube, target: Channel, tmp_path: Path, content_of_it: bytes | None
) -> None:
    file = tmp_path / "client.json"
    file.unlink()
    if content_of_it is not None:
        file.write_bytes(content_of_it)
    with pytest.raises(Login, match=r"The OAuth client in client\.json"):
        target.check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_url": "http://www.googleapis.com"},
        {"endpoint_url": "http://127.0.0.1.evil.example"},
        {"privacy": "public", "public_after_min": 5},
        {"channel": "Morning News"},
        {"privat": True},
    ],
)
def test_settings(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"name": "channel", "kind": "youtube", "client_file": "/etc/client.json"}
    KIND.settings(**given)
    with pytest.raises(ValidationError):
        KIND.settings(**{**given, **wrong})


def test_opened_without_asking_anybody(tmp_path: Path) -> None:
    settings = KIND.settings(name="channel", client_file=tmp_path / "none.json")
    assert KIND.open(settings, Surroundings(tmp_path / "own")).searchable
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("asks", [1, 20])
def test_all_of_it_is_there_and_no_video_yet(
    site: YouTube, target: Channel, video: Video, memo: Kept, asks: int
) -> None:
    """What has all of it is not sent another byte, and is not taken for one that has nothing."""
    site.faults = [Fault("piece", "busy", after=PIECES - 1), *(Fault("ask", "busy") for _ in range(asks))]
    if asks > 1:
        with pytest.raises(Unsure):
            target.publish(video, TEXT, KEY, memo, Quiet())
        with pytest.raises(NotSent):
            target.find(KEY, memo)
        site.faults.clear()
        assert target.find(KEY, memo) is not None
    else:
        assert target.publish(video, TEXT, KEY, memo, Quiet()).id == site.videos[0]["id"]
    assert len(site.videos) == 1 and site.calls["piece"] == PIECES


def test_a_clock_that_is_set_makes_no_video_older(
    site: YouTube, target: Channel, video: Video, memo: Kept, time: Time
) -> None:
    """A machine that started in the wrong year, and was told the right one after the upload."""
    site.listed, site.date = False, dt.datetime.now(dt.UTC)
    site.faults = [Fault("piece", "gone", done=True, after=PIECES - 1)]
    with pytest.raises(Unsure):
        target.publish(video, TEXT, KEY, memo, Quiet())
    time.slept += 365 * 86400
    site.date += dt.timedelta(minutes=1)
    with pytest.raises(NotSent) as told:
        target.find(KEY, memo)
    assert told.value.wait_s and told.value.wait_s > 600
    site.listed = True
    assert target.find(KEY, memo) is not None


def test_made_again_while_it_goes_up(site: YouTube, target: Channel, video: Video, memo: Kept) -> None:
    again = video.path.read_bytes()[::-1]

    class Remake(Quiet):
        def step(self, done: float, total: float) -> None:
            if PIECE < done < 2 * PIECE:
                video.path.with_name("again").write_bytes(again)
                video.path.with_name("again").replace(video.path)
                os.utime(video.path, (1, 1))  # not within the same tick of the file system's clock

    with pytest.raises(NotSent):
        target.publish(video, TEXT, KEY, memo, Remake())
    assert site.videos == []
    there = target.publish(video, TEXT, KEY, memo, Quiet())
    assert site.contents[there.id] == again and len(site.videos) == 1


def test_a_login_that_gives_nothing(site: YouTube, target: Channel) -> None:
    site.faults = [Fault("token", "answer", status=200)]
    with pytest.raises(NotSent):
        target.check()


@pytest.mark.parametrize("given", ["9" * 400, "Mon, 23 Nov 2026 09:00:00 GMT"])
def test_when_to_come_again(site: YouTube, target: Channel, video: Video, memo: Kept, given: str) -> None:
    site.faults = [Fault("begin", "answer", headers={"Retry-After": given})]
    with pytest.raises(NotSent) as told:
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert told.value.wait_s == (30 * 86400 if given.isdecimal() else 3600)


@pytest.mark.parametrize("where", ["http://[", "http://127.0.0.1:x/", "http://\x7f/"])
def test_an_address_that_is_none(
    site: YouTube, target: Channel, video: Video, memo: Kept, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(site), "url", property(lambda self: where))
    with pytest.raises((NotSent, Refused)):
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert "session" not in memo.get()


def test_a_site_that_takes_and_forgets_is_given_up(
    site: YouTube, target: Channel, video: Video, memo: Kept
) -> None:
    said = [{"Range": "bytes=0-262143"}, {"Range": "bytes=0-9"}] * 50
    site.faults = [Fault("piece", "answer", status=308, headers=headers) for headers in said]
    site.faults += [Fault("ask", "answer", status=308, headers=said[1]) for _ in said]
    with pytest.raises(NotSent):
        target.publish(video, TEXT, KEY, memo, Quiet())
    assert site.calls["piece"] < 20


def test_our_secrets_go_to_nobody_on_the_way(tmp_path: Path, site: YouTube, target: Channel) -> None:
    file = tmp_path / "client.json"
    file.write_text(file.read_text().replace(site.url, "http://accounts.example.org"))
    with pytest.raises(Login, match=r"The OAuth client in client\.json"):
        target.check()


def test_a_list_that_goes_missing_half_way_is_no_empty_one(
    site: YouTube, target: Channel, memo: Kept
) -> None:
    for _ in range(60):
        site.add({"snippet": {"tags": []}})
    site.faults = [Fault("playlistItems", "answer", status=404, reason="playlistNotFound", after=1)]
    with pytest.raises(Refused):
        target.find(KEY, memo)
