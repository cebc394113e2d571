from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pysubs2
import pytest
from fontTools.ttLib import TTFont

from models.engine import Aligner, LipSyncEngine, SpeechEngine
from models.errors import BadInput, Cancelled, Unavailable
from models.espeak import EspeakEngine
from models.progress import Quiet
from pipeline import captions, speech
from pipeline.ass import Screen, escape
from pipeline.captions import Captions
from pipeline.fonts import FontBook, search_places
from pipeline.job import Job
from pipeline.media import ClipFacts
from pipeline.phrases import Cue
from pipeline.spec import JobSpec, Settings, VideoSettings
from pipeline.styles import load_styles
from tests.pipeline.captioning import (
    SCRIPTS,
    bare_book,
    book,
    chinese_font,
    ink,
    made,
    needs_chinese_font,
    picture,
    spoken,
)
from tests.progress_kit import Steps

PORTRAIT, LANDSCAPE, SMALL = Screen(1080, 1920), Screen(1920, 1080), Screen(640, 360)
SUBTITLES, TITLES = list(load_styles("subtitle", Settings())), list(load_styles("title", Settings()))
PRICE = "We now pay $1,299.00 for it"
SAMPLE = PRICE + (" 今天我们来聊聊" if chinese_font() else "")


def longest(cues: list[Cue]) -> Cue:
    return max(cues, key=lambda cue: cue.end_s - cue.start_s)


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


# ---------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("style", SUBTITLES)
@pytest.mark.parametrize("screen", [PORTRAIT, SMALL], ids=["portrait", "small"])
def test_every_subtitle_look_draws_inside_the_safe_area(style: str, screen: Screen, tmp_path: Path) -> None:
    captured = made(SAMPLE if screen is PORTRAIT else PRICE, screen, style)
    cue = longest(captured.cues)
    x0, y0, x1, y1 = ink(picture(captured, tmp_path, (cue.start_s + cue.end_s) / 2))
    safe = load_styles("subtitle", Settings())[style].safe
    margins = safe.portrait if screen is PORTRAIT else safe.landscape
    # A pixel or two of softness, and the descent of the last line, may go beyond.
    assert x1 - x0 > 0.3 * screen.width * (1 - margins.left - margins.right)
    assert margins.left * screen.width - 3 <= x0 and x1 <= (1 - margins.right) * screen.width + 3
    assert y1 <= (1 - margins.bottom) * screen.height + 0.02 * screen.height
    assert y0 > 0.4 * screen.height


@pytest.mark.parametrize("style", TITLES)
def test_every_title_look_wraps_into_the_safe_area(style: str, tmp_path: Path) -> None:
    title = "Three stories in three minutes that changed the whole wide world"
    captured = made("", PORTRAIT, "none", title=title, title_style=style)
    x0, y0, x1, y1 = ink(picture(captured, tmp_path, 0.6 if style != "cinema" else 0.79, grey=128))
    assert 0.12 * 1080 - 3 <= x0 < x1 <= 0.88 * 1080 + 3
    assert 0.1 * 1920 < y0 < y1 < 0.5 * 1920


def test_a_title_fades_out_and_is_gone(tmp_path: Path) -> None:
    script = " ".join(["word"] * 60)
    captured = made(script, SMALL, "none", title="Hello")
    there, fading = (np.abs(picture(captured, tmp_path, at) - 128).sum() for at in (2.0, 3.9))
    assert there > 3 * fading > 0
    assert ink(picture(captured, tmp_path, 4.1)) == (0, 0, 0, 0)


def test_the_mark_stands_in_the_corner_for_the_whole_video(tmp_path: Path) -> None:
    settings = Settings(video=VideoSettings(mark="AI generated"))
    captured = made("Hello there.", LANDSCAPE, "none", settings=settings)
    end = spoken("Hello there.").duration_s
    for at in (0.0, end - 0.05):
        x0, _, x1, y1 = ink(picture(captured, tmp_path, at), least=25)
        assert x0 > 0.75 * 1920 and 0.9 * 1920 < x1 <= 1920 and y1 < 0.15 * 1080


def test_letters_are_not_stretched_with_wide_pixels(tmp_path: Path) -> None:
    screen = captions.screen_of(clip_facts(width=720, height=576, pixel_aspect=Fraction(16, 11)))
    assert screen == Screen(1047, 576)
    captured = made("HHHHHHHH", screen, "film")
    square = ink(picture(captured, tmp_path, 0.5))
    wide = ink(picture(captured, tmp_path, 0.5, storage=(720, 576)))
    assert (wide[2] - wide[0]) * 1047 / 720 == pytest.approx(square[2] - square[0], abs=5)
    assert wide[3] - wide[1] == pytest.approx(square[3] - square[1], abs=2)


def test_a_word_is_marked_while_it_is_spoken(tmp_path: Path) -> None:
    captured = made("alpha omega", LANDSCAPE, "karaoke")
    drawn = [picture(captured, tmp_path, at) for at in (0.4, 0.65)]
    yellow = [np.flatnonzero(((d[..., 0] > 200) & (d[..., 2] < 90)).any(axis=0)) for d in drawn]
    assert yellow[0].max() < yellow[1].min()


MARKUP = [
    "\\N",
    "\\n",
    "\\h",
    "\\\\N",
    "{",
    "}",
    "{b}",
    "\\{b}",
    "{\\b1}i",
    "<b>",
    "&amp;",
    "%",
    "---",
    "1 --> 2",
]


def test_markup_reaches_the_screen_as_typed(tmp_path: Path) -> None:
    # On the right the same glyphs under code points of private use, which cannot be markup.
    letters = sorted(set("".join(MARKUP)))
    captured = made("".join(letters), LANDSCAPE, "clean", fonts=bare_book())
    with_private_letters(captured, letters)
    assert captured.ass
    captured.ass.events = [
        pysubs2.SSAEvent(0, 2000, style="Subtitle", text=f"{{\\an7\\pos({x},{20 + 75 * row})}}{text}")
        for row, typed in enumerate(MARKUP)
        for x, text in ((20, escape(typed)), (980, private(typed, letters)))
    ]
    drawn = picture(captured, tmp_path, 1.0)
    for row, typed in enumerate(MARKUP):
        left, right = (drawn[15 + 75 * row : 90 + 75 * row, x : x + 940] for x in (0, 960))
        assert ink(left) != (0, 0, 0, 0), typed
        assert np.array_equal(left, right), typed


def private(text: str, letters: list[str]) -> str:
    return "".join(chr(0xE000 + letters.index(c)) for c in text)


def with_private_letters(captured: Captions, letters: list[str]) -> None:
    """Every letter can also be had under a code point of private use."""
    (font,) = captured.typesets[0].fonts
    with TTFont(BytesIO(font.data)) as opened:
        for table in opened["cmap"].tables:
            table.cmap |= {0xE000 + i: table.cmap[ord(c)] for i, c in enumerate(letters)}
        out = BytesIO()
        opened.save(out)
    captured.typesets[0].fonts = [replace(font, data=out.getvalue())]


def test_a_script_of_markup_is_drawn_as_wide_as_its_letters(tmp_path: Path) -> None:
    script = "{\\an8}<b>\\N%&"
    captured = made(script, LANDSCAPE, "film")
    x0, y0, x1, _ = ink(picture(captured, tmp_path, captured.cues[0].start_s + 0.3))
    expected = captured.typesets[0].width(0, len(script)) * 0.056 * 1080
    assert x1 - x0 == pytest.approx(expected, rel=0.1)
    assert y0 > 540  # \an8 would have put it at the top


def test_an_emoji_without_a_font_is_left_out_of_the_picture_only() -> None:
    script = "Hello \U0001fae8 there"
    captured = made(script, LANDSCAPE, "clean", fonts=bare_book())
    assert any("\U0001fae8" in note for note in captured.notes)
    assert captured.ass and "\U0001fae8" not in captured.ass.to_string("ass")
    assert "\U0001fae8" in captions.srt(captured.cues, script)


def test_a_left_out_emoji_leaves_one_space_and_a_note_with_the_fix() -> None:
    captured = made("\U0001fae8 Hello \U0001fae8 there \U0001fae8", LANDSCAPE, "film", fonts=bare_book())
    assert captured.ass
    drawn = [re.sub(r"\{.*?\}", "", e.text) for e in captured.ass.events if e.layer == 3]
    assert drawn == ["Hello there"]
    assert any("fonts-symbola" in note for note in captured.notes)


def test_a_title_of_emoji_that_no_font_has_is_a_plain_note_and_no_plate() -> None:
    captured = made("", PORTRAIT, "none", fonts=bare_book(), title="\U0001fae8", title_style="banner")
    assert captured.ass is None
    assert any(note.startswith("The title is not drawn") for note in captured.notes)


def test_a_title_far_too_long_is_refused_and_says_how_much_fits() -> None:
    with pytest.raises(BadInput, match="299 characters, and about ") as caught:
        made("", PORTRAIT, "none", title="word " * 60)
    assert caught.value.code == "title_too_long"
    fits = int(caught.value.message.split("about ")[1].split()[0])
    made("", PORTRAIT, "none", title=("word " * 60)[:fits])  # and that is true


def test_words_broken_over_lines_are_told_and_letters_keep_their_size() -> None:
    captured = made("Say " + "letters" * 20 + " now.", Screen(540, 540), "karaoke")
    assert any("broken over several (letters" in note for note in captured.notes)
    assert min(cue.scale for cue in captured.cues) == 1
    assert made(SAMPLE, PORTRAIT, "karaoke").notes == []


@pytest.mark.parametrize("style", ["karaoke", "marker"])
def test_nothing_fades_between_cues_that_follow_at_once(style: str, tmp_path: Path) -> None:
    captured = made("one two three four five six seven eight nine ten eleven twelve", Screen(540, 540), style)
    first, second = captured.cues[:2]
    assert first.end_s == second.start_s
    begins, stands = (
        (picture(captured, tmp_path, at, grey=0) > 200).sum()
        for at in (second.start_s + 0.011, (second.start_s + second.end_s) / 2)
    )
    assert begins > 0.5 * stands
    assert (picture(captured, tmp_path, first.start_s, grey=0) > 200).sum() == 0  # but after a pause


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_subtitle_files_say_the_script(name: str, tmp_path: Path) -> None:
    script = SCRIPTS[name]
    if not chinese_font() and re.search(r"[\u4e00-\u9fff]", script):
        pytest.skip("no font on this machine has Chinese letters")
    captured = made(script, PORTRAIT, "clean")
    captions.write(captured, tmp_path)

    raw = (tmp_path / "captions.srt").read_text("utf-8")
    blocks = [block.split("\n", 2) for block in raw.strip().split("\n\n")]
    assert [int(number) for number, _, _ in blocks] == list(range(1, len(blocks) + 1))
    assert bare("".join(text for _, _, text in blocks)) == bare(script)

    raw = (tmp_path / "captions.vtt").read_text("utf-8")
    head, *blocks_vtt = raw.strip().split("\n\n")
    assert head == "WEBVTT"
    texts = [block.split("\n", 1)[1] for block in blocks_vtt]
    assert not any("<" in text or "-->" in text for text in texts)
    assert bare(html.unescape("".join(texts))) == bare(script)

    report = json.loads((tmp_path / "captions.json").read_text("utf-8"))
    assert bare("".join(cue["text"] for cue in report["cues"])) == bare(script)
    assert (report["original_width"], report["original_height"]) == (1080, 1920)
    assert {f["file"] for f in report["fonts"]} == {p.name for p in (tmp_path / "fonts").iterdir()}


def test_the_ass_file_says_the_script_and_nothing_overlaps(tmp_path: Path) -> None:
    script = SCRIPTS["english"]
    captions.write(made(script, PORTRAIT, "clean"), tmp_path)
    file = pysubs2.load(str(tmp_path / "captions.ass"))
    assert (file.info["PlayResX"], file.info["PlayResY"]) == ("1080", "1920")
    letters = [event for event in file if event.layer == 3]
    assert bare("".join(event.plaintext for event in letters)) == bare(script)
    times = sorted({(event.start, event.end) for event in letters})
    assert all(a[1] <= b[0] for a, b in pairwise(times))


def test_nothing_to_burn_in_leaves_no_ass_but_the_subtitle_files(tmp_path: Path) -> None:
    captions.write(made("Hello there.", LANDSCAPE, "none"), tmp_path)
    assert not (tmp_path / "captions.ass").exists() and not (tmp_path / "fonts").exists()
    assert "Hello there." in (tmp_path / "captions.srt").read_text("utf-8")


def test_no_script_and_no_title_make_no_files(tmp_path: Path) -> None:
    captions.write(made("", LANDSCAPE, "clean"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["captions.json"]


# ---------------------------------------------------------------- fonts and looks


def test_a_chinese_script_without_a_chinese_font_is_an_error() -> None:
    with pytest.raises(Unavailable) as caught:
        made(SCRIPTS["chinese"], PORTRAIT, "clean", fonts=bare_book())
    assert caught.value.code == "font_missing"
    made(SCRIPTS["chinese"], PORTRAIT, "none", fonts=bare_book())  # nothing is drawn: nothing is missing


def test_a_chinese_title_without_a_chinese_font_is_an_error() -> None:
    with pytest.raises(Unavailable, match="三分钟"):
        made("Hello.", PORTRAIT, "clean", fonts=bare_book(), title="三分钟")


@needs_chinese_font
def test_the_fonts_for_libass_are_small(tmp_path: Path) -> None:
    captions.write(made(SCRIPTS["mixed"], PORTRAIT, "clean"), tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / "fonts").iterdir()) < 100_000


def test_a_users_look_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "styles").mkdir()
    look = {"fonts": ["DejaVu Sans"], "size": 0.1, "colour": "#00ff00", "case": "upper"}
    look["outline"] = {"width": 0.05, "colour": "#000000"}
    (tmp_path / "styles" / "subtitle.json").write_text(json.dumps({"mine": look}))
    settings = Settings(assets=tmp_path)
    captured = made("straße", LANDSCAPE, "mine", settings=settings, fonts=FontBook(search_places(tmp_path)))
    assert captured.ass and "STRAßE" in captured.ass.to_string("ass")
    drawn = picture(captured, tmp_path, captured.cues[0].start_s + 0.3)
    assert ((drawn[..., 1] > 230) & (drawn[..., 0] < 30)).sum() > 1000


def test_unknown_looks_are_refused_before_any_work(tmp_path: Path) -> None:
    job = Job(JobSpec(script="x", clip=tmp_path, subtitles="nope"), Settings(), engines=None)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="nope"):
        captions.inputs(job)


def test_inputs_change_with_what_is_drawn(tmp_path: Path) -> None:
    def inputs(settings: Settings, **spec: str) -> dict[str, object]:
        job = Job(JobSpec(script="x", clip=tmp_path, **spec), settings, engines=None)  # type: ignore[arg-type]
        job.artifacts = {"speech": Path("speech-1"), "probe": Path("probe-1")}
        return captions.inputs(job)

    plain = inputs(Settings())
    assert plain == inputs(Settings()) and json.dumps(plain)
    assert plain != inputs(Settings(), title="Hello")
    assert plain != inputs(Settings(), subtitles="panel")
    assert plain != inputs(Settings(video=VideoSettings(mark="AI")))
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "new.ttf").write_bytes(book().files[-1].read_bytes())
    assert plain != inputs(Settings(assets=tmp_path))


def test_the_stage_captions_a_real_voice(tmp_path: Path) -> None:
    spec = JobSpec(script=VOICED, clip=tmp_path / "clip.mp4", title="Daily")
    job = Job(spec, Settings(), OnlySpeech(EspeakEngine()))
    for name in ("speech", "probe", "captions"):
        (tmp_path / name).mkdir()
        job.artifacts[name] = tmp_path / name
    speech.make(job, tmp_path / "speech", Quiet())
    clip_facts().save(tmp_path / "probe")
    captions.make(job, tmp_path / "captions", Quiet())

    report = json.loads((tmp_path / "captions" / "captions.json").read_text("utf-8"))
    words = speech.load(tmp_path / "speech").speech.words or []
    assert bare("".join(cue["text"] for cue in report["cues"])) == bare(VOICED)
    for cue in report["cues"]:
        # What is on the screen is being said: its first word begins with it, or within a moment.
        begin = VOICED.index(cue["text"])
        said = [w for w in words if begin <= w.begin < begin + len(cue["text"])]
        assert cue["start_s"] == pytest.approx(said[0].start_s, abs=0.3)
        assert cue["end_s"] >= said[-1].end_s - 0.02


VOICED = (
    "Good morning, and welcome. Today we pay $1,299.00 for a model from example.com. Is it worth it? Yes."
)


@pytest.mark.parametrize("style", ["clean", "none"])
def test_a_cancelled_job_ends_within_the_captions(style: str) -> None:
    spec = JobSpec(script="Hello there.", clip=Path("/"), subtitles=style)
    with pytest.raises(Cancelled):
        captions.build(spec, Settings(), spoken(spec.script), SMALL, book(), Steps(cancel_after=0))


@dataclass
class OnlySpeech:
    speech: SpeechEngine
    aligner: Aligner | None = None

    @property
    def lipsync(self) -> LipSyncEngine:
        raise AssertionError("captions have no business with lips")


def clip_facts(**known: Any) -> ClipFacts:
    usual = {
        "width": 1080,
        "height": 1920,
        "pixel_aspect": Fraction(1),
        "fps": Fraction(25),
        "path": Path("/"),
    }
    values: dict[str, Any] = {f.name: 0 for f in fields(ClipFacts)}
    return ClipFacts(**values | usual | known)
