"""Publishing through the whole daemon and a Bot API server: from a script in a chat to the target."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from daemon import demo
from tests.handlers.telegram.botapi import Message
from tests.handlers.telegram.whole import LATE_S, SOON_S, button, from_bot, videos, whole, with_button

SETTINGS = """
[[publish.target]]
name = "site"
kind = "folder"
path = "{site}"
base_url = "https://media.example.org/"
approve = true
[[publish.target]]
name = "odd"
kind = "command"
program = ["/bin/sh", "-c", "cat > /dev/null; echo sent >> {sent}; exit 1"]
"""


def saying(there: list[Message], words: str) -> Message | None:
    return next((message for message in from_bot(there) if words in message.words), None)


def test_from_a_chat_to_its_targets(tmp_path: Path) -> None:
    for name in ("album", "desk", "site"):
        (tmp_path / name).mkdir()
    site, sent = tmp_path / "site", tmp_path / "sent"
    clip = demo.clip(tmp_path / "album", (180, 320), 1)
    settings = SETTINGS.format(site=site, sent=sent)
    (tmp_path / "desk" / "vigentd.toml").write_text(settings)
    with whole(tmp_path / "desk", clip) as (api, desk), desk.daemon():
        anna, zoe = api.person(2, "Anna"), api.person(3, "Zoe")
        anna.send_video(clip, "---\npublish: site, odd\n---\nHello.")
        start = anna.chat.wait_for(lambda m: with_button(m, "d.start:"), SOON_S)
        anna.press(start, button(start, "d.start:"))
        video = anna.chat.wait_for(lambda m: next(iter(videos(m)), None), LATE_S)

        card = anna.chat.wait_for(lambda m: with_button(m, "p.ok:"), SOON_S)
        assert card.reply_to == video.id and "May this go to site?" in card.words
        greeting = zoe.command("/help")
        zoe.chat.wait_for(lambda m: len(m) > 1, SOON_S)
        assert "Only the person" in zoe.press(greeting, button(card, "p.ok:"), stale=True).text
        anna.press(card, button(card, "p.edit:"))
        anna.chat.wait_for(lambda m: saying(m, "Write the new text for site"), SOON_S)
        anna.send_text("A new title\nAnd more of it.")
        anna.chat.wait_for(lambda m: "A new title\nAnd more of it." in card.words or None, SOON_S)
        assert not list(site.iterdir()), "nobody has approved it"
        anna.press(card, button(card, "p.ok:"))
        anna.chat.wait_for(lambda m: saying(m, "Published on site") and "https://" in card.words, SOON_S)
        (out,) = site.glob("*.mp4")
        assert card.words.endswith(f"https://media.example.org/{quote(out.name)}")
        (facts,) = site.glob("*.json")
        assert json.loads(facts.read_text())["title"] == "A new title"

        asked = anna.chat.wait_for(lambda m: with_button(m, "p.there:"), SOON_S)
        assert "It may be on odd already" in asked.words and sent.read_text() == "sent\n"
        assert "Only the person" in zoe.press(greeting, button(asked, "p.again:"), stale=True).text
        anna.press(asked, button(asked, "p.there:"))
        anna.chat.wait_for(lambda m: saying(m, "Published on odd"), SOON_S)
        anna.command("/schedule")
        anna.chat.wait_for(
            lambda m: next((x for x in from_bot(m) if x.kind == "photo" and x.id > asked.id), None), SOON_S
        )
        assert sent.read_text() == "sent\n", "once and only once"
        for words in ("Published on site", "Published on odd"):
            assert sum(words in message.words for message in from_bot(anna.chat.messages)) == 1
