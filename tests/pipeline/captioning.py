"""Shared by the tests of captions: real fonts, a speech without a voice, and pictures by the real libass."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from models.engine import Sentence, Word
from models.words import tokens
from pipeline import captions, ffmpeg
from pipeline.ass import Screen
from pipeline.captions import Captions, Narration
from pipeline.fonts import FontBook, search_places
from pipeline.spec import JobSpec, Settings

SCRIPTS = {
    "english": "Welcome back! Today we look at three stories that changed how people work. Don't miss it.",
    "chinese": "大家好，欢迎收看今天的节目。我们来聊聊人工智能如何改变普通人的工作和生活！你准备好了吗？",
    "mixed": "今天 OpenAI 发布了GPT-5.2模型，它比上一代快3倍。Sam Altman说：“这只是开始”。",
    "prices": "它卖￥3,999元，约合 $ 549.99，或 12 000 USD。Save 25 % — only $1,299.00, not 1.5 million!",
    "urls": "Read https://example.com/a/very/long/path?with=query&more=1#part. 访问www.example.com了解更多。",
    "emoji": "好消息😀！We did it 👩‍👩‍👧 🇩🇪 — really 👍🏽. 完成✅",
    "markup": "{\\an8} \\N and \\n, \\h <b>bold</b> &amp; 100% --- 1 --> 2 C:\\new\\{x}\n---\n{\\p1}m 0 0.",
    "lines": "First line\nof a paragraph.\n\n\nSecond  one,\twith   gaps.\r\n- A list\n- goes on",
}


@cache
def book() -> FontBook:
    return FontBook(search_places(None))


@cache
def chinese_font() -> bool:
    return all(book().assign("汉字", [], 400))


needs_chinese_font = pytest.mark.skipif(
    not chinese_font(), reason="no font on this machine has Chinese letters (install fonts-noto-cjk)"
)


@cache
def bare_book() -> FontBook:
    """DejaVu alone, as on a machine with nothing but our own wheels."""
    return FontBook([p for p in search_places(None) if p.name.startswith("DejaVu") and p.is_file()])


def spoken(script: str, *, pace_s: float = 0.3, lead_s: float = 0.2) -> Narration:
    """The script as a voice would say it: a time for every word, pauses after sentences."""
    words, now = [], lead_s
    for begin, end in tokens(script):
        length = pace_s if end - begin > 1 else pace_s * 0.7
        words.append(Word(begin, end, now, now + length))
        now += length + (0.35 if end < len(script) and script[end] in ".!?。！？" else 0.0)
    sentences = [
        Sentence(m.group(), m.start(), "en", 0.35)
        for m in re.finditer(r"\S(?:[^\n。！？!?.]|\.(?!\s|$))*[。！？!?.]?", script)
    ]
    return Narration(script, words, sentences, now + 0.6, "zh")


def made(
    script: str,
    screen: Screen,
    subtitles: str,
    *,
    fonts: FontBook | None = None,
    settings: Settings | None = None,
    **spec: Any,
) -> Captions:
    """fonts: those of this machine where DejaVu has not all the letters; it is soonest cut."""
    if fonts is None:
        drawn = "" if subtitles == "none" else script
        fonts = bare_book() if all(bare_book().assign(drawn + spec.get("title", ""), [], 400)) else book()
    asked = JobSpec(script=script, clip=Path("/"), subtitles=subtitles, **spec)
    return captions.build(asked, settings or Settings(), spoken(script), screen, fonts)


def calls(work: Callable[[], object]) -> int:
    """How many Python functions the work calls: its cost, the same on every machine."""
    counted = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


def picture(
    captured: Captions, folder: Path, at_s: float, storage: tuple[int, int] | None = None, grey: int = 128
) -> npt.NDArray[np.int16]:
    """What libass draws at a moment on a grey picture, as compose will ask it to: (height, width, 3)."""
    captions.write(captured, folder)
    width, height = storage or (captured.screen.width, captured.screen.height)
    Image.new("RGB", (width, height), (grey,) * 3).save(folder / "grey.ppm")
    shown = f"{captured.screen.width}x{captured.screen.height}"
    graph = f"setpts=PTS+{at_s}/TB,subtitles=captions.ass:fontsdir=fonts:original_size={shown}"
    command = ["-i", "grey.ppm", "-vf", graph, "-frames:v", "1", "-update", "1", "drawn.ppm"]
    ffmpeg.run(command, doing="drawing", cwd=folder)
    return np.asarray(Image.open(io.BytesIO((folder / "drawn.ppm").read_bytes())).convert("RGB"), np.int16)


def ink(drawn: npt.NDArray[np.int16], grey: int = 128, least: int = 40) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of what differs from the grey; all 0 where nothing does."""
    there = np.abs(drawn - grey).max(axis=2) > least
    if not there.any():
        return 0, 0, 0, 0
    xs, ys = np.flatnonzero(there.any(axis=0)), np.flatnonzero(there.any(axis=1))
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
