"""A bucket, spoken to over a real socket, with everything that goes wrong on the way."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from pydantic import ValidationError

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kind import Surroundings
from handlers.publish.kinds.s3 import KIND, upload
from handlers.publish.kinds.s3.upload import MOST_PARTS, part_size
from handlers.publish.target import Target, Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Quiet
from tests.handlers.publish.memo_kit import Kept
from tests.handlers.publish.publish_kit import NOW
from tests.handlers.publish.s3_kit import Door, Fault, store
from tests.progress_kit import Steps

SECRET = "wJalrXUtnFEMI/K7MDENG"
KEY = "mjuzqk3e" * 4
TEXT = Text("早报 · Morning", "Three things.", ("news", "早报"), "zh")
PARTS, PART = 3, 1 << 20
REAL_PART = upload.PART


@pytest.fixture(scope="module")
def inside() -> Iterator[Door]:
    with store() as door:
        yield door


@pytest.fixture
def door(inside: Door, client: Any) -> Door:
    inside.clear()
    for page in [client.list_objects_v2(Bucket="videos"), client.list_multipart_uploads(Bucket="videos")]:
        for thing in page.get("Contents", []):
            client.delete_object(Bucket="videos", Key=thing["Key"])
        for begun in page.get("Uploads", []):
            client.abort_multipart_upload(Bucket="videos", Key=begun["Key"], UploadId=begun["UploadId"])
    inside.clear()
    return inside


@pytest.fixture(scope="module")
def client(inside: Door) -> Any:
    """Somebody else who looks into the bucket, not by the door."""
    client = get_session().create_client(
        "s3", "us-east-1", endpoint_url=f"http://127.0.0.1:{inside.inside}",
        aws_access_key_id="else", aws_secret_access_key="where",
    )  # fmt: skip
    client.create_bucket(Bucket="videos")
    return client


@pytest.fixture(scope="module")
def session() -> Any:
    return get_session()


@pytest.fixture(autouse=True)
def one_session(monkeypatch: pytest.MonkeyPatch, session: Any) -> None:
    """Which reads the long description of what S3 is only once."""
    monkeypatch.setattr("botocore.session.get_session", lambda: session)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller than a store takes them; they go through the very same steps."""
    monkeypatch.setattr(upload, "PART", PART)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART)


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom((PARTS - 1) * PART + 1234)


@pytest.fixture
def large(tmp_path: Path, content: bytes) -> Video:
    path = tmp_path / "large.mp4"
    path.write_bytes(content)
    return Video(path, 61.0, 1080, 1920, len(content))


@pytest.fixture
def small(tmp_path: Path) -> Video:
    for name in ("small.mp4", "cover.jpg", "small.srt"):
        (tmp_path / name).write_bytes(name.encode())
    return Video(tmp_path / "small.mp4", 2.0, 640, 360, 9, tmp_path / "cover.jpg", tmp_path / "small.srt")


@pytest.fixture
def memo(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "memo.json")


def opened(url: str, tmp_path: Path, **more: Any) -> Target:
    given = {"name": "store", "bucket": "videos", "access_key": "AKIAME", "secret_key": SECRET, **more}
    settings = KIND.settings(kind="s3", endpoint_url=url, **given)
    around = Surroundings(tmp_path / "data", sleep=lambda seconds: None, now=lambda: NOW)
    return KIND.open(settings, around)


@pytest.fixture
def target(door: Door, tmp_path: Path) -> Target:
    return opened(door.url, tmp_path, prefix="news/")


def stored(client: Any, name: str) -> bytes:
    return bytes(client.get_object(Bucket="videos", Key=name)["Body"].read())


def test_small_at_once_with_what_lies_beside_it(
    door: Door, client: Any, target: Target, small: Video, memo: Kept
) -> None:
    assert target.find(KEY, memo) is None
    receipt = target.publish(small, TEXT, KEY, memo, Quiet())
    assert receipt.id == f"news/{KEY}.mp4" and receipt.url == f"s3://videos/news/{KEY}.mp4"
    assert target.find(KEY, memo) == receipt
    assert stored(client, receipt.id) == b"small.mp4"
    assert stored(client, f"news/{KEY}.jpg") == b"cover.jpg"
    assert stored(client, f"news/{KEY}.srt") == b"small.srt"
    assert json.loads(stored(client, f"news/{KEY}.json"))["title"] == TEXT.title
    head = client.head_object(Bucket="videos", Key=receipt.id)
    assert head["Metadata"]["vigentd-key"] == KEY and head["ContentType"] == "video/mp4"
    assert "%E6%97%A9" in head["ContentDisposition"]


def test_large_in_parts(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    steps = Steps()
    receipt = target.publish(large, TEXT, KEY, memo, steps)
    assert stored(client, receipt.id) == content
    assert door.calls["part"] == PARTS and receipt.facts["size"] == len(content)
    assert [done for done, _ in steps.seen][:2] == [PART, 2 * PART] and steps.shares[-1] == 1
    assert target.find(KEY, memo) == receipt


def test_goes_on_where_it_broke_off(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    with pytest.raises(Cancelled):
        target.publish(large, TEXT, KEY, memo, Steps(cancel_after=2))
    assert target.find(KEY, memo) is None
    assert 1 <= door.calls["part"] < PARTS
    receipt = target.publish(large, TEXT, KEY, memo, Quiet())
    assert door.calls["part"] == PARTS and door.calls["begin"] == 1
    assert stored(client, receipt.id) == content


KILLED = """
import sys
from pathlib import Path
from models.progress import Quiet
from handlers.publish.target import Video
from handlers.publish.kinds.s3 import upload
from tests.handlers.publish.kinds.test_s3 import KEY, PART, TEXT, opened
from tests.handlers.publish.memo_kit import Kept
upload.PART = PART
path, folder = Path(sys.argv[2]), Path(sys.argv[3])
target = opened(sys.argv[1], folder, prefix="news/")
video = Video(path, 61.0, 1080, 1920, path.stat().st_size)
target.publish(video, TEXT, KEY, Kept(folder / "memo.json"), Quiet())
"""


@pytest.mark.parametrize("call", ["begin", "part", "complete"])
def test_killed(
    door: Door,
    client: Any,
    target: Target,
    large: Video,
    content: bytes,
    memo: Kept,
    tmp_path: Path,
    call: str,
) -> None:
    door.faults.append(Fault(call, "hold"))
    command = [sys.executable, "-c", KILLED, door.url, str(large.path), str(tmp_path)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[4])
    try:
        assert door.held.wait(30)
    finally:
        process.kill()
        process.wait()
    door.let_go.set()
    assert target.find(KEY, memo) is None
    receipt = target.publish(large, TEXT, KEY, memo, Quiet())
    assert stored(client, receipt.id) == content
    assert door.calls["part"] == PARTS + (call == "part")  # only the one that was cut is sent again


def test_made_again_meanwhile_begins_anew(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    with pytest.raises(Cancelled):
        target.publish(large, TEXT, KEY, memo, Steps(cancel_after=2))
    large.path.write_bytes(content[::-1])
    os.utime(large.path, (1, 1))
    receipt = target.publish(large, TEXT, KEY, memo, Quiet())
    assert stored(client, receipt.id) == content[::-1]


@pytest.mark.parametrize(("call", "code"), [("part", "NoSuchUpload"), ("complete", "InvalidPart")])
def test_what_the_store_has_lost_begins_anew(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept, call: str, code: str
) -> None:
    door.faults.append(Fault(call, "answer", 404 if call == "part" else 400, code))
    with pytest.raises(NotSent, match="has lost the upload"):
        target.publish(large, TEXT, KEY, memo, Quiet())
    assert stored(client, target.publish(large, TEXT, KEY, memo, Quiet()).id) == content
    assert door.calls["begin"] == 2


@pytest.mark.parametrize("how", ["cut", "answer", "late"])
def test_a_part_that_fails_is_sent_again(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept, how: str
) -> None:
    door.faults.append(Fault("part", how, 503, "SlowDown"))
    assert stored(client, target.publish(large, TEXT, KEY, memo, Quiet()).id) == content
    assert door.calls["part"] == PARTS + 1


def test_parts_that_go_on_failing(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    door.faults += [Fault("part", "answer")] * 3
    with pytest.raises(NotSent, match="InternalError: no luck"):
        target.publish(large, TEXT, KEY, memo, Quiet())
    assert stored(client, target.publish(large, TEXT, KEY, memo, Quiet()).id) == content


@pytest.mark.parametrize(("which", "call"), [("small", "put"), ("large", "complete")])
@pytest.mark.parametrize("how", ["late", "answer", "cut"])
def test_no_word_after_the_last_byte(
    request: pytest.FixtureRequest, door: Door, target: Target, memo: Kept, which: str, call: str, how: str
) -> None:
    video = request.getfixturevalue(which)
    door.faults.append(Fault(call, how))
    with pytest.raises(Unsure):
        target.publish(video, TEXT, KEY, memo, Quiet())
    there = target.find(KEY, memo)
    assert (there is not None) == (how == "late")
    again = target.publish(video, TEXT, KEY, memo, Quiet())
    assert again == target.find(KEY, memo)
    if which == "large":
        assert door.calls["part"] == PARTS  # none twice


def test_accepted_and_then_nothing(
    door: Door, target: Target, small: Video, memo: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.publish.kinds.s3.store.STALL_S", 0.3)
    door.faults.append(Fault("put", "mute"))
    with pytest.raises(Unsure, match="ReadTimeout"):
        target.publish(small, TEXT, KEY, memo, Quiet())
    door.let_go.set()
    assert target.find(KEY, memo) is not None


def test_slow_is_no_failure(door: Door, target: Target, small: Video, memo: Kept) -> None:
    door.faults.append(Fault("put", "slow"))
    assert target.publish(small, TEXT, KEY, memo, Quiet()).facts["size"] == small.size


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (403, "AccessDenied", Login),
        (403, "SignatureDoesNotMatch", Login),
        (401, "Whatever", Login),
        (400, "ExpiredToken", Login),
        (403, "QuotaExceeded", Spent),
        (507, "XMinioStorageFull", Spent),
        (403, "RequestTimeTooSkewed", NotSent),
        (503, "SlowDown", NotSent),
        (400, "EntityTooLarge", Refused),
        (404, "NoSuchBucket", Refused),
    ],
)
@pytest.mark.parametrize("call", ["beside", "put"])
def test_what_it_says(
    door: Door,
    target: Target,
    small: Video,
    memo: Kept,
    call: str,
    status: int,
    code: str,
    raised: type[VigentdError],
) -> None:
    door.faults.append(Fault(call, "answer", status, code, headers={"Retry-After": "7"}))
    with pytest.raises(raised) as told:
        target.publish(small, TEXT, KEY, memo, Quiet())
    if isinstance(told.value, NotSent) and code == "SlowDown":
        assert told.value.wait_s == 7
    assert target.find(KEY, memo) is None


def test_not_to_be_reached(tmp_path: Path, small: Video, memo: Kept) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        target = opened(f"http://127.0.0.1:{nobody.getsockname()[1]}", tmp_path)
        for asked in (target.check, lambda: target.publish(small, TEXT, KEY, memo, Quiet())):
            with pytest.raises(NotSent, match="not to be reached"):
                asked()


def test_check(door: Door, target: Target, tmp_path: Path) -> None:
    assert target.check() == f"the bucket videos at {door.url.removeprefix('http://')}"
    with pytest.raises(Refused, match="no such thing as the bucket elsewhere"):
        opened(door.url, tmp_path, bucket="elsewhere").check()
    door.faults.append(Fault("bucket", "answer", 403, "AccessDenied"))
    with pytest.raises(Login):
        target.check()


def test_check_where_find_could_not_tell(door: Door, target: Target, memo: Kept) -> None:
    door.faults += [Fault("head", "answer", 403), Fault("head", "answer", 403)]
    with pytest.raises(Login, match="does not let us in"):
        target.check()
    with pytest.raises(Login):
        target.find(KEY, memo)


def test_secrets_are_nowhere(
    door: Door, tmp_path: Path, small: Video, memo: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "secret").write_text(SECRET + "\n")
    errors: list[VigentdError] = []
    targets = [
        opened(door.url, tmp_path),
        opened(door.url, tmp_path, secret_key=None, secret_key_file=tmp_path / "secret"),
    ]
    for target in targets:
        for how in ("cut", "answer"):
            door.faults.append(Fault("put", how, 403, "SignatureDoesNotMatch", words=f"you sent {SECRET}"))
            with pytest.raises(VigentdError) as told:
                target.publish(small, TEXT, KEY, memo, Quiet())
            errors.append(told.value)
    said = [*(str(e.as_dict()) for e in errors), *map(repr, targets), *(repr(vars(t)) for t in targets)]
    assert SECRET not in "\n".join([*said, json.dumps(memo.get())])
    assert SECRET not in caplog.text.replace(f"you sent {SECRET}", "")


def test_a_secret_that_cannot_be_read(door: Door, tmp_path: Path) -> None:
    target = opened(door.url, tmp_path, secret_key=None, secret_key_file=tmp_path / "none")
    with pytest.raises(Login, match="cannot be read"):
        target.check()


def test_no_credentials_at_all(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Login, match="no credentials"):
        opened(door.url, tmp_path, access_key="", secret_key=None).check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_url": "s3.example.org"},
        {"endpoint_url": f"https://me:{SECRET}@s3.example.org"},
        {"secret_key": None},
        {"secret_key_file": "/etc/secret"},
        {"prefix": "/news"},
        {"bucket": "a/b"},
        {"acess_key": "x"},
    ],
)
def test_settings(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "name": "store",
        "kind": "s3",
        "bucket": "videos",
        "access_key": "me",
        "secret_key": SECRET,
    }
    KIND.settings(**given)
    with pytest.raises(ValidationError) as told:
        KIND.settings(**{**given, **wrong})
    assert all(SECRET not in error["msg"] for error in told.value.errors())


def test_parts_are_never_too_many() -> None:
    assert REAL_PART >= 5 << 20  # the least that stores take
    for size in (PART + 1, MOST_PARTS * PART, MOST_PARTS * PART + 1, 5 << 40):
        assert part_size(size) >= PART and -(-size // part_size(size)) <= MOST_PARTS


def test_opened_without_asking_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    blocked: Callable[..., Any] = lambda *a, **k: called.append(a)  # noqa: E731
    monkeypatch.setattr(socket, "create_connection", blocked)
    assert opened("https://s3.example.org", tmp_path, secret_key=None, secret_key_file="/none").searchable
    assert not called and not (tmp_path / "data").exists()


def test_completed_and_answered_with_nonsense(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    door.faults.append(Fault("complete", "garbled"))
    with pytest.raises(Unsure):
        target.publish(large, TEXT, KEY, memo, Quiet())
    assert target.find(KEY, memo) is not None


def test_made_again_while_it_goes_up(
    door: Door, client: Any, target: Target, large: Video, content: bytes, memo: Kept
) -> None:
    again = content[::-1]

    class Remake(Quiet):
        def step(self, done: float, total: float) -> None:
            if done == PART:
                large.path.with_name("again").write_bytes(again)
                large.path.with_name("again").replace(large.path)
                os.utime(large.path, (1, 1))  # not within the same tick of the file system's clock

    with pytest.raises(NotSent):
        target.publish(large, TEXT, KEY, memo, Remake())
    assert target.find(KEY, memo) is None
    assert stored(client, target.publish(large, TEXT, KEY, memo, Quiet()).id) == again


@pytest.mark.parametrize("known", [True, False])
def test_no_parts_are_left_behind(
    door: Door, client: Any, target: Target, large: Video, memo: Kept, tmp_path: Path, known: bool
) -> None:
    """Of another making of the video; and of an upload that was begun and never written down."""
    with pytest.raises(Cancelled):
        target.publish(large, TEXT, KEY, memo, Steps(cancel_after=2))
    os.utime(large.path, (1, 1))
    client.create_multipart_upload(Bucket="videos", Key=f"news/{KEY}.mp4.of-somebody-else")
    target.publish(large, TEXT, KEY, memo if known else Kept(tmp_path / "other.json"), Quiet())
    left = client.list_multipart_uploads(Bucket="videos")["Uploads"]
    assert [begun["Key"] for begun in left] == [f"news/{KEY}.mp4.of-somebody-else"]


def test_who_may_not_look_for_what_is_left_uploads_all_the_same(
    door: Door, client: Any, target: Target, large: Video, memo: Kept
) -> None:
    door.faults.append(Fault("uploads", "answer", 403, "AccessDenied"))
    target.publish(large, TEXT, KEY, memo, Quiet())
    assert door.calls["uploads"] == 1


@pytest.mark.parametrize("given", ["9" * 400, "Mon, 23 Nov 2026 09:00:00 GMT"])
def test_when_to_come_again(door: Door, target: Target, small: Video, memo: Kept, given: str) -> None:
    door.faults.append(Fault("put", "answer", 503, "SlowDown", headers={"Retry-After": given}))
    with pytest.raises(NotSent) as told:
        target.publish(small, TEXT, KEY, memo, Quiet())
    assert told.value.wait_s == (30 * 86400 if given.isdecimal() else 3600)
