"""Files from a real server, and from the folder of a local one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.telegram.download import fetch
from models.errors import BadInput, Unavailable, VigentdError
from tests.handlers.telegram.botapi import BotApi, Fault, Message, Person
from tests.handlers.telegram.courier_kit import Office

LIMIT = 2_000_000
CONTENT = bytes(range(256)) * 4000  # more than one piece


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi(download_limit=LIMIT) as api:
        yield api


@pytest.fixture
def anna(api: BotApi) -> Person:
    return api.person(7, "Anna")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "telegram" / "files" / "id.mp4"


def fetched(api: BotApi, folder: Path, message: Message, target: Path, limit: int = LIMIT) -> int:
    assert message.media is not None
    file_id = message.media.file.id

    async def run() -> int:
        with Office(folder / "data", api) as office:
            line = office.line()
            try:
                return await fetch(line, file_id, target, limit, api.state.local_mode)
            finally:
                await line.hang_up()

    return asyncio.run(run())


def refused(api: BotApi, folder: Path, message: Message, target: Path, limit: int = LIMIT) -> VigentdError:
    with pytest.raises(VigentdError) as told:
        fetched(api, folder, message, target, limit)
    assert not target.exists()
    assert not target.parent.exists() or list(target.parent.iterdir()) == [], "nothing is left"
    error: BaseException | None = told.value
    while error is not None:
        assert api.token not in str(error)
        error = None if error.__suppress_context__ else error.__cause__ or error.__context__
    return told.value


def test_a_file(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    assert fetched(api, tmp_path, anna.send_document(CONTENT, "x.bin"), target) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o600
    assert [f.name for f in target.parent.iterdir()] == ["id.mp4"]


def test_too_large_as_telegram_says(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    error = refused(api, tmp_path, anna.send_video(None, file_size=LIMIT + 1), target)
    assert isinstance(error, BadInput) and error.code == "file_too_large"
    assert len([c for c in api.calls if c.method == "download"]) == 0


def test_too_large_for_us(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    error = refused(api, tmp_path, anna.send_document(CONTENT, "x"), target, limit=1000)
    assert error.code == "file_too_large"


def test_larger_than_was_said(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    message = anna.send_document(CONTENT, "x", file_size=1000)
    assert refused(api, tmp_path, message, target, limit=500_000).code == "file_too_large"


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "error", "bad_gateway", "too_many"])
def test_broken_off(api: BotApi, anna: Person, tmp_path: Path, target: Path, kind: str) -> None:
    """In the middle; and then it is tried again."""
    message = anna.send_document(CONTENT, "x")
    for method in ("download", "getFile"):
        api.faults.add(Fault(method, kind))  # type: ignore[arg-type]
        error = refused(api, tmp_path, message, target)
        assert isinstance(error, Unavailable) and error.code == "telegram_away"
    assert fetched(api, tmp_path, message, target) == len(CONTENT)


def test_nobody_there(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    message = anna.send_document(CONTENT, "x")
    api.down()
    assert refused(api, tmp_path, message, target).code == "telegram_away"


def test_no_such_file(api: BotApi, anna: Person, tmp_path: Path, target: Path) -> None:
    message = anna.send_document(CONTENT, "x")
    assert message.media is not None
    api.state.files._by_id.clear()
    error = refused(api, tmp_path, message, target)
    assert isinstance(error, BadInput) and error.code == "file_gone"


def test_a_leftover_of_an_earlier_life_is_no_hindrance(
    api: BotApi, anna: Person, tmp_path: Path, target: Path
) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / ".id.mp4.part").write_bytes(b"half" * 10**6)
    fetched(api, tmp_path, anna.send_document(CONTENT, "x"), target)
    assert target.read_bytes() == CONTENT


def test_a_place_that_cannot_be_written(api: BotApi, anna: Person, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as told:
        fetched(api, tmp_path, anna.send_document(CONTENT, "x"), tmp_path / "file" / "id.mp4")
    assert told.value.code == "disk_failed"


def test_from_a_local_server(tmp_path: Path, target: Path) -> None:
    """A copy: the server's own may go away."""
    with BotApi(local_mode=True) as api:
        message = api.person(7, "Anna").send_document(CONTENT, "x.mp4")
        assert fetched(api, tmp_path, message, target, limit=10**9) == len(CONTENT)
        assert message.path is not None
        message.path.write_bytes(b"something else")
        assert target.read_bytes() == CONTENT and target.stat().st_nlink == 1
        target.unlink()
        message.path.write_bytes(CONTENT)
        assert refused(api, tmp_path, message, target, limit=1000).code == "file_too_large"
        where = message.path
        where.unlink()
        where.symlink_to("/etc/hostname")
        assert refused(api, tmp_path, message, target).code == "file_elsewhere"
        where.unlink()
        where.mkdir()
        assert refused(api, tmp_path, message, target).code == "file_elsewhere"
        where.rmdir()
        assert refused(api, tmp_path, message, target).code == "file_elsewhere"
