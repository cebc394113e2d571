"""A chat on Telegram, through the fake Bot API: over a real socket, with what goes wrong there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from handlers.publish.errors import Login, NotSent, Refused, Unsure
from handlers.publish.kinds import speaking
from handlers.publish.kinds.telegram import KIND, Telegram
from handlers.publish.target import Receipt, Text, Video
from models.errors import Cancelled, VigentdError
from models.progress import Quiet
from tests.handlers.publish.http_kit import Asked, Reply, Server, quick, serving
from tests.handlers.publish.publish_kit import KEY, TEXT, Memory, video_in
from tests.handlers.telegram.botapi import BotApi, Fault, Group
from tests.progress_kit import Steps


@pytest.fixture(scope="module")
def running() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def api(running: BotApi) -> BotApi:
    running.faults.clear()
    return running


@pytest.fixture
def group(api: BotApi) -> Group:
    return api.group("News", [api.person(7, "Ann")], supergroup=True)


@pytest.fixture
def video(tmp_path: Path) -> Video:
    video = video_in(tmp_path / "job")
    assert video.cover is not None
    Image.effect_noise((1080, 1920), 90).convert("RGB").save(video.cover)
    return video


def telegram(api: BotApi, folder: Path, chat: int | str, **more: Any) -> Telegram:
    given = {
        "name": "channel",
        "kind": "telegram",
        "chat": chat,
        "token": api.token,
        "base_url": api.base_url,
    }
    return Telegram(KIND.settings.model_validate(given | more), quick(folder))


def failure(target: Telegram, video: Video, text: Text = TEXT) -> VigentdError:
    with pytest.raises(VigentdError) as caught:
        target.publish(video, text, KEY, Memory(), Quiet())
    return caught.value


def test_it_arrives_whole(api: BotApi, group: Group, tmp_path: Path, video: Video) -> None:
    steps = Steps()
    receipt = telegram(api, tmp_path, group.chat.id).publish(video, TEXT, KEY, Memory(), steps)
    (message,) = group.chat.from_bot
    assert receipt.id == str(message.id)
    assert receipt.url == f"https://t.me/c/{str(group.chat.id).removeprefix('-100')}/{message.id}"
    assert message.content.text == f"{TEXT.title}\n\n{TEXT.description}"
    media = message.content.media
    assert media is not None and media.path.read_bytes() == video.path.read_bytes()
    assert (media.width, media.height, media.duration, media.supports_streaming) == (1080, 1920, 12, True)
    assert media.thumbnail is not None  # the fake refuses one that is too large
    assert len(steps.seen) >= 3


@pytest.mark.parametrize(
    ("fault", "error", "arrived"),
    [
        (Fault("sendVideo", "too_many", retry_after=31), NotSent, 0),
        (Fault("sendVideo", "bad_gateway"), Unsure, 0),
        (Fault("sendVideo", "drop_before"), Unsure, 0),
        (Fault("sendVideo", "drop_after"), Unsure, 1),
        (Fault("sendVideo", "late", seconds=1.5), Unsure, 1),
    ],
)
def test_what_breaks(
    api: BotApi, group: Group, tmp_path: Path, video: Video, monkeypatch: pytest.MonkeyPatch,
    fault: Fault, error: type[VigentdError], arrived: int,
) -> None:  # fmt: skip
    fault.hits = 0
    api.faults.add(fault)
    monkeypatch.setattr(speaking, "STALL_S", 0.7)
    told = failure(telegram(api, tmp_path, group.chat.id), video)
    assert type(told) is error
    assert getattr(told, "wait_s", None) == (31 if error is NotSent else None)
    assert len(group.chat.from_bot) == arrived
    assert api.token not in told.message + told.hint


@pytest.mark.parametrize("given", ["soon", None, [1], -5, "NaN"])
def test_a_wait_that_is_none(tmp_path: Path, video: Video, given: Any) -> None:
    more = '{"retry_after": NaN}' if given == "NaN" else json.dumps({"retry_after": given})
    site = Server(lambda asked: Reply(429, f'{{"ok": false, "parameters": {more}}}'.encode()))
    with serving(site):
        settings = {"name": "channel", "token": "123456:abcdefghijkl", "chat": 1}
        settings["base_url"] = f"{site.url}/bot"
        told = failure(Telegram(KIND.settings.model_validate(settings), quick(tmp_path)), video)
    assert type(told) is NotSent and told.wait_s in (None, 0)


def test_slow_is_not_broken(api: BotApi, group: Group, tmp_path: Path, video: Video) -> None:
    api.faults.add(Fault("sendVideo", "slow", seconds=0.6))
    assert telegram(api, tmp_path, group.chat.id).publish(video, TEXT, KEY, Memory(), Quiet()).id


def test_refusals_say_what_to_do(api: BotApi, group: Group, tmp_path: Path, video: Video) -> None:
    unknown = failure(telegram(api, tmp_path, -100123), video)
    assert type(unknown) is Refused and "Add the bot" in unknown.hint
    group.kick_bot(api.person(7, "Ann"))
    kicked = failure(telegram(api, tmp_path, group.chat.id), video)
    assert type(kicked) is Refused and (kicked.code, "administrator" in kicked.hint) == (
        "telegram_rights",
        True,
    )
    stranger = telegram(api, tmp_path, group.chat.id, token="123456:nobody-has-this-token")
    assert type(failure(stranger, video)) is Login


def test_a_group_that_has_moved(api: BotApi, tmp_path: Path, video: Video) -> None:
    group = api.group("Old", [api.person(8, "Bea")])
    old = group.chat.id
    group.migrate()
    assert str(group.chat.id) in failure(telegram(api, tmp_path, old), video).hint


def test_what_is_too_much_is_not_sent(api: BotApi, group: Group, tmp_path: Path, video: Video) -> None:
    calls = len(api.calls)
    target = telegram(api, tmp_path, group.chat.id)
    assert target.limits.size == 50_000_000
    assert type(failure(target, video, Text("t", "d" * 1022))) is Refused
    large = Video(video.path, 1, 1, 1, 50_000_001)
    assert type(failure(target, large)) is Refused
    assert telegram(api, tmp_path, 1, local_mode=True).limits.size == 2000 * 2**20
    assert len(api.calls) == calls


def test_a_broken_cover_is_left_away(api: BotApi, group: Group, tmp_path: Path, video: Video) -> None:
    assert video.cover is not None
    video.cover.write_bytes(b"no picture")
    telegram(api, tmp_path, group.chat.id).publish(video, TEXT, KEY, Memory(), Quiet())
    media = group.chat.from_bot[0].content.media
    assert media is not None and media.thumbnail is None


def test_cut_or_cancelled_in_the_middle_nothing_arrives(
    api: BotApi, group: Group, tmp_path: Path, video: Video
) -> None:
    with pytest.raises(Cancelled):
        telegram(api, tmp_path, group.chat.id).publish(video, TEXT, KEY, Memory(), Steps(cancel_after=11))
    server = Server(lambda asked: Reply(500))
    server.take = [100_000]
    with serving(server):
        target = telegram(api, tmp_path, group.chat.id, base_url=f"{server.url}/bot")
        assert type(failure(target, video_in(tmp_path / "big", 24_000_000))) is NotSent
    assert type(failure(target, video)) is NotSent  # nobody there any more
    assert not group.chat.from_bot


def test_it_cannot_be_searched(api: BotApi, tmp_path: Path) -> None:
    target = telegram(api, tmp_path, 1)
    assert not target.searchable
    with pytest.raises(Unsure):
        target.find(KEY, Memory())


def test_a_channel_is_checked_and_linked(api: BotApi, tmp_path: Path, video: Video) -> None:
    chat = {"id": -1001, "type": "channel", "title": "Morning News", "username": "morning_news"}
    said: dict[str, Any] = {
        "getMe": {"id": 5, "username": "news_bot"},
        "getChat": chat,
        "getChatMember": {"status": "administrator", "can_post_messages": True},
        "sendVideo": {"message_id": 12, "chat": chat},
    }

    def answering(asked: Asked) -> Reply:
        return Reply(200, {"ok": True, "result": said[asked.path.rsplit("/", 1)[-1]]})

    with serving(server := Server(answering)):
        target = telegram(api, tmp_path, "@morning_news", base_url=f"{server.url}/bot")
        assert target.check() == "the channel Morning News, as @news_bot"
        receipt = target.publish(video, TEXT, KEY, Memory(), Quiet())
        assert receipt == Receipt("12", "https://t.me/morning_news/12", {"chat": -1001})
        said["getChatMember"] = {"status": "administrator", "can_post_messages": False}
        with pytest.raises(Refused, match="may not post"):
            target.check()
        server.answering = lambda asked: Reply(502)
        with pytest.raises(NotSent):
            target.check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"chat": "morning"},
        {"token": "word"},
        {"token": None},
        {"token_file": "/x"},
        {"base_url": "https://x.org"},
    ],
)
def test_settings_that_cannot_be(api: BotApi, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        telegram(api, tmp_path, **({"chat": 1} | wrong))


def test_the_token_is_nowhere(
    api: BotApi, group: Group, tmp_path: Path, video: Video, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text(api.token + "\n")
    target = telegram(api, tmp_path, group.chat.id, token=None, token_file=tmp_path / "token")
    target.publish(video, TEXT, KEY, Memory(), Quiet())
    assert api.token not in caplog.text + repr(target._settings)
    (tmp_path / "token").write_text("no token at all")
    told = failure(target, video)
    assert type(told) is Login and "no token at all" not in told.message + told.hint
