"""The stage speech where times of words have to be found: by a real Whisper, small and taught, or guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from models import reading
from models.engine import (
    Aligned,
    Aligner,
    LipSyncEngine,
    Said,
    Sentence,
    Speech,
    SpeechEngine,
    Transcript,
    Word,
)
from models.errors import Cancelled, Unavailable
from models.espeak import EspeakEngine
from models.progress import Progress, Quiet
from models.weight_files import wrong
from models.words import tokens
from pipeline import captions, speech
from pipeline.job import Job
from pipeline.spec import JobSpec, Settings
from tests.models.whisper.sounds import RATE, bursts
from tests.pipeline.test_captions import clip_facts
from tests.progress_kit import Steps

SCRIPT = "One two three four. It is the second sentence. 这是第三句话。"
COUNTED = "One two three four."
BEATS = ((0.3, 0.8), (1.2, 1.8), (2.2, 2.9), (3.2, 3.8))
MIDDLES = (*((start + end) / 2 for start, end in BEATS), 3.9)  # and of the full stop


class Wordless(EspeakEngine):
    """A voice that does not know when it says what, as those of large models."""

    name = "wordless"
    tone = ""
    weights = "1"

    def speak(
        self,
        sentences: Sequence[Sentence],
        voice: str,
        language: str,
        seed: int,
        progress: Progress,
        tone: str = "",
    ) -> Speech:
        self.tone = tone
        said = super().speak(sentences, voice, language, seed, progress, tone)
        self.known = said.words or []
        return replace(said, words=None, phonemes=None)

    def decided_by(self, voice: str) -> dict[str, str]:
        return {"weights": self.weights, "voice": voice}


@dataclass
class Listener:
    """Has heard this text, two words a second from `at` on, and finds all that it is asked for."""

    text: str = ""
    language: str = "en"
    at: float = 0.5
    name: str = "listener"
    version: int = 1

    def warm_up(self) -> None:
        pass

    def align(self, wav: Any, rate: int, said: Sequence[Said], progress: Progress) -> Aligned:
        self.asked = list(said)
        raise AssertionError("not by this one")

    def transcribe(self, wav: Any, rate: int, language: str, progress: Progress) -> Transcript:
        self.told_language = language
        begins = [begin for begin, _ in tokens(self.text)] or [0]
        ends = [*begins[1:], len(self.text)]
        words = [
            (self.text[0 if i == 0 else begin : end], self.at + i / 2, self.at + (i + 1) / 2)
            for i, (begin, end) in enumerate(zip(begins, ends, strict=True))
        ]
        return Transcript(self.text, self.language, words)


@dataclass
class Both:
    speech: SpeechEngine
    aligner: Aligner | None

    @property
    def lipsync(self) -> LipSyncEngine:
        raise AssertionError("no business with lips")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Aligner:
    """Says and finds COUNTED."""
    import torch

    from models.whisper.engine import WhisperAligner
    from tests.models.whisper.tiny import lay_openai

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whisper")
    lay_openai(folder, says=f" {COUNTED}", at=MIDDLES)
    return WhisperAligner.open(folder=folder, model="tiny", device="cpu")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """COUNTED, or what else takes four beats."""
    path = tmp_path / "voice.wav"
    wavfile.write(path, RATE, bursts(*BEATS, length_s=4.0))
    return path


def a_job(aligner: Aligner | None, settings: dict[str, Any] | None = None, **spec: Any) -> Job:
    chosen: dict[str, Any] = {"script": SCRIPT, "clip": Path("/clip.mp4")} | spec
    silent = {"speech": {"lead_s": 0, "tail_s": 0}}
    return Job(JobSpec(**chosen), Settings.model_validate(settings or silent), Both(Wordless(), aligner))


def made(job: Job, folder: Path, progress: Progress | None = None) -> speech.Spoken:
    folder.mkdir(exist_ok=True)
    speech.make(job, folder, progress or Quiet())
    spoken = speech.load(folder)
    words = spoken.speech.words or []
    assert [(w.begin, w.end) for w in words] == tokens(spoken.script), "every word, in order"
    assert all(w.start_s <= w.end_s <= spoken.speech.duration_s + 1e-6 for w in words)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in pairwise(words))
    return spoken


# ---------------------------------------------------------------- an engine that does not know its words


def test_without_an_aligner_words_are_guessed_within_their_sentences(tmp_path: Path) -> None:
    job = a_job(None, tone="calm", settings={"speech": {"lead_s": 0.5}})
    spoken = made(job, tmp_path / "s")
    assert spoken.notes == [], "the roster says so, and why nobody hears"
    engine = job.engines.speech
    assert isinstance(engine, Wordless) and engine.tone == "calm"
    for found, known in zip(spoken.speech.words or [], engine.known, strict=True):
        assert found.start_s - 0.5 == pytest.approx(known.start_s, abs=0.4)
    firsts = [sentence.begin for sentence in spoken.sentences]
    for found, known in zip(spoken.speech.words or [], engine.known, strict=True):
        if found.begin in firsts:
            assert found.start_s - 0.5 == pytest.approx(known.start_s, abs=0.06), (
                "sentences are where they are"
            )


def test_one_sentence(tmp_path: Path, whisper: Aligner) -> None:
    (note,) = made(a_job(whisper, script="It is one sentence."), tmp_path / "s").notes
    assert "in its only sentence:" in note


def test_an_aligner_finds_what_it_hears_and_the_rest_is_counted(tmp_path: Path, whisper: Aligner) -> None:
    """This one hears COUNTED in everything."""
    steps = Steps()
    spoken = made(a_job(whisper), tmp_path / "s", steps)
    assert spoken.notes[0].startswith("The times of words are estimated in 2 of 3 sentences")
    assert steps.shares == sorted(steps.shares) and steps.shares[-1] == 1
    assert len(steps.seen) > 6, "of the voice and of the aligner"
    with pytest.raises(Cancelled):
        made(a_job(whisper), tmp_path / "c", Steps(cancel_after=5))
    assert not list((tmp_path / "c").iterdir())
    counted = made(a_job(whisper, script=COUNTED), tmp_path / "one")
    assert counted.notes == [], "all found: nothing to tell"


def test_an_engine_that_does_not_tell_where_its_sentences_are(tmp_path: Path, whisper: Aligner) -> None:
    class Vague(Wordless):
        def speak(self, *asked: Any, **more: Any) -> Speech:
            return replace(super().speak(*asked, **more), spans=None)

    job = replace(a_job(whisper), engines=Both(Vague(), whisper))
    assert "all 3 sentences" in made(job, tmp_path / "s").notes[0]


# ---------------------------------------------------------------- inputs


def test_inputs_name_the_voice_and_who_hears(whisper: Aligner) -> None:
    def asked(aligner: Aligner | None, settings: dict[str, Any] | None = None, **spec: Any) -> str:
        return json.dumps(speech.inputs(a_job(aligner, settings, **spec)), sort_keys=True)

    plain = asked(whisper)
    other = Listener()
    newer = Listener(version=2)
    silent = {"lead_s": 0, "tail_s": 0}
    seen = [
        asked(None),
        asked(other),
        asked(newer),
        asked(whisper, {"speech": silent, "whisper": {"model": "medium"}}),
        asked(whisper, {"speech": {**silent, "verify": True}}),
        asked(whisper, {"speech": {**silent, "verify": True, "max_error": 0.1}}),
        asked(whisper, tone="calm"),
        asked(whisper, voice="female"),
    ]
    assert len({plain, *seen}) == len(seen) + 1
    assert plain == asked(whisper, {"speech": {**silent, "max_error": 0.1}}), "verify is off"


def test_inputs_follow_what_the_engine_says_of_a_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    before = speech.inputs(a_job(None))
    monkeypatch.setattr(Wordless, "weights", "2")
    assert speech.inputs(a_job(None)) != before


def test_inputs_of_a_recording_name_who_hears(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [speech.inputs(a_job(a, speech=recording)) for a in (None, Listener(), Listener(version=2))]
    monkeypatch.setattr(reading, "VERSION", 99)
    asked.append(speech.inputs(a_job(Listener(), speech=recording)))
    assert len({json.dumps(inputs) for inputs in asked}) == 4


class Damaged(Listener):
    def align(self, *_: Any) -> Aligned:
        raise wrong(Path("tiny.pt"), "is not a checkpoint")

    def transcribe(self, *_: Any) -> Transcript:
        raise wrong(Path("tiny.pt"), "is not a checkpoint")


def test_a_whisper_that_cannot_be_loaded_is_one_that_is_not_there(tmp_path: Path, recording: Path) -> None:
    """Only the loading showed it, when all was spoken: the times are estimated, and the person learns why."""
    read_out: dict[str, Any] = {"script": COUNTED, "speech": recording}
    for number, more in enumerate(({}, read_out)):
        with_it, without = (
            made(a_job(who, **more), tmp_path / f"{number}{who is None}") for who in (Damaged(), None)
        )
        assert with_it.speech.words == without.speech.words and with_it.speech.words
        (note,) = with_it.notes
        assert "estimated" in note and "tiny.pt is not a checkpoint" in note and "models pull" in note
    with pytest.raises(Unavailable, match="not a checkpoint"):
        made(a_job(Damaged(), script="", speech=recording), tmp_path / "alone")


# ---------------------------------------------------------------- recordings


def test_a_script_that_was_read_out_is_found(tmp_path: Path, whisper: Aligner, recording: Path) -> None:
    spoken = made(a_job(whisper, script=COUNTED, speech=recording), tmp_path / "s")
    assert (spoken.notes, spoken.engine, spoken.script) == ([], "recording", COUNTED)
    times = [time for word in spoken.speech.words or [] for time in (word.start_s, word.end_s)]
    assert times == pytest.approx([time for beat in BEATS for time in beat], abs=0.04)


def captioned(job: Job, folder: Path) -> list[str]:
    """The cues of its speech, which is in folder / "speech"."""
    for name in ("speech", "probe", "captions"):
        (folder / name).mkdir(exist_ok=True)
        job.artifacts[name] = folder / name
    clip_facts().save(folder / "probe")
    captions.make(job, folder / "captions", Quiet())
    report = json.loads((folder / "captions" / "captions.json").read_text("utf-8"))
    return [cue["text"].replace("\n", " ") for cue in report["cues"]]


@pytest.mark.parametrize("lost", ["Nobody said these words. Nor these.", ""])
def test_a_sentence_that_was_left_out_is_not_shown_and_takes_nobodys_time(
    tmp_path: Path, whisper: Aligner, recording: Path, lost: str
) -> None:
    script = f"{lost} {COUNTED} And this was not read to the end." if lost else COUNTED
    job = a_job(whisper, script=script, speech=recording)
    (tmp_path / "speech").mkdir()
    speech.make(job, tmp_path / "speech", Quiet())
    spoken = speech.load(tmp_path / "speech")
    words = spoken.speech.words or []
    times = [time for word in words for time in (word.start_s, word.end_s)]
    assert times == pytest.approx([time for beat in BEATS for time in beat], abs=0.04)
    assert [script[word.begin : word.end] for word in words] == ["One", "two", "three", "four"]
    note = "3 of 4 sentences were not found in the recording: subtitles leave them out"
    assert spoken.notes == ([note] if lost else [])
    assert captioned(job, tmp_path) == [COUNTED]


def test_a_sentence_that_was_not_understood_is_shown_where_somebody_speaks(
    tmp_path: Path, recording: Path
) -> None:
    class Whole(Listener):
        def align(self, wav: Any, rate: int, said: Sequence[Said], progress: Progress) -> Aligned:
            words = [
                Word(one.sentence.begin + begin, one.sentence.begin + end, one.start_s, one.end_s)
                for one in said
                for begin, end in tokens(one.sentence.text)
            ]
            return Aligned(words)

    job = a_job(Whole("Hello.", at=0.3), script="Hello. Mumbled, all of it.", speech=recording)
    spoken = made(job, tmp_path / "speech")
    assert "1 of 2 sentences" in spoken.notes[0] and "estimated" in spoken.notes[0]
    assert captioned(job, tmp_path)[-1] == "Mumbled, all of it."


def test_another_text_than_the_script_was_read(tmp_path: Path, whisper: Aligner, recording: Path) -> None:
    script = "Nothing of this. Was said here."
    spoken = made(a_job(whisper, script=script, speech=recording), tmp_path / "s")
    assert "all 2 sentences" in spoken.notes[0]
    words = spoken.speech.words or []
    assert words[0].start_s == pytest.approx(0.3, abs=0.05) and words[-1].end_s == pytest.approx(
        3.8, abs=0.05
    )


def test_a_recording_without_a_script_is_written_down_and_captioned(
    tmp_path: Path, whisper: Aligner, recording: Path
) -> None:
    job = a_job(whisper, script="", speech=recording)
    steps = Steps()
    spoken = made(job, tmp_path / "speech", steps)
    assert (spoken.script, spoken.language) == (COUNTED, "en")
    assert "what Whisper heard" in spoken.notes[0]
    assert [sentence.text for sentence in spoken.sentences] == [COUNTED]
    assert (spoken.speech.words or [])[1].start_s == pytest.approx(1.2, abs=0.05), "with the voice"
    assert steps.shares == sorted(steps.shares) and steps.shares[-1] == 1
    assert captioned(job, tmp_path) == [COUNTED]
    assert COUNTED in (tmp_path / "captions" / "captions.srt").read_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("asked", "text", "heard", "language", "sentences"),
    [
        ("auto", "你好。今天天气很好。", "zh", "zh", 2),
        ("de", "Guten Tag. Wie geht es?", "de", "de", 2),
        ("zh", "OK。好的。", "en", "zh", 2),
        ("auto", "[pause 2s] and <b>so</b> on", "en", "en", 1),  # nobody says markup, and nothing breaks
    ],
)
def test_what_is_heard_is_the_text(
    tmp_path: Path, recording: Path, asked: str, text: str, heard: str, language: str, sentences: int
) -> None:
    listener = Listener(text, heard)
    spoken = made(a_job(listener, script="", speech=recording, language=asked), tmp_path / "s")
    assert (spoken.script, spoken.language, len(spoken.sentences)) == (text, language, sentences)
    assert listener.told_language == ("" if asked == "auto" else asked)


@pytest.mark.parametrize("aligner", [None, Listener(""), Listener("… ♪")])
def test_a_recording_of_which_nothing_is_understood(
    tmp_path: Path, recording: Path, aligner: Aligner | None
) -> None:
    spoken = made(a_job(aligner, script="", speech=recording), tmp_path / "s")
    assert (spoken.script, spoken.sentences, spoken.speech.words) == ("", [], [])
    assert "no subtitles" in spoken.notes[0]


def test_cancelled_while_it_is_heard(tmp_path: Path, whisper: Aligner, recording: Path) -> None:
    def recorded(folder: str) -> Callable[[Progress], speech.Spoken]:
        return lambda steps: made(a_job(whisper, script=COUNTED, speech=recording), tmp_path / folder, steps)

    whole = Steps()
    recorded("whole")(whole)
    assert len(whole.seen) > 10 and whole.shares == sorted(whole.shares)
    for after in range(1, len(whole.seen), 4):
        with pytest.raises(Cancelled):
            recorded("cut")(Steps(cancel_after=after))
    assert not list((tmp_path / "cut").iterdir())


def test_a_loud_and_a_quiet_recording_are_heard_alike(tmp_path: Path, whisper: Aligner) -> None:
    found = []
    for gain in (1.0, 0.05):
        path = tmp_path / f"{gain}.wav"
        wavfile.write(path, RATE, (gain * bursts(*BEATS, length_s=4.0)).astype(np.float32))
        found.append(made(a_job(whisper, script=COUNTED, speech=path), tmp_path / f"s{gain}").speech.words)
    assert found[0] == found[1]
