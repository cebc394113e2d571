"""Hosts for tests; whatever a test does to them, nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from models.host import Host
from tests.models.host_kit import Hosts, descriptors, within


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    before, others = descriptors(), set(psutil.Process().children())  # another test's helper may be there
    hosts = Hosts(tmp_path)
    yield hosts
    for host in hosts.made:
        host.stop(0.0)
    assert [host for host in hosts.made if host.alive] == []
    assert len(hosts.ended) == len(set(hosts.ended))
    assert set(psutil.Process().children()) <= others  # a zombie would be among them
    assert within(10.0, lambda: descriptors() == before)


@pytest.fixture
def host(hosts: Hosts) -> Host:
    host = hosts.started()
    assert host.wait_ready(60)
    return host


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[Any]]]:
    """Calls a function in another thread."""
    with ThreadPoolExecutor() as threads:
        yield threads.submit
