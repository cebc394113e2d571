"""The card: what stands on it, and that Telegram takes it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from daemon.chats import ChatFile, DraftState, FileState
from handlers.telegram.choices import Choice, Choices
from handlers.telegram.content import CALLBACK_BYTES, CAPTION_CHARS
from handlers.telegram.draft import Contents, Findings, Part
from handlers.telegram.drafting.card import View, card
from handlers.telegram.drafting.choosing import PAGE, chosen, language_of, rows, values

CLIP = ChatFile(
    id="c1", chat_id=1, role="clip", kind="video", file_id="f", size=1_500_000, seconds=12.0,
    state=FileState.HERE, at="", used_at="",
)  # fmt: skip
OPTIONS: dict[str, Any] = {
    "voice": "default", "language": "auto", "subtitles": "clean", "title": "", "title_style": "headline",
    "music": "none", "music_volume": 0.25,
}  # fmt: skip
RIGHT = Findings(
    1, spec={"voice": "x"}, seconds=83.0, clip={"width": 1080, "height": 1920, "seconds": 12.4},
    script="Good <morning> & all",
)  # fmt: skip
SOME = View(
    draft_id="0twec0mq", language="en", state=DraftState.OPEN, group=False, findings=RIGHT, current=True,
    contents=Contents(script=(Part(1, "2026-11-23T08:00:00+00:00", "Good <morning> & all"),), clip="c1"),
    files={"c1": CLIP}, options=OPTIONS, engine="espeak",
)  # fmt: skip


def words(view: View) -> str:
    return re.sub(r"<[^>]+>", "", card(view).text)


def test_everything_that_will_be_made() -> None:
    text = card(replace(SOME, options=OPTIONS | {"title": "A & B", "music": "calm"})).text
    assert text.splitlines() == [
        "🎬 <b>New video</b>",
        "<blockquote>Good &lt;morning&gt; &amp; all</blockquote>",
        "20 characters, about 1 min 23 s",
        "Clip: 1080×1920, 12 s",
        "Voice: usual (espeak)",
        "Spoken language: as the script",
        "Subtitles: clean · white",
        "Title: “A &amp; B”, headline · yellow rule",
        "Music: calm · warm, volume 25%",
    ]


def test_the_tone_is_offered_where_it_is_of_use() -> None:
    def labels(view: View) -> list[str]:
        return [button.text for row in card(view).buttons for button in row]

    assert "🎭 Tone" not in labels(SOME) and "🎭 Tone" in labels(replace(SOME, toned=True))
    told = replace(SOME, options=OPTIONS | {"tone": "warm & calm"})  # by the head of the script
    assert "🎭 Tone" in labels(told) and "Tone: warm & calm" in html.unescape(words(told))
    recorded = replace(told, contents=replace(SOME.contents, script=(), speech="c1"))
    assert "🎭 Tone" not in labels(recorded) and "Tone:" not in words(recorded)


def test_in_chinese() -> None:
    text = words(replace(SOME, language="zh"))
    assert "声音：默认" in text and "约 1 分 23 秒" in text and "Voice" not in text


def test_before_anything_is_known() -> None:
    text = words(
        replace(SOME, findings=None, current=False, files={"c1": CLIP.model_copy(update={"state": "wanted"})})
    )
    assert "Clip: 1.5 MB, 12 s, being fetched…" in text and "Being looked at…" in text


def test_a_photo_has_no_length() -> None:
    photo = replace(RIGHT, clip={"width": 800, "height": 600, "seconds": 0.0})
    assert "Clip: a photo, 800×600" in words(replace(SOME, findings=photo))


def test_draft_engines_are_said_to_be_some() -> None:
    gone = {"key": "note.gone", "what": "music", "value": "<old>"}
    notes = ({"key": "note.draft_voice"}, gone, "Something <else>")
    text = card(replace(SOME, findings=replace(RIGHT, notes=notes))).text
    assert "draft one: this machine has no voice model" in text and "Something &lt;else&gt;" in text
    assert "The music “&lt;old&gt;”, chosen last time" in text
    chinese = card(replace(SOME, language="zh", findings=replace(RIGHT, notes=notes[:2]))).text
    assert "声音只是草稿效果" in chinese and "上次选的音乐“&lt;old&gt;”" in chinese


def test_why_a_file_has_not_come_yet() -> None:
    late = CLIP.model_copy(
        update={"state": "wanted", "error": {"code": "telegram_away", "message": "m", "hint": ""}}
    )
    text = words(replace(SOME, findings=None, files={"c1": late}))
    assert "has not come yet" in text and "could not be reached" in text and "looked at" not in text


def test_what_older_contents_had_wrong_is_not_said_of_these() -> None:
    wrong = replace(RIGHT, spec=None, error={"code": "no_face", "message": "no face", "hint": ""})
    assert "no face" in words(replace(SOME, findings=wrong))
    stale = words(replace(SOME, findings=wrong, current=False))
    assert "no face" not in stale and "Being looked at" in stale


def test_a_file_that_was_refused() -> None:
    refused = CLIP.model_copy(
        update={"state": "refused", "error": {"code": "clip_unreadable", "message": "m", "hint": ""}}
    )
    text = words(replace(SOME, findings=None, files={"c1": refused}))
    assert "cannot be played" in text and "looked at" not in text


@pytest.mark.parametrize("character", ["x", "文", "🎬", "&", "<"])
def test_a_caption_always_fits(character: str) -> None:
    much = character * 3000
    findings = replace(
        RIGHT,
        script=much,
        preview="/p.jpg",
        notes=(much,),
        error={"code": "new", "message": much, "hint": much},
    )
    options = OPTIONS | dict.fromkeys(("voice", "subtitles", "title", "title_style", "music"), much)
    content = card(
        replace(SOME, findings=findings, options=options, contents=replace(SOME.contents, presenter=much))
    )
    shown = html.unescape(re.sub(r"<[^>]+>", "", content.text))
    assert content.kind == "photo" and len(shown.encode("utf-16-le")) <= 2 * CAPTION_CHARS
    assert content.text.count("<") == 2 * content.text.count("</")  # no tag was cut
    assert character.replace("&", "&amp;").replace("<", "&lt;") in content.text


def test_the_start_of_a_long_script_is_enough() -> None:
    text = words(replace(SOME, findings=replace(RIGHT, script="word " * 1000)))
    assert "word…" in text and len(text) < 600 and "5,000 characters" in text


def test_buttons_only_where_they_make_sense() -> None:
    def labels(view: View) -> str:
        return " ".join(button.text for row in card(view).buttons for button in row)

    assert (
        "Volume" not in labels(SOME) and "Listen: music" not in labels(SOME) and "Preview" not in labels(SOME)
    )
    assert "Volume" in labels(replace(SOME, options=OPTIONS | {"music": "calm"}))
    assert "Start" not in labels(replace(SOME, contents=replace(SOME.contents, clip=None)))
    assert labels(replace(SOME, state=DraftState.STARTED)) == ""
    alone = labels(replace(SOME, contents=Contents(clip="c1"), findings=None))
    assert alone == "✕ Drop"


# ---------------------------------------------------------------- lists of choices

MANY = Choices(
    voices=(Choice("default"), *(Choice(f"v{n}", "English") for n in range(30)), Choice("小美", "Chinese")),
    subtitles=(Choice("none"), Choice("clean")),
    music=(Choice("calm"),),
)


def test_voices_of_the_scripts_language_come_first() -> None:
    assert values("voice", MANY, "zh")[:3] == ["default", "小美", "v0"]
    assert values("voice", MANY, "en")[:2] == ["default", "v0"]
    assert values("subtitles", MANY) == ["none", "clean"] and values("music", MANY) == ["none", "calm"]


@pytest.mark.parametrize(
    ("script", "language"),
    [("早上好", "zh"), ("おはよう", "ja"), ("안녕", "ko"), ("Привет", "ru"), ("Hello", "en")],
)
def test_the_language_of_a_script(script: str, language: str) -> None:
    assert language_of(script, "auto") == language and language_of(script, "fr") == "fr"


def test_many_voices_are_on_pages() -> None:
    seen: list[str] = []
    for page in range(3):
        buttons = [
            b for row in rows("0twec0mq", "en", "voice", values("voice", MANY), "v3", page) for b in row
        ]
        seen += [b.text for b in buttons if b.data.startswith("d.set")]
        assert ("◀" in [b.text for b in buttons]) == (page > 0)
        assert ("▶" in [b.text for b in buttons]) == (page < 2)
    assert len(seen) == 32 and seen[:2] == ["usual", "v0"] and "✓ v3" in seen and PAGE < 32
    assert rows("0twec0mq", "en", "voice", ["default"], "", 9)[0][0].text == "usual"


def test_a_name_that_is_too_long_for_a_button_is_found_again() -> None:
    name = "很长的名字" * 8
    choices = Choices(voices=(Choice("a"), Choice(name)))
    (data,) = [b.data for row in rows("0twec0mq", "en", "voice", [name], "") for b in row if "set" in b.data]
    assert len(data.encode()) <= CALLBACK_BYTES
    assert chosen("voice", data.partition("voice.")[2], choices) == name
    assert chosen("voice", "gone", choices) is None and chosen("seed", "1", choices) is None
