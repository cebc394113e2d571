from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.engine import Sentence, Word
from pipeline.amounts import parts_amount
from pipeline.breaks import pieces
from pipeline.phrases import FLOOR_S, MIN_S, WHOLE, Cue, phrases, wrap
from tests.pipeline.captioning import SCRIPTS, calls, spoken
from tests.progress_kit import Steps


def width_in(script: str):  # type: ignore[no-untyped-def]
    return lambda begin, end: sum(1.0 if ord(c) > 0x2000 else 0.55 for c in script[begin:end])


def cut(script: str, line_width: float = 12, max_lines: int = 2) -> list[Cue]:
    said = spoken(script)
    return phrases(
        script, said.words, said.sentences, said.duration_s, width_in(script), line_width, max_lines
    )


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def check_script(script: str, cues: Sequence[Cue]) -> None:
    """The cues say the script: nothing but white space lies between them, their lines, and its ends."""
    assert bare("".join(script[c.begin : c.end] for c in cues)) == bare(script)
    assert bare("".join(line for c in cues for line in c.line_texts(script))) == bare(script)
    edges = [0, *(edge for c in cues for edge in (c.begin, c.end)), len(script)]
    assert all(script[a:b].strip() == "" for a, b in zip(edges[::2], edges[1::2], strict=True))
    for cue in cues:
        for line, text in zip(cue.lines, cue.line_texts(script), strict=True):
            inside = script[line[0].begin : line[-1].end]
            assert text == inside or re.search(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", inside)


def check_times(cues: Sequence[Cue], duration_s: float) -> None:
    for cue in cues:
        assert 0 <= cue.start_s < cue.end_s <= duration_s + 1e-9
    for before, after in pairwise(cues):
        assert before.end_s <= after.start_s


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("line_width", [4, 12, 30])
def test_cues_say_the_script_exactly(name: str, line_width: float) -> None:
    script = SCRIPTS[name]
    cues = cut(script, line_width)
    check_script(script, cues)
    check_times(cues, spoken(script).duration_s)


ALPHABET = st.sampled_from(
    [
        *"aZ9 ,.!?\n\t\r-{}\\<>&%$￥（）“”‘’。，、！？你好的人3😀\u200d\ufe0f\u00a0\u3000\u0301한あー",
        "\n\n",
        "https://a.b/c ",
    ]
)


@st.composite
def speeches(draw: st.DrawFn) -> tuple[str, list[Word], list[Sentence], float]:
    script = "".join(draw(st.lists(ALPHABET, max_size=60)))
    duration = draw(st.floats(0.01, 30))
    offsets = sorted(draw(st.lists(st.integers(0, len(script)), max_size=16)))
    times = sorted(draw(st.lists(st.floats(0, duration), min_size=len(offsets), max_size=len(offsets))))
    words = [
        Word(a, b, t, u)
        for (a, b), (t, u) in list(zip(pairwise(offsets), pairwise(times), strict=True))[::2]
        if a < b
    ]
    begins = (
        draw(st.lists(st.integers(0, max(len(script) - 1, 0)), max_size=4, unique=True)) if script else []
    )
    return script, words, [Sentence("", b, "zh", 0) for b in sorted(begins)], duration


@settings(max_examples=300, deadline=None)
@given(speeches(), st.floats(1, 20), st.integers(1, 3))
def test_any_script_with_any_times_is_shown_whole_and_without_overlap(
    speech: tuple[str, list[Word], list[Sentence], float], line_width: float, max_lines: int
) -> None:
    script, words, sentences, duration = speech
    width = width_in(script)
    cues = phrases(script, words, sentences, duration, width, line_width, max_lines)
    check_script(script, cues)
    check_times(cues, duration)
    for cue in cues:
        assert len(cue.lines) <= max_lines
        widest = max(width(line[0].begin, line[-1].end) for line in cue.lines)
        assert widest * cue.scale <= line_width * 1.000001


@pytest.mark.parametrize("line_width", [3, 7, 11, 16])
@pytest.mark.parametrize(
    "whole",
    [
        "state-of-the-art", "don't", "￥3,999", "$1,299.00", "$ 549.99", "12 000 USD", "25 %", "GPT-5.2",
        "https://example.com/a/very/long/path?with=query&more=1#part", "www.example.com",
        "2026年", "10\u00a0元", "👩‍👩‍👧", "🇩🇪",
    ],
)  # fmt: skip
def test_what_belongs_together_is_not_split_unless_it_would_be_tiny(whole: str, line_width: float) -> None:
    if width_in(whole + ":。")(0, len(whole) + 2) > line_width / WHOLE:
        return
    for script in (f"Look at this: {whole} is it, really.", f"我们来看看{whole}到底是怎么回事。"):
        lines = [line for cue in cut(script, line_width) for line in cue.line_texts(script)]
        assert any(whole in line for line in lines), lines


AMOUNTS = [
    "3 May", "3rd of May", "3 May 2026", "May 5", "May 5, 2026", "5 kg", "10 %", "5-10 km", "$3 million",
    "3 million dollars", "2 weeks", "9:30 a.m.", "Room 5", "Chapter 3", "page 12", "1,200 °C", "5 o'clock",
    "第 3章", "第 3 章", "第3 章", "5 公斤", "3亿美元", "3 亿美元", "5 月 3 日", "5月3日", "2026 年",
    "百分之 50", "2 倍",
]  # fmt: skip


@pytest.mark.parametrize("max_lines", [1, 2])
@pytest.mark.parametrize("whole", AMOUNTS)
def test_a_number_stays_with_what_it_counts_and_a_day_with_its_month(whole: str, max_lines: int) -> None:
    scripts = [
        f"{before} {whole} {after}."
        for before, after in [
            ("We all met there again on", "in Berlin with many of our friends"),
            ("The team said that", "it was, and so it will be"),
            ("我们今天在节目里一起看看这个", "到底是怎么回事以及为什么会这样"),
            ("据说这里有", "左右的样子大家觉得怎么样"),
        ]
    ]
    for script in scripts:
        for line_width in (7, 8, 9, 9.5, 10, 10.5, 11, 11.5, 12, 13, 14, 15, 16, 18):
            if width_in(whole)(0, len(whole)) > line_width:
                continue
            cues = cut(script, line_width, max_lines)
            lines = [line for cue in cues for line in cue.line_texts(script)]
            assert any(whole in line for line in lines), lines


@pytest.mark.parametrize(
    "parted",
    [
        "in 2024|we",
        "GPT-5|发布",
        "GPT-5|m",
        "2|is",
        "maybe|3",
        "5|gold",
        "He may|3",
        "2026年|5月",
        "the 3|new",
        "第|一",
    ],
)
def test_other_numbers_may_end_a_line(parted: str) -> None:
    before, after = parted.split("|")
    assert not parts_amount(f"{before} {after}", len(before) + 1)


def test_a_short_subtitle_joins_no_neighbour_where_that_parts_an_amount() -> None:
    script = "我们在第 3 章看到，今年很好"
    assert any("第 3 章" in line for cue in cut(script, 6) for line in cue.line_texts(script))


def test_a_line_too_narrow_for_an_amount_breaks_it_all_the_same() -> None:
    script = "On 3 September 2026 we paid 12,500.00 kilograms."
    check_script(script, cut(script, 6))


@pytest.mark.parametrize("name", ["chinese", "mixed", "prices", "emoji"])
@pytest.mark.parametrize("line_width", [4, 6, 9, 13])
def test_lines_do_not_begin_with_closing_or_end_with_opening_punctuation(
    name: str, line_width: float
) -> None:
    for cue in cut(SCRIPTS[name], line_width):
        for line in cue.line_texts(SCRIPTS[name]):
            assert line[0] not in "，。！？：；、”）》%"
            assert line[-1] not in "“（《￥$"


@pytest.mark.parametrize("line_width", [3, 4, 5, 6, 7])
def test_brackets_and_quotes_keep_to_what_they_enclose(line_width: float) -> None:
    script = "他说“甲乙”和《丙丁》（戊己）与「庚辛」吧" * 3
    for cue in cut(script, line_width):
        for line in cue.line_texts(script):
            assert line[0] not in "”》）」" and line[-1] not in "“《（「"


def test_chinese_breaks_at_punctuation_where_it_can() -> None:
    script = "每天三分钟，了解人工智能最新动态。它比上一代快了三倍，而且更加便宜。"
    lines = [line for cue in cut(script, 12) for line in cue.line_texts(script)]
    assert lines[0] == "每天三分钟，"
    assert "它比上一代快了三倍，" in lines


def test_a_chinese_text_with_no_border_at_all_still_fits() -> None:
    script = "甲" * 45
    cues = cut(script, 10, 1)
    assert all(cue.scale == 1 and cue.end - cue.begin <= 10 for cue in cues)


def test_a_word_wider_than_the_line_is_shrunk_not_split() -> None:
    script = "See https://example.com/path now."
    wide = [cue for cue in cut(script, 10) if cue.scale < 1]
    assert [cue.line_texts(script) for cue in wide] == [["https://example.com/path"]]


URL = "https://www.example.com/articles/2026/11/a-very-long-story?utm_source=mail&id=1234567#the_first_part"


def test_a_far_longer_address_is_broken_after_its_marks_and_not_shrunk() -> None:
    script = f"Read {URL} and tell us."
    cues = cut(script, 10)
    check_script(script, cues)
    assert all(cue.scale == 1 and len(cue.lines) <= 2 for cue in cues)
    ends = [line[-1].end for cue in cues for line in cue.lines]
    inside = {script[end - 1] for end in ends if script[end : end + 1].strip()}
    assert inside and inside <= set("/?&=.-_#")


@pytest.mark.parametrize(
    "word", ["abcdefghij" * 15, "!" * 90, "1234567890" * 6, "กำลังทดสอบ" * 12, "👩‍👩‍👧" * 30]
)
def test_a_far_longer_word_is_broken_evenly_between_characters(word: str) -> None:
    script = f"Say {word} now."
    cues = cut(script, 10)
    check_script(script, cues)
    assert all(cue.scale == 1 for cue in cues)
    starts = [line[0] for cue in cues for line in cue.line_texts(script)]
    assert not {"\u200d", "\u0e31", "\u0e33"} & {
        c for c in starts if unicodedata.combining(c) or c == "\u200d"
    }
    widths = [width_in(t)(0, len(t)) for c in cues for t in c.line_texts(script) if t in word]
    assert len(widths) > 2 and min(widths) > 0.6 * max(widths)


def test_two_lines_are_of_like_width() -> None:
    script = "We looked at many models for this long list"
    (cue,) = cut(script, 14)
    first, second = (len(text) for text in cue.line_texts(script))
    assert abs(first - second) <= 8


def test_a_cue_does_not_cross_sentences() -> None:
    script = "The first sentence is here. The second sentence follows."
    texts = [script[c.begin : c.end] for c in cut(script, 40)]
    assert texts == ["The first sentence is here.", "The second sentence follows."]


def test_but_a_very_short_sentence_joins_its_neighbour() -> None:
    script = "Is it really true? Yes. We have tested it ourselves."
    said = spoken(script, pace_s=0.2)
    cues = phrases(script, said.words, said.sentences, said.duration_s, width_in(script), 14, 2)
    assert script[cues[0].begin : cues[0].end] == "Is it really true? Yes."


def test_a_paragraph_is_a_border_even_for_short_ones() -> None:
    script = "One.\n\nTwo."
    assert [script[c.begin : c.end] for c in cut(script, 40)] == ["One.", "Two."]


def test_silent_symbols_are_shown_with_a_neighbour() -> None:
    script = "Hello there.\n---\nWelcome back."
    assert len(cut(script, 30)) == 2


def test_times_follow_the_voice() -> None:
    script = "First sentence is here. Second sentence follows."
    sentences = [Sentence("", 0, "en", 0), Sentence("", 24, "en", 0)]
    words = [Word(0, 5, 1.0, 1.5), Word(6, 23, 1.5, 2.5), Word(24, 30, 5.0, 5.4), Word(31, 48, 5.4, 6.0)]
    one, two = phrases(script, words, sentences, 9.0, width_in(script), 40, 1)
    assert (one.start_s, two.start_s) == (1.0, 5.0)
    assert 2.5 <= one.end_s < 3.0 and 6.0 <= two.end_s < 6.5


def test_short_gaps_are_closed_and_short_cues_stay_long_enough_to_read() -> None:
    script = "First sentence is here. Second one. Third sentence is long."
    begins = [0, 24, 36]
    words = [Word(0, 23, 0.5, 2.0), Word(24, 35, 2.2, 2.4), Word(36, 59, 4.0, 6.0)]
    cues = phrases(script, words, [Sentence("", b, "en", 0) for b in begins], 6.5, width_in(script), 40, 1)
    assert len(cues) == 3
    assert cues[0].end_s == cues[1].start_s
    assert cues[1].end_s - cues[1].start_s >= MIN_S


def test_a_script_without_any_word_time_is_spread_over_the_speech() -> None:
    script = SCRIPTS["english"]
    cues = phrases(script, [], [], 10.0, width_in(script), 12, 2)
    check_script(script, cues)
    assert cues[0].start_s == 0 and cues[-1].end_s == 10.0
    assert all(cue.end_s - cue.start_s > FLOOR_S for cue in cues)


def test_an_empty_script_has_no_cues() -> None:
    assert phrases("  \n", [], [], 3.0, width_in("  \n"), 10, 2) == []


def test_the_longest_script_allowed_takes_seconds() -> None:
    script = "今天我们来聊聊人工智能如何改变普通人的工作和生活 and then some more words follow here " * 350
    began = time.process_time()
    check_script(script, cut(script, 13))
    assert time.process_time() - began < 15


UNBROKEN = "今天我们来聊聊人工智能如何改变普通人的工作和生活它比上一代快了三倍而且更加便宜"


@pytest.mark.parametrize("quick", [False, True], ids=["spoken", "far-too-quick"])
@pytest.mark.parametrize("line_width, max_lines", [(12, 2), (28, 3), (100, 4)])
@pytest.mark.parametrize("text", ["好", UNBROKEN])
def test_a_sentence_without_an_end_costs_a_few_steps_a_character(
    text: str, line_width: float, max_lines: int, quick: bool
) -> None:
    def cost(count: int) -> int:
        script = (text * count)[:count]
        words = [] if quick else spoken(script).words
        seconds = 1.0 if quick else 0.3 * count
        width = lambda begin, end: float(end - begin)  # noqa: E731
        return calls(lambda: phrases(script, words, [], seconds, width, line_width, max_lines))

    few, many = cost(400), cost(800)
    assert many < 2.6 * few
    assert many < 1500 * 800


def test_every_sentence_is_a_step_so_that_a_job_can_be_cancelled() -> None:
    script, steps = "One is here. Two is here. Three is here.", Steps()
    said = spoken(script)
    phrases(script, said.words, said.sentences, said.duration_s, width_in(script), 40, 2, progress=steps)
    assert steps.seen == [(1, 3), (2, 3), (3, 3)]


def test_a_title_is_wrapped_evenly_and_shrunk_when_too_long() -> None:
    title = "Three Stories That Changed the World"
    cue = wrap(title, width_in(title), 12, 3)
    assert cue and cue.scale == 1 and len(cue.lines) == 2
    long = title * 4
    shrunk = wrap(long[:90], width_in(long), 12, 3)
    assert shrunk and len(shrunk.lines) == 3 and 0.56 <= shrunk.scale < 1
    more = wrap(long, width_in(long), 12, 3)
    assert more and len(more.lines) in (4, 5) and more.scale >= 0.56
    assert wrap(long * 3, width_in(long * 3), 12, 3) is None


def test_a_title_without_spaces_is_broken_and_stays_readable() -> None:
    title = "abcdefghijklmnopqrstuvwxyz" * 3
    cue = wrap(title, width_in(title), 8, 3)
    assert cue and cue.scale >= 0.56 and len(cue.lines) <= 5
    assert "".join(cue.line_texts(title)) == title


def test_a_short_word_between_two_long_ones_gets_time_from_them() -> None:
    script = "Internationalisierung and Donaudampfschiffahrt"
    words = [Word(0, 21, 0.0, 3.0), Word(22, 25, 3.0, 3.22), Word(26, 46, 3.22, 6.0)]
    cues = phrases(script, words, [], 6.0, width_in(script), 9, 1)
    check_times(cues, 6.0)
    assert [cue.line_texts(script) for cue in cues][1] == ["and"]
    assert cues[1].end_s - cues[1].start_s == pytest.approx(MIN_S)
    assert cues[1].start_s > 2.7 and cues[1].end_s < 3.5


def test_pieces_are_what_a_reader_takes_in_at_once() -> None:
    text = "聊聊OpenAI发布的GPT-5.2模型，价格是￥3,999元。Don't pay $ 5!"
    found = [text[a:b] for a, b in pieces(text)]
    assert {"OpenAI", "GPT-5.2模型，", "￥3,999元。", "Don't", "$ 5!"} <= set(found)
