"""Writing down what is said: languages, pieces, loops, heartbeats. The network is told what to say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.engine import Transcript
from models.errors import Cancelled
from models.progress import Quiet
from models.whisper.engine import WhisperAligner
from models.whisper.hearing import LONGEST_S, OPTIONS, PROMPTS, _same_chance, pieces_of
from tests.models.whisper.conftest import Opened
from tests.models.whisper.sounds import RATE, bursts
from tests.models.whisper.tiny import tokens_of
from tests.progress_kit import Steps

VOICE = bursts((0.3, 3.7), length_s=4.0)


def heard(aligner: WhisperAligner, language: str = "", times: int = 1) -> Transcript:
    found = aligner.transcribe(np.tile(VOICE, times), RATE, language, Quiet())
    assert "".join(text for text, _, _ in found.words) == found.text == found.text.strip()
    moments = [moment for _, start, end in found.words for moment in (start, end)]
    assert moments == sorted(moments)
    return found


def test_text_language_and_times(whisper: Opened) -> None:
    found = heard(whisper(says=" Hello there, you.", at=(0.4, 1.2, 2.0, 2.8, 3.2)))
    assert (found.text, found.language) == ("Hello there, you.", "en")
    assert [text for text, _, _ in found.words] == ["Hello", " there,", " you."]
    assert 0.4 < found.words[1][1] < 1.4, "between the moments of its neighbours, and of the whole sound"


def test_language_is_found_out_or_given(whisper: Opened) -> None:
    german = whisper(says=" Guten Tag.", language="de")
    assert heard(german).language == "de"
    assert heard(german, "auto").language == "de"
    assert heard(german, "en").language == "en", "who knows better is believed"
    assert heard(german, "german").language == "de"
    assert heard(german, "yue").language == "de", "which only larger ones know"
    large = whisper(says="你好。", language="yue", n_vocab=51866)
    assert heard(large).language == "zh", "as it is called here"


def test_chinese_is_led_to_simplified_characters(whisper: Opened) -> None:
    prompt = 1 + len(tokens_of(f" {PROMPTS['zh']}", "zh"))
    found = heard(whisper(says="今天天气很好。", language="zh", after=prompt), "zh")
    assert (found.text, found.language) == ("今天天气很好。", "zh")


def test_a_long_sound_is_heard_in_pieces(whisper: Opened) -> None:
    aligner = whisper(says=" Hello there, you.", at=(0.4, 1.2, 2.0, 2.8, 3.2))
    found = heard(aligner, times=9)  # 36 s
    assert found.text == "Hello there, you. Hello there, you."
    assert 28.1 + 0.4 < found.words[4][1] < 28.1 + 1.2, "of the whole sound"


def test_silence(whisper: Opened) -> None:
    steps = Steps()
    found = whisper().transcribe(np.zeros(RATE, np.float32), RATE, "", steps)
    assert (found.text, found.words) == ("", [])
    assert whisper().transcribe(np.zeros(0, np.float32), RATE, "de", steps).language == "de"


def test_a_loop_is_left_out(whisper: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whisper takes it at last when chance does not lead out of it."""
    monkeypatch.setitem(OPTIONS, "temperature", (0.0, 0.2))
    aligner = whisper(says=" no no no no" * 6)
    assert heard(aligner, "en").text == ""


def test_heartbeats_and_cancel(whisper: Opened) -> None:
    aligner = whisper(says=" Hello there, you.", at=(0.4, 1.2, 2.0, 2.8, 3.2))
    steps = Steps()
    whole = np.tile(VOICE, 9)
    before = aligner.transcribe(whole, RATE, "en", steps)
    assert len(steps.seen) > 2 * 6, "a token is a heartbeat"
    assert steps.shares == sorted(steps.shares) and steps.shares[-1] <= 1
    for after in (1, 2, 5, len(steps.seen) - 1, len(steps.seen)):
        with pytest.raises(Cancelled):
            aligner.transcribe(whole, RATE, "en", Steps(cancel_after=after))
    network = aligner._ear.network
    left = [
        name for name, module in network.named_modules() if module._forward_hooks or module._forward_pre_hooks
    ]
    assert left == []
    assert aligner.transcribe(whole, RATE, "en", Quiet()) == before


def test_chance_is_the_same_every_time_and_goes_on_outside(whisper: Opened) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2).tolist()
    torch.manual_seed(5)
    seen = []
    for _ in range(2):
        with _same_chance(whisper()._ear):
            seen.append(torch.rand(1).item())
    assert seen[0] == seen[1]
    assert torch.rand(2).tolist() == expected


@pytest.mark.parametrize(
    ("voiced", "expected"),
    [
        ([], []),
        ([(1.0, 2.0)], [(0.8, 2.2)]),
        ([(0.1, 9.9)], [(0.0, 10.0)]),
        ([(0.0, 10.0), (10.5, 20.0)], [(0.0, 20.2)]),  # both fit into one
        ([(0.0, 15.0), (16.0, 20.0), (20.2, 30.0)], [(0.0, 15.2), (15.8, 30.2)]),  # at the longest pause
        ([(0.0, 3.0), (6.0, 20.0), (20.5, 40.0)], [(0.0, 20.2), (20.3, 40.2)]),  # but not too early
        ([(0.0, 20.0), (20.1, 40.0)], [(0.0, 20.05), (20.05, 40.2)]),  # margins do not overlap
        ([(0.0, 70.0), (71.0, 72.0)], [(0.0, 70.2), (70.8, 72.2)]),  # no pause: it stays whole
    ],
)
def test_pieces(voiced: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    duration = 10.0 if voiced == [(0.1, 9.9)] else 100.0
    found = list(pieces_of(voiced, duration))
    assert [moment for piece in found for moment in piece] == pytest.approx(
        [moment for piece in expected for moment in piece]
    )
    assert all(end - start <= LONGEST_S + 0.5 for start, end in found) or voiced[0][1] == 70.0
