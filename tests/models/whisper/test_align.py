"""A known text in a sound: every word of the script has a time, and it is the one that the network found.

The network is a Whisper whose attention goes where the test has it go (tiny.lay_openai); all else is stock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from whisper import timing

from models.engine import Aligned, Audio, Said, Sentence
from models.errors import Cancelled
from models.progress import Quiet
from models.reading import read
from models.timing import as_written
from models.whisper.engine import WhisperAligner
from models.words import tokens
from tests.models.whisper.conftest import Opened
from tests.models.whisper.sounds import RATE, bursts
from tests.progress_kit import Steps

COUNTED = "one two three four"
BEATS = ((0.3, 0.8), (1.2, 1.8), (2.2, 2.9), (3.2, 3.8))
MIDDLES = tuple((start + end) / 2 for start, end in BEATS)


def said(text: str, start_s: float, end_s: float, language: str = "en", begin: int = 0) -> Said:
    return Said(Sentence(text, begin, language, 0.3), read(text, language), start_s, end_s)


def aligned(aligner: WhisperAligner, wav: Audio, *sentences: Said) -> Aligned:
    found = aligner.align(wav, RATE, sentences, Quiet())
    expected = [
        (one.sentence.begin + begin, one.sentence.begin + end)
        for one in sentences
        for begin, end in tokens(one.sentence.text)
    ]
    assert [(w.begin, w.end) for w in found.words] == expected, "every word, in order"
    for one in sentences:
        first, last = one.sentence.begin, one.sentence.begin + len(one.sentence.text)
        own = [w for w in found.words if first <= w.begin < last]
        assert all(one.start_s <= w.start_s < w.end_s <= one.end_s + 1e-9 for w in own)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(own))
    return found


def test_words_are_where_the_network_hears_them_and_begin_with_the_voice(whisper: Opened) -> None:
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    found = aligned(aligner, bursts(*BEATS, length_s=4.0), said(COUNTED, 0.0, 4.0))
    assert found.guessed == 0
    times = [time for word in found.words for time in (word.start_s, word.end_s)]
    assert times == pytest.approx([time for beat in BEATS for time in beat], abs=0.03)


def test_times_are_of_the_whole_sound_and_not_proportional(whisper: Opened) -> None:
    """The second sentence is heard from its own stretch; "three" is drawn out, which no guess knows."""
    moments = (0.4, 0.8, 1.2, 2.8)
    aligner = whisper(says=f" {COUNTED}", at=moments)
    wav = bursts((0.0, 2.0), (3.0, 6.0), length_s=7.0)
    found = aligned(aligner, wav, said("Hello", 0.0, 2.0), said(COUNTED, 3.0, 6.0, begin=7))
    assert found.guessed == 0
    assert (found.words[0].start_s, found.words[0].end_s) == pytest.approx((0.0, 2.0), abs=0.03)
    starts = [word.start_s for word in found.words[1:]]
    stretch = 3.0 - 0.2  # with the margin that is heard with it
    for start, (before, moment) in zip(starts[1:], pairwise(moments), strict=True):
        assert stretch + before < start < stretch + moment
    lengths = [word.end_s - word.start_s for word in found.words[1:]]
    assert lengths[2] > 2 * lengths[1]


def test_numbers_are_found_as_they_are_read(whisper: Opened) -> None:
    text = "It costs $5 now."
    aligner = whisper(says=" It costs five dollars now.", at=(0.2, 0.8, 1.4, 2.0, 2.6, 2.9))
    found = aligned(aligner, bursts((0.0, 3.0), length_s=3.0), said(text, 0.0, 3.0))
    assert found.guessed == 0
    price = found.words[2]
    assert text[price.begin : price.end] == "$5"
    assert 0.8 < price.start_s < 1.4 and 2.0 < price.end_s < 2.6, "both of its words"


def test_chinese_characters_and_latin_words_among_them(whisper: Opened) -> None:
    text = "今天我们用GPU跑5个model。"
    aligner = whisper(says=read(text, "zh").text, language="zh", ends_s=4.0)
    found = aligned(aligner, bursts((0.0, 4.0), length_s=4.0), said(text, 0.0, 4.0, "zh"))
    assert found.guessed == 0
    words = {text[w.begin : w.end]: w for w in found.words}
    assert list(words) == ["今", "天", "我", "们", "用", "GPU", "跑", "5", "个", "model"]
    assert words["GPU"].end_s <= words["跑"].start_s
    assert words["5"].end_s - words["5"].start_s > 0.1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("nine eight seven six", "en"),  # not what is said
        (" ".join(["word"] * 500), "en"),  # too long for the decoder
        ("今天天气很好", "zh"),
    ],
)
def test_what_is_not_heard_is_guessed_and_counted(whisper: Opened, text: str, language: str) -> None:
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    wav = bursts(*BEATS, length_s=4.0)
    found = aligned(aligner, wav, said(text, 0.0, 4.0, language))
    assert found.guessed == 1
    assert found.words[0].start_s == pytest.approx(0.3, abs=0.03), "where the voice is"
    assert found.words[-1].end_s == pytest.approx(3.8, abs=0.03)


def test_each_sentence_is_judged_by_itself(whisper: Opened) -> None:
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    wav = np.tile(bursts(*BEATS, length_s=4.0), 3)
    sentences = [
        said(COUNTED, 0.0, 4.0),
        said("nine eight seven six", 4.0, 8.0, begin=20),
        said(COUNTED, 8.0, 12.0, begin=50),
    ]
    found = aligned(aligner, wav, *sentences)
    assert found.guessed == 1
    assert found.words[-1].start_s == pytest.approx(8.0 + BEATS[-1][0], abs=0.05)


def test_what_the_tokenizer_takes_for_its_own_marks_is_text(whisper: Opened) -> None:
    text = "say <|endoftext|> now"
    one = Said(Sentence(text, 0, "en", 0.0), as_written(text), 0.0, 4.0)
    aligned(whisper(), bursts(*BEATS, length_s=4.0), one)


def test_longer_than_a_window_and_silence(whisper: Opened) -> None:
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    long = aligned(aligner, bursts((0.0, 40.0), length_s=40.0), said(COUNTED, 0.0, 40.0))
    assert long.guessed == 1 and long.words[-1].end_s == pytest.approx(40.0, abs=0.1)
    hush = np.zeros(4 * RATE, np.float32)
    assert len(aligned(aligner, hush, said(COUNTED, 0.0, 4.0)).words) == 4
    assert aligned(aligner, bursts((0, 1), length_s=1.0), said("…!", 0.0, 1.0)).words == []
    instant = aligner.align(hush, RATE, [said(COUNTED, 1.0, 1.0)], Quiet())
    assert len(instant.words) == 4 and instant.guessed == 1


def test_heartbeats_and_cancel(whisper: Opened) -> None:
    """A cancel in the middle of a sentence would leave hooks of find_alignment on the network: the next
    job would stumble over them."""
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    wav = np.tile(bursts(*BEATS, length_s=4.0), 2)
    sentences = [said(COUNTED, 0.0, 4.0), said(COUNTED, 4.0, 8.0, begin=20)]
    steps = Steps()
    before = aligner.align(wav, RATE, sentences, steps)
    assert {(1, 2), (2, 2)} <= set(steps.seen) and len(steps.seen) == 4, "a layer of the encoder is one, too"
    assert steps.shares == sorted(steps.shares)
    for after in (1, 2, 3):
        with pytest.raises(Cancelled):
            aligner.align(wav, RATE, sentences, Steps(cancel_after=after))
    blocks = aligner._ear.network.decoder.blocks
    assert not any(block.cross_attn._forward_hooks for block in blocks)
    assert aligner.align(wav, RATE, sentences, Quiet()) == before, "and the same times every time"


def test_kernels_that_cannot_be_compiled_are_done_without(
    whisper: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their folder is only read, say. Whisper itself lets that end the job."""
    aligner = whisper(says=f" {COUNTED}", at=MIDDLES)
    sound, sentence = bursts(*BEATS, length_s=4.0), said(COUNTED, 0.0, 4.0)
    expected = aligned(aligner, sound, sentence)
    failed: list[str] = []
    for name in ("median_filter", "dtw"):
        work = getattr(timing, name)

        def fails_first(*how: Any, name: str = name, work: Any = work) -> Any:
            if name not in failed:
                failed.append(name)
                raise PermissionError("Read-only file system")
            return work(*how)

        monkeypatch.setattr(timing, name, fails_first)
    assert aligned(aligner, sound, sentence) == expected
    assert failed == ["median_filter", "dtw"]


def test_warm_up(whisper: Opened) -> None:
    whisper().warm_up()


@settings(max_examples=15, deadline=None)
@example(text="𓀀𓀁 𓂀", language="en")  # words of which nothing is known
@given(text=st.text(max_size=60), language=st.sampled_from(["en", "zh", "ja", "ko", "de", "xx", ""]))
def test_no_text_is_too_odd(whisper: Opened, text: str, language: str) -> None:
    aligned(whisper(), bursts((0.2, 1.8), length_s=2.0), said(text, 0.0, 2.0, language))


@pytest.mark.slow
def test_what_finds_the_times_compiles(tmp_path: Path) -> None:
    """Everywhere else in the tests it is not compiled, which takes long."""
    code = "import numpy as np; from whisper.timing import dtw_cpu; print(dtw_cpu(1 - np.eye(3)).tolist())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "0"}, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "[[0, 1, 2], [0, 1, 2]]\n", done.stderr
