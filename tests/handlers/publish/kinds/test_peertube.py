"""A channel on PeerTube, over a real socket: once, whatever breaks on the way."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kinds.peertube import KIND, upload
from handlers.publish.kinds.peertube.target import PeerTube
from handlers.publish.target import Receipt, Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Quiet
from tests.handlers.publish.http_kit import HANG_UP, NOW, Reply, quick, serving
from tests.handlers.publish.peertube_kit import PASSWORD, USER, Tube
from tests.handlers.publish.publish_kit import KEY, OTHER_KEY, TEXT, Memory, video_in
from tests.progress_kit import Steps

PIECE = "PUT /api/v1/videos/upload-resumable"


@pytest.fixture
def tube() -> Iterator[Tube]:
    tube = Tube()
    with serving(tube):
        yield tube


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PIECE", 1 << 20)


@pytest.fixture
def video(tmp_path: Path) -> Video:
    return video_in(tmp_path / "job")  # three pieces


def target_at(tube: Tube, folder: Path, **more: Any) -> PeerTube:
    given = {"name": "tube", "kind": "peertube", "url": tube.url, "user": USER, "channel": "morning"}
    settings = KIND.settings.model_validate(given | {"password": PASSWORD} | more)
    return PeerTube(settings, replace(quick(folder), sleep=lambda seconds: None))


def failure(target: PeerTube, video: Video, memo: Memory | None = None) -> VigentdError:
    with pytest.raises(VigentdError) as caught:
        target.publish(video, TEXT, KEY, memo or Memory(), Quiet())
    return caught.value


def test_it_arrives_whole_and_is_found(tube: Tube, tmp_path: Path, video: Video) -> None:
    steps, target = Steps(), target_at(tube, tmp_path, privacy="unlisted")
    receipt = target.publish(video, TEXT, KEY, Memory(), steps)
    assert receipt == Receipt("uuid-1", f"{tube.url}/w/s1", {"id": 1})
    assert tube.contents["uuid-1"] == video.path.read_bytes()
    fields = tube.uploads["u0"].fields
    assert (fields["channelId"], fields["privacy"], fields["tags[0]"]) == (b"3", b"2", b"news")
    assert (fields["name"].decode(), fields["language"]) == (TEXT.title, b"en")
    assert video.cover is not None and fields["thumbnailfile"] == video.cover.read_bytes()
    assert target.find(KEY, Memory()) == replace(receipt, facts={"id": 1})
    assert target.find(OTHER_KEY, Memory()) is None
    assert target.check() == "the channel Morning at 127.0.0.1"
    assert tube.grants == ["password"]


def test_cut_pieces_go_on_where_they_broke_off(tube: Tube, tmp_path: Path, video: Video) -> None:
    target = target_at(tube, tmp_path)
    target.check()
    memo = Memory()
    tube.faults = [(PIECE, HANG_UP, True), (PIECE, Reply(503), False), (PIECE, Reply(502), False)]
    assert target.publish(video, TEXT, KEY, memo, Steps()).id == "uuid-1"
    assert tube.contents["uuid-1"] == video.path.read_bytes() and len(tube.uploads) == 1


def test_cancelled_and_gone_on_with(tube: Tube, tmp_path: Path) -> None:
    video, memo = video_in(tmp_path / "long", 5_000_000), Memory()

    class Stop(Quiet):
        def check(self) -> None:
            if tube.uploads and len(tube.uploads["u0"].content) > 2_000_000:
                raise Cancelled

    with pytest.raises(Cancelled):
        target_at(tube, tmp_path).publish(video, TEXT, KEY, memo, Stop())
    assert target_at(tube, tmp_path).publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"
    assert tube.contents["uuid-1"] == video.path.read_bytes() and len(tube.uploads) == 1


CHILD = """
import json, sys
from pathlib import Path
from handlers.publish.kinds.peertube import KIND, upload
from handlers.publish.kinds.peertube.target import PeerTube
from models.progress import Quiet
from tests.handlers.publish.http_kit import quick
from tests.handlers.publish.publish_kit import KEY, TEXT, Memory, video_in

class Written(Memory):
    def put(self, **facts):
        super().put(**facts)
        Path(sys.argv[3]).write_text(json.dumps(self.get()))

class Held(Quiet):
    def step(self, done, total):
        if done > 2_500_000:
            print(flush=True)
            sys.stdin.read()

upload.PIECE = 2 << 20
settings = KIND.settings.model_validate(json.loads(sys.argv[1]))
folder = Path(sys.argv[2])
target = PeerTube(settings, quick(folder))
target.publish(video_in(folder / "job", 9_000_000), TEXT, KEY, Written(), Held())
"""


def test_killed_in_the_middle_and_gone_on_with(tube: Tube, tmp_path: Path) -> None:
    target, memo = target_at(tube, tmp_path), Memory()
    settings = {"name": "tube", "kind": "peertube", "url": tube.url, "user": USER, "channel": "morning"}
    arguments = [json.dumps(settings | {"password": PASSWORD}), str(tmp_path), str(tmp_path / "memo")]
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
        child.kill()
    memo.put(**json.loads((tmp_path / "memo").read_text()))
    size = (tmp_path / "job" / "video.mp4").stat().st_size
    video = Video(tmp_path / "job" / "video.mp4", 12.5, 1080, 1920, size)
    assert target.find(KEY, memo) is None
    assert target.publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"
    assert tube.contents["uuid-1"] == video.path.read_bytes() and len(tube.uploads) == 1


def test_another_making_begins_anew(tube: Tube, tmp_path: Path, video: Video) -> None:
    memo = Memory()
    tube.faults = [(PIECE, Reply(503, headers={"Retry-After": "600"}), False)]
    told = failure(target_at(tube, tmp_path), video, memo)
    assert type(told) is NotSent and told.wait_s == 600
    os.utime(video.path, ns=(1, 1))
    assert target_at(tube, tmp_path).publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"
    assert len(tube.uploads) == 2 and len(tube.videos) == 1


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("reply", [HANG_UP, Reply(500), Reply(200, {"video": {"uuid": "x"}}, cut=3)])
def test_taken_without_a_word_is_found(tube: Tube, tmp_path: Path, reply: Reply, forgotten: bool) -> None:
    video, memo = video_in(tmp_path / "short", 500_000), Memory()
    tube.faults = [(PIECE, reply, True)]
    target = target_at(tube, tmp_path)
    assert type(failure(target, video, memo)) is Unsure
    if forgotten:
        tube.uploads.clear()
    found = target.find(KEY, memo)
    assert found is not None and found.id == "uuid-1"
    assert target.publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"  # asked for again, it is there
    assert len(tube.videos) == 1


def test_unsure_and_certainly_nothing(tube: Tube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video, memo, target = video_in(tmp_path / "short", 500_000), Memory(), target_at(tube, tmp_path)
    tube.faults = [(PIECE, HANG_UP, False)]
    assert type(failure(target, video, memo)) is Unsure
    assert target.find(KEY, memo) is None  # the upload is there, and has nothing
    tube.faults = [(PIECE, Reply(503), False)]
    memo.put(last=True)
    with pytest.raises(NotSent):
        target.find(KEY, memo)


@pytest.mark.parametrize(
    ("where", "reply", "error"),
    [
        ("POST /api/v1/videos", Reply(413, {"code": "quota_reached", "detail": "no room"}), Spent),
        ("POST /api/v1/videos", Reply(413, {"code": "max_file_size_reached"}), Refused),
        ("POST /api/v1/videos", Reply(403), Refused),
        ("POST /api/v1/videos", Reply(500), NotSent),
        ("POST /api/v1/videos", HANG_UP, NotSent),
        (PIECE, Reply(422, {"detail": "unreadable"}), Refused),
        ("POST /api/v1/users/token", Reply(400, {"detail": PASSWORD}), Login),
        ("POST /api/v1/users/token", Reply(429, headers={"Retry-After": "5"}), NotSent),
        ("GET /api/v1/oauth-clients", Reply(502), NotSent),
    ],
)
def test_what_its_answers_mean(
    tube: Tube, tmp_path: Path, video: Video, where: str, reply: Reply, error: type[VigentdError]
) -> None:
    tube.faults = [(where, reply, False)]
    told = failure(target_at(tube, tmp_path), video)
    assert type(told) is error
    assert PASSWORD not in told.message + told.hint
    assert not tube.videos


def test_a_token_that_ends_is_refreshed(tube: Tube, tmp_path: Path, video: Video) -> None:
    target = target_at(tube, tmp_path)
    target.check()
    tube.valid.clear()
    target.check()
    tube.valid.clear()
    tube.refresh.clear()
    target.publish(video, TEXT, KEY, Memory(), Quiet())
    assert tube.grants == ["password", "refresh_token", "refresh_token", "password"]


def test_what_does_not_fit(tube: Tube, tmp_path: Path, video: Video) -> None:
    with pytest.raises(Refused):
        target_at(tube, tmp_path).publish(video, Text("Hi"), KEY, Memory(), Quiet())
    with pytest.raises(Refused, match="no channel evening"):
        target_at(tube, tmp_path, channel="evening").check()
    with pytest.raises(ValidationError):
        target_at(tube, tmp_path, url="http://tube.example.org")
    with pytest.raises(ValidationError):
        target_at(tube, tmp_path, password=None)


def test_all_pages_are_looked_through(tube: Tube, tmp_path: Path) -> None:
    tube.videos = [{"uuid": f"v{n}", "createdAt": "2026-11-23T08:00:01.000Z"} for n in range(150)]
    tube.sources["v140"] = f"{KEY}.mp4"
    found = target_at(tube, tmp_path).find(KEY, Memory())
    assert found is not None and found.id == "v140"
    memo = Memory()
    memo.put(begun=2e9)  # all are older than that
    assert target_at(tube, tmp_path).find(KEY, memo) is None


def test_the_password_is_nowhere(
    tube: Tube, tmp_path: Path, video: Video, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    memo, target = Memory(), target_at(tube, tmp_path)
    target.publish(video, TEXT, KEY, memo, Quiet())
    assert PASSWORD not in caplog.text + repr(target._settings) + str(memo.get())
    assert "access-1" not in caplog.text + str(memo.get())


def test_a_clock_that_is_set_hides_no_video(tube: Tube, tmp_path: Path) -> None:
    """A machine that started in a later year, and was told the right one after the upload."""
    video, memo = video_in(tmp_path / "short", 500_000), Memory()
    late = replace(quick(tmp_path), now=lambda: NOW + dt.timedelta(days=365), sleep=lambda seconds: None)
    wrong = PeerTube(target_at(tube, tmp_path)._settings, late)
    tube.faults = [(PIECE, HANG_UP, True)]
    assert type(failure(wrong, video, memo)) is Unsure
    tube.uploads.clear()
    found = target_at(tube, tmp_path).find(KEY, memo)
    assert found is not None and found.id == "uuid-1"


def test_not_listed_yet_is_not_nothing(tube: Tube, tmp_path: Path) -> None:
    """The upload is over, and the server still at work on the video."""
    video, memo, target = video_in(tmp_path / "short", 500_000), Memory(), target_at(tube, tmp_path)
    tube.faults = [(PIECE, HANG_UP, True)]
    assert type(failure(target, video, memo)) is Unsure
    tube.uploads.clear()
    videos, tube.videos = tube.videos, []
    with pytest.raises(NotSent) as told:
        target.find(KEY, memo)
    assert told.value.wait_s and 0 < told.value.wait_s <= 600
    assert type(failure(target, video, memo)) is Unsure and not tube.uploads
    tube.date = "Mon, 23 Nov 2026 09:00:00 GMT"
    assert target.find(KEY, memo) is None
    tube.videos = videos
    assert target.find(KEY, memo) is not None


def test_made_again_while_it_goes_up(tube: Tube, tmp_path: Path, video: Video) -> None:
    memo, target, again = Memory(), target_at(tube, tmp_path), video.path.read_bytes()[::-1]

    class Remake(Quiet):
        def check(self) -> None:
            if tube.uploads and tube.uploads["u0"].content:
                video.path.with_name("again").write_bytes(again)
                video.path.with_name("again").replace(video.path)
                os.utime(video.path, (1, 1))  # not within the same tick of the file system's clock

    with pytest.raises(NotSent):
        target.publish(video, TEXT, KEY, memo, Remake())
    assert tube.videos == []
    assert target.publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"
    assert tube.contents["uuid-1"] == again and len(tube.videos) == 1


def test_a_description_sets_nothing_else(tube: Tube, tmp_path: Path, video: Video) -> None:
    line = f"--vigentd-{KEY}"
    sly = f'x\r\n{line}\r\nContent-Disposition: form-data; name="privacy"\r\n\r\n1\r\n{line}--\r\n'
    target_at(tube, tmp_path).publish(video, replace(TEXT, description=sly), KEY, Memory(), Quiet())
    fields = tube.uploads["u0"].fields
    assert fields["privacy"] == b"3" and fields["description"].decode().startswith("x\r\n--vigentd")


def test_an_address_that_is_none(tube: Tube, tmp_path: Path, video: Video) -> None:
    tube.faults = [("POST /api/v1/videos", Reply(201, headers={"Location": "http://["}), False)]
    assert type(failure(target_at(tube, tmp_path), video)) is Refused


def test_a_server_that_takes_and_forgets_is_given_up(tube: Tube, tmp_path: Path, video: Video) -> None:
    more, less = Reply(308, headers={"Range": "bytes=0-9"}), Reply(308, headers={"Range": "bytes=0-4"})
    tube.faults = [(PIECE, reply, False) for reply in [more, less, less] * 30]
    assert type(failure(target_at(tube, tmp_path), video)) is NotSent
    assert len(tube.asked) < 30


def test_another_server_gets_nothing_of_an_upload(tube: Tube, tmp_path: Path, video: Video) -> None:
    """Its address is looked up at the server that is set now, to which our token belongs."""
    memo = Memory()
    with serving(other := Tube()):
        other.faults = [(PIECE, Reply(503, headers={"Retry-After": "600"}), False)]
        failure(target_at(other, tmp_path), video, memo)
        asked = len(other.asked)
        assert target_at(tube, tmp_path).publish(video, TEXT, KEY, memo, Quiet()).id == "uuid-1"
        assert len(other.asked) == asked
