"""What Prometheus reads: the format itself, and that nothing secret or missing gets into it."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import socket
import urllib.error
import urllib.request

import pytest

from daemon.control.metrics_port import MetricsPort
from daemon.health.component import Component
from daemon.health.metrics import CONTENT_TYPE, text
from daemon.health.report import Report
from tests.log_kit import Written

NOW = dt.datetime(2026, 11, 21, 12, 0, 30, tzinfo=dt.UTC)
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def read(told: str) -> dict[str, float]:
    """Each sample by its name and labels. Strict: each has its HELP and TYPE before it, and none is twice."""
    assert told.endswith("\n")
    found: dict[str, float] = {}
    described: set[str] = set()
    for line in told.splitlines():
        if line.startswith("# "):
            word, name, rest = line[2:].split(" ", 2)
            assert word in ("HELP", "TYPE")
            assert word == "HELP" or rest in ("gauge", "counter")
            described.add(name)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] in described
        key = f"{match[1]}{{{match[2]}}}" if match[2] else match[1]
        assert key not in found
        found[key] = float(match[3])
    return found


HOST = Component(
    "host:speech", "busy", 1.5, 120.0, facts={"rss": 10**9, "vram": 0, "starts": 2, "engine": "espeak"}
)
QUEUE = Component(
    "queue", "busy", facts={"counts": {"queued": 3, "done": 7}, "oldest_waiting": "2026-11-21T12:00:00.000Z"}
)


def test_the_numbers_are_those_of_the_report() -> None:
    found = read(text(Report((HOST, QUEUE), pid=1), "0.1.0", NOW))
    assert found['vigentd_info{version="0.1.0"}'] == 1
    assert found['vigentd_health{verdict="healthy"}'] == 1
    assert found['vigentd_component_state{component="host:speech",state="busy"}'] == 1
    assert found['vigentd_component_state{component="host:speech",state="idle"}'] == 0
    assert found['vigentd_component_age_seconds{component="host:speech"}'] == 1.5
    assert found['vigentd_component_budget_seconds{component="host:speech"}'] == 120
    assert 'vigentd_component_budget_seconds{component="queue"}' not in found
    assert found['vigentd_host_memory_bytes{host="speech"}'] == 1e9
    assert found['vigentd_host_starts_total{host="speech"}'] == 2
    assert found['vigentd_jobs{state="queued"}'] == 3
    assert found["vigentd_oldest_waiting_seconds"] == 30


def test_publications_by_target_and_state() -> None:
    last = {"site": "2026-11-21T12:00:00.000Z"}
    facts = {"counts": {"site": {"published": 4, "held": 1}}, "last_published": last}
    found = read(text(Report((Component("publications", "idle", facts=facts),), pid=1), "0.1.0", NOW))
    assert found['vigentd_publications{target="site",state="held"}'] == 1
    at = found['vigentd_last_published_timestamp_seconds{target="site"}']
    assert at == NOW.replace(second=0).timestamp()


def test_what_is_not_known_yet_is_left_out() -> None:
    found = read(text(Report((Component("queue", "loading"), Component("host:media", "dead"))), "1", NOW))
    assert not [name for name in found if name.startswith(("vigentd_jobs", "vigentd_host", "vigentd_disk"))]


def test_words_stay_inside_their_quotes_and_troubles_stay_at_home() -> None:
    odd = Component('inbox:a"b\\c\nd', "idle", trouble="/home/anna/secret is away")
    told = text(Report((odd,)), "1", NOW)
    assert 'component="inbox:a\\"b\\\\c\\nd"' in told
    assert "anna" not in told
    read(told)


def ask(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, "", ""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_a_port_of_this_machine_gives_them_and_nothing_else() -> None:
    async def story() -> None:
        metrics, port = MetricsPort(lambda: "a 1.0\n", Written()), free_port()
        await metrics.use(port)
        try:
            assert await asyncio.to_thread(ask, port) == (200, CONTENT_TYPE, "a 1.0\n")
            assert (await asyncio.to_thread(ask, port, "/status"))[0] == 404
            assert (await asyncio.to_thread(ask, port, "/metrics", "POST"))[0] == 405
            assert list(metrics.health()) == []
        finally:
            await metrics.stop()
        with pytest.raises(urllib.error.URLError):
            await asyncio.to_thread(ask, port)

    asyncio.run(story())


def test_what_is_no_http_is_refused_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Any program on this machine may knock there: a scan of its ports is no event of vigentd's."""

    def knock(port: int, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    async def story() -> None:
        metrics, port = MetricsPort(lambda: "a 1.0\n", Written()), free_port()
        await metrics.use(port)
        try:
            for sent in (b"\x16\x03\x01\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n"):
                said = await asyncio.to_thread(knock, port, sent)
                assert b" 400 " in said.splitlines()[0] and b"aiohttp" not in said
        finally:
            await metrics.stop()

    asyncio.run(story())
    assert not caplog.records


def test_a_port_that_is_taken_is_told_and_another_can_be_chosen() -> None:
    async def story() -> None:
        log = Written()
        metrics = MetricsPort(lambda: "", log)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            await metrics.use(port := int(other.getsockname()[1]))
            (part,) = metrics.health()
            assert not part.well
            assert str(port) in part.trouble
            assert not part.vital
            assert [name for name, _ in log.lines] == ["metrics_port"]
        await metrics.use(free_port())
        assert list(metrics.health()) == []
        await metrics.stop()

    asyncio.run(story())
