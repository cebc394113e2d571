"""What the daemon is asked over its socket, and how it refuses: its client, raw bytes, and nonsense."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from daemon.control import unix_socket
from daemon.control.client import Client, nudge
from daemon.queue import Queue
from models.errors import BadInput, StageFailed, Unavailable, VigentdError
from pipeline.spec import JobSpec
from tests.daemon.control_kit import WISH, TinyOffice, ask, parsed, say


def test_a_job_from_its_submission_to_its_end(client: Client, queue: Queue) -> None:
    job = client.post("/jobs", WISH | {"key": "today", "priority": 3, "title": "早安"})
    assert (job["state"], job["priority"], job["label"]) == ("queued", 3, "早安")
    assert client.post("/jobs", WISH | {"key": "today"})["id"] == job["id"]
    assert client.get(f"/jobs/{job['id']}")["spec"]["script"] == "Good morning."
    assert client.post(f"/jobs/{job['id']}/cancel")["state"] == "cancelled"
    assert client.post(f"/jobs/{job['id']}/retry")["state"] == "queued"
    other = client.post("/jobs", WISH)
    assert [j["id"] for j in client.get("/jobs")] == [other["id"], job["id"]]
    assert [j["id"] for j in client.get("/jobs?limit=1")] == [other["id"]]
    assert client.get("/status")["counts"]["queued"] == queue.count() == 2


def test_a_new_job_is_201_and_a_known_one_200(served: Path) -> None:
    body = json.dumps(WISH | {"key": "k"}).encode()
    assert [ask(served, "POST /jobs", body)[0] for _ in range(2)] == [201, 200]


def test_wake_and_reload(client: Client, office: TinyOffice) -> None:
    client.post("/wake")
    client.post("/reload")
    assert office.asked == ["wake", "reload"]


def test_no_nudge_is_lost(served: Path, office: TinyOffice) -> None:
    """One who hung up at once would be taken for one who does not want it any more."""
    for _ in range(200):
        nudge(served)
    assert office.asked == ["wake"] * 200


def test_a_slow_answer_does_not_hold_up_the_others(client: Client, office: TinyOffice) -> None:
    go_on = threading.Event()
    office.during = lambda: go_on.wait(10)
    slow = threading.Thread(target=client.get, args=("/status",))
    slow.start()
    assert client.get("/jobs") == []
    assert slow.is_alive()
    go_on.set()
    slow.join(60)


def test_a_quarter_of_a_million_characters_are_no_trouble(client: Client) -> None:
    script = "新" * 250_000
    job = client.post("/jobs", WISH | {"script": script[:150_000]})
    assert client.get(f"/jobs/{job['id']}")["spec"]["script"] == script[:150_000]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("GET /nowhere", 404, "path_unknown"),
        ("GET /", 404, "path_unknown"),
        ("GET /jobs/a/b/cancel", 404, "path_unknown"),
        ("DELETE /jobs", 405, "method_unknown"),
        ("GET /wake", 405, "method_unknown"),
        ("GET /jobs/nope1234", 404, "job_unknown"),
        ("GET /jobs/%00%ff", 404, "job_unknown"),
        ("GET /events?job=nope1234", 404, "job_unknown"),
        ("POST /jobs/nope1234/cancel", 404, "job_unknown"),
        ("GET /jobs?limit=0", 400, "query_invalid"),
        ("GET /jobs?limit=-1", 400, "query_invalid"),
        ("GET /jobs?limit=%D9%A3", 400, "query_invalid"),
        ("GET /jobs?limit=" + "9" * 5000, 400, "query_invalid"),
    ],
)
def test_what_there_is_not_is_told_in_one_shape(
    served: Path, request_line: str, status: int, code: str
) -> None:
    said, body = ask(served, request_line)
    assert (said, body["error"]["code"]) == (status, code)
    assert body["error"].keys() == {"code", "message", "hint"}


@pytest.mark.parametrize(
    "wish",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        b"[]",
        b'"clip"',
        b"{}",
        b'{"script": "no clip"}',
        b'{"clip": "anna.mp4"}',
        b'{"clip": "~/anna.mp4"}',
        b'{"clip": "/a\\u0000b"}',
        b'{"clip": "/a\\ud83d"}',
        b'{"clip": ["/a"]}',
        b'{"clip": "/a", "out": "b.mp4"}',
        b'{"clip": "/a", "script": 7}',
        b'{"clip": "/a", "key": ""}',
        b'{"clip": "/a", "key": 7}',
        b'{"clip": "/a", "priority": 1e99}',
        b'{"clip": "/a", "priority": true}',
        b'{"clip": "/a", "priority": 99999999999999999999}',
        b'{"clip": "/a", "\\ud83d": 1}',
        b'{"clip": "/a", "title": {"deep": 1}}',
    ],
)
def test_a_wish_that_cannot_be_one(served: Path, queue: Queue, wish: bytes) -> None:
    status, body = ask(served, "POST /jobs", wish)
    assert (status, body["error"]["code"]) in [(400, "wish_invalid"), (400, "body_malformed")]
    assert "Traceback" not in str(body) and queue.count() == 0


def test_state_conflicts_are_409(client: Client, served: Path, queue: Queue, spec: JobSpec) -> None:
    queue.submit(spec)
    claim = queue.claim("tests")
    assert claim is not None
    assert ask(served, f"POST /jobs/{claim.job_id}/retry")[0] == 409
    queue.finish(claim, Path("/videos/a.mp4"))
    for what, code in (("cancel", "job_finished"), ("retry", "job_done")):
        assert ask(served, f"POST /jobs/{claim.job_id}/{what}")[0] == 409
        with pytest.raises(BadInput) as told:
            client.post(f"/jobs/{claim.job_id}/{what}")
        assert told.value.code == code
    client.post("/jobs", WISH | {"out": "/videos/b.mp4"})
    status, body = ask(served, "POST /jobs", json.dumps(WISH | {"out": "/videos/b.mp4"}).encode())
    assert (status, body["error"]["code"]) == (409, "out_taken")


@pytest.mark.parametrize(
    ("raised", "status", "kind"),
    [
        (Unavailable("The disk is full", code="disk_full", hint="Free some"), 503, Unavailable),
        (OSError(28, "No space left on device"), 503, Unavailable),
        (StageFailed("It broke"), 500, StageFailed),
        (TimeoutError(), 500, StageFailed),
        (BrokenPipeError(), 500, StageFailed),
        (ZeroDivisionError("secret"), 500, StageFailed),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_the_office_raises(
    client: Client,
    served: Path,
    office: TinyOffice,
    raised: Exception,
    status: int,
    kind: type[VigentdError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise raised

    office.during = fail
    said, body = ask(served, "GET /status")
    assert said == status
    assert "secret" not in str(body) and "Traceback" not in str(body)
    if not isinstance(raised, VigentdError) and status == 500:
        assert body["error"]["code"] == "internal" and "log of the daemon" in body["error"]["hint"]
        assert any(record.exc_info for record in caplog.records), "the log has its traceback"
    with pytest.raises(kind) as told:
        client.get("/status")
    assert told.value.as_dict() == body["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /status HTTP/9.9\r\n\r\n",
        b"GET /status HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nab",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        b"GET /status HTTP/1.1\r\nHost: \x00\r\n\r\n",
    ],
    ids=range(8),
)
def test_what_is_no_http_is_refused_in_the_same_shape(
    served: Path, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    status, body = parsed(say(served, sent))
    assert (status, body["error"]["code"]) == (400, "request_malformed")
    assert caplog.text == "", "and makes no noise"
    assert Client(served).get("/jobs") == []


def test_a_chunk_that_is_none(served: Path) -> None:
    head = b"POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, body = parsed(say(served, head + b"zz\r\nnonsense\r\n"))
    assert (status, body["error"]["code"]) in [(400, "body_malformed"), (400, "request_malformed")]


def test_a_request_that_is_too_large(client: Client, served: Path, queue: Queue) -> None:
    with pytest.raises(BadInput) as told:
        client.post("/jobs", WISH | {"script": "a" * 2**21})
    assert told.value.code == "body_too_large"
    assert ask(served, "POST /jobs", b" " * (2**20 + 1))[0] == 413
    assert queue.count() == 0


def test_a_request_that_breaks_off_leaves_nothing(served: Path, client: Client, queue: Queue) -> None:
    with unix_socket.connect(served, 10) as connection:
        connection.sendall(
            b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n" + json.dumps(WISH).encode()
        )
    assert client.get("/jobs") == [] and queue.count() == 0


def test_two_requests_on_one_connection(served: Path) -> None:
    with unix_socket.connect(served, 10) as connection:
        answers = []
        for _ in range(2):
            connection.sendall(b"GET /jobs HTTP/1.1\r\nHost: x\r\n\r\n")
            answers.append(connection.recv(65536))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
