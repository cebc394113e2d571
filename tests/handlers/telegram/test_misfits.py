"""Every sentence that handlers/publish/fits.py can say has its Chinese."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.publications.desk import misfit
from handlers.publish.fits import fits
from handlers.publish.target import Length, Limits, Text, Video, in_bytes
from handlers.telegram.errors import in_words

VIDEO = Video(Path("/videos/one.mp4"), 3700.0, 720, 1280, 20_000_000)
TEXT = Text("A title <b>", "A description", ("one", "two"))


def said(text: Text, limits: Limits, language: str = "zh") -> str:
    refusal = misfit("site", tuple(fits(VIDEO, text, limits)))
    assert refusal is not None
    return in_words(language, refusal.as_dict())


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(title=5), "site 不接受：标题有 11 个字符，最多 5 个字符。"),
        (Limits(title=Length(99, 20)), "site 不接受：标题有 11 个字符，至少 20 个字符。"),
        (
            Limits(description=Length(5, count=in_bytes, unit="bytes")),
            "site 不接受：说明有 13 字节，最多 5 字节。",
        ),
        (Limits(together=5), "site 不接受：标题和说明合计有 26 个字符，最多 5 个字符。"),
        (Limits(tags_chars=3), "site 不接受：全部标签合计有 7 个字符，最多 3 个字符。"),
        (Limits(tags=1), "site 不接受：有 2 个标签，最多 1 个。"),
        (Limits(forbidden="<>"), "site 不接受：标题里不能有 &lt; and &gt;。"),
        (Limits(duration_s=90), "site 不接受：视频长 1:01:40，最长 1:30。"),
        (Limits(size=1_500_000), "site 不接受：视频有 20 MB，最大 1.5 MB。"),
        (Limits(aspect=(1, 2)), "site 不接受：视频是 720 × 1280 像素，太窄。"),
        (Limits(aspect=(0.1, 0.2)), "site 不接受：视频是 720 × 1280 像素，太宽。"),
        (Limits(title=5, tags=1), "site 不接受：标题有 11 个字符，最多 5 个字符；有 2 个标签，最多 1 个。"),
    ],
)
def test_it_is_said_in_chinese(limits: Limits, words: str) -> None:
    assert said(TEXT, limits) == words
    assert not re.search(r"[A-Z][a-z]+ ", said(TEXT, limits).replace(" MB", ""))


def test_an_empty_title_and_what_nobody_knows() -> None:
    assert said(replace(TEXT, title=""), Limits(title=5)) == "site 不接受：标题为空。"
    refusal = {"code": "does_not_fit", "message": "site does not take it: It is blue", "hint": ""}
    assert in_words("zh", refusal) == "site 不接受：It is blue。"


def test_in_english_it_stays() -> None:
    words = "site does not take it: The title has 11 characters, and at most 5 are taken there."
    assert said(TEXT, Limits(title=5), "en") == words
