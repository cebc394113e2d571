from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from models.errors import Unavailable
from pipeline.ass import Painter, Screen, new_file
from pipeline.captions import Captions
from pipeline.fonts import BUILT_IN, FontBook, check_missing, coverage, in_language, search_places
from pipeline.phrases import Cue, Span
from pipeline.styles import Outline, SubtitleLook
from pipeline.typeset import Typeset
from tests.pipeline.captioning import bare_book, book, calls, ink, needs_chinese_font, picture


def test_the_users_folder_comes_first_and_the_wheels_fonts_last(tmp_path: Path) -> None:
    places = search_places(tmp_path)
    assert places[0] == tmp_path / "fonts"
    assert places[1] == BUILT_IN
    assert places[-1].name.startswith("DejaVu") and places[-1].is_file()


def test_looking_for_fonts_does_not_import_matplotlib() -> None:
    code = "import sys, pipeline.fonts as f; f.search_places(None); print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_family_is_found_by_name_in_any_case_and_by_weight() -> None:
    bold, regular = bare_book().find("dejavu sans", 800), bare_book().find("DejaVu Sans", 400)
    assert bold and regular
    assert bold.weights == (700, 700) and regular.weights == (400, 400)
    assert not bold.italic
    assert bare_book().find("No Such Family") is None


def test_a_font_in_the_users_folder_is_used_by_name(tmp_path: Path) -> None:
    source = bare_book().find("DejaVu Serif", 400)
    assert source
    (tmp_path / "fonts").mkdir()
    with TTFont(source.path) as font:
        for record in font["name"].names:
            if record.nameID in (1, 4, 16):
                record.string = "My Own"
        font.save(tmp_path / "fonts" / "mine.ttf")
    runs = FontBook(search_places(tmp_path)).cover("Hello", ["My Own", "DejaVu Sans"])
    assert [(text, face and face.family) for text, face in runs] == [("Hello", "My Own")]


def test_broken_files_and_colour_fonts_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "empty.ttf").touch()
    (tmp_path / "text.otf").write_text("not a font")
    (tmp_path / "half.ttc").write_bytes(b"ttcf\0\1\0\0\0\0")
    source = bare_book().faces[0].path.read_bytes()
    (tmp_path / "cut.ttf").write_bytes(source[:2000])
    assert FontBook([tmp_path, tmp_path / "none"]).faces == []


@needs_chinese_font
def test_the_first_font_in_the_chain_that_has_a_character_draws_it() -> None:
    runs = book().cover("你好 hello", ["DejaVu Sans", "Noto Sans CJK SC"], 700)
    assert [text for text, _ in runs] == ["你好 ", "hello"]
    assert runs[1][1] and runs[1][1].family == "DejaVu Sans"
    assert runs[0][1] and ord("你") in coverage(runs[0][1])


@needs_chinese_font
def test_punctuation_stays_with_the_letters_around_it() -> None:
    # DejaVu has “ and ”, but narrow ones, which look wrong in Chinese.
    runs = book().cover("“你好”“ok”", ["DejaVu Sans", "Noto Sans CJK SC"])
    assert [text for text, _ in runs] == ["“你好”“", "ok”"]


def test_many_marks_before_the_first_letter_cost_no_more_than_letters() -> None:
    bare = bare_book()
    bare.assign("a!", ["DejaVu Sans"], 400)  # the fonts are read once
    marks, letters = (
        calls(lambda text=text: bare.assign(text, ["DejaVu Sans"], 400))  # type: ignore[misc]
        for text in ("!" * 1000 + "a", "a" * 1001)
    )
    assert marks < 3 * letters


def test_a_writing_without_a_font_is_an_error_that_shows_it_and_the_fix() -> None:
    text = "大家好, hello"
    with pytest.raises(Unavailable) as caught:
        check_missing(text, bare_book().assign(text, ["DejaVu Sans"], 400))
    assert caught.value.code == "font_missing"
    assert "大家好" in caught.value.message and "Chinese" in caught.value.message
    assert "fonts-noto-cjk" in caught.value.hint and "folder" in caught.value.hint


def test_thai_without_a_font_is_shown_in_words_with_their_marks_once_each() -> None:
    text = "สวัสดี ครับ สวัสดี hello ทุกคนที่นี่และที่นั่นและที่โน่นด้วย"
    with pytest.raises(Unavailable) as caught:
        check_missing(text, bare_book().assign(text, ["DejaVu Sans"], 400))
    shown = caught.value.message.split("(")[1].rstrip(")")
    assert shown.startswith("สวัสดี ครับ ทุกคน") and shown.endswith("…")
    assert shown.rstrip("…") in "สวัสดี ครับ ทุกคนที่นี่และที่นั่นและที่โน่นด้วย"


def test_with_no_font_at_all_even_latin_is_missing(tmp_path: Path) -> None:
    nothing = FontBook([tmp_path])
    with pytest.raises(Unavailable, match="Latin"):
        check_missing("hello", nothing.assign("hello", [], 400))


def test_an_emoji_without_a_font_is_a_note_and_no_box() -> None:
    typeset = Typeset("ok \U0001fae8\ufe0f\u200d!", bare_book(), ["DejaVu Sans"], 400)
    assert len(typeset.notes) == 1 and "\U0001fae8" in typeset.notes[0]
    assert "".join(text for text, _ in typeset.runs(0, len(typeset.text))) == "ok !"
    assert typeset.width(0, 6) == pytest.approx(typeset.width(0, 3))


def test_han_letters_follow_the_language() -> None:
    assert in_language(["Inter", "Noto Sans CJK SC"], "ja") == ["Inter", "Noto Sans CJK JP"]
    assert in_language(["Noto Serif CJK SC"], "zh") == ["Noto Serif CJK SC"]


@pytest.mark.parametrize(
    "text",
    [
        "HHHHHHHHHHHH",
        "AVAVAV To office",
        "$1,299.00 and it runs",
        pytest.param("今天我们来聊聊 OpenAI 模型", marks=needs_chinese_font),
    ],
)
def test_the_measured_width_is_what_libass_draws(text: str, tmp_path: Path) -> None:
    # From the first bar to the last, so that the empty sides of glyphs do not count.
    text = f"|{text}|"
    look = SubtitleLook(
        fonts=["Noto Sans CJK SC", "DejaVu Sans"], size=0.05, outline=Outline(width=0, colour="#000000")
    )
    screen = Screen(1920, 1080)
    file = new_file(screen)
    typeset = Typeset(text, book(), look.fonts, look.weight)
    cue = Cue(((Span(0, len(text), 0, 2),),), 0, 2)
    Painter(file, look, typeset, screen, "Test", 0).draw([cue])
    drawn = picture(Captions(screen, text, [cue], file, [typeset]), tmp_path, 1.0)
    x0, _, x1, _ = ink(drawn)
    em = look.size * screen.short
    assert x1 - x0 == pytest.approx(typeset.width(0, len(text) - 1) * em, rel=0.005, abs=0.18 * em)
