"""Qwen3-TTS, resident: loaded and recorded once, then a script after the other, sentence by sentence.

Source: https://github.com/QwenLM/Qwen3-TTS, https://github.com/andimarafioti/faster-qwen3-tts (CUDA graphs).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.audio import silence
from models.beats import beat
from models.engine import Audio, Sentence, Speech
from models.errors import BadInput, Unavailable
from models.gpu_notes import held
from models.on_device import on_device
from models.progress import Progress, Share
from models.qwen3.casting import AUTO, Role, cast, model_language, saved_voice, spoken_voices
from models.qwen3.checkpoint import fingerprint, look
from models.qwen3.decided import Decided
from models.qwen3.model import RATE, Model
from models.qwen3.needs import FLASH, FLASH_PACKAGE, SDPA
from models.qwen3.prompt import prompt_of
from models.qwen3.stock import VoiceClonePromptItem
from models.qwen3.store import Store
from models.qwen3.takes import Direction, Line, Listen, Tally, perform
from models.qwen3.verdict import expected_s
from models.reading import read
from models.voices import Voices
from models.words import tokens

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
SDPA_HINT = 'Set speech.attention = "auto" in vigentd.toml: torch has an attention of its own'
WARM_FRAMES = 4
LONG_TEXT = "This is a sentence of the usual length, as there are many in a script. " * 4
TIMED = 4  # runs of each attention
HELPS = 0.85  # of the time that a prompt takes by torch's own attention: then another one is worth it
NOTHING_S = 0.2  # of silence for a sentence in which there is nothing to say
SMALL = 0.05  # seconds that finding a sentence in the store counts for, in the progress


class Qwen3Engine:
    """Satisfies models.engine.SpeechEngine.

    loaded_s, warmed_s: what the last load and warm-up took. fingerprint: of the weights.
    """

    name = "qwen3"
    version = 2  # raise it with every change of the sound

    def __init__(
        self,
        model: Model,
        *,
        fingerprint: str,
        voices: Voices,
        direction: Direction,
        store: Store | None = None,
        attention: str = "auto",
        decided: Path | None = None,
        loaded_s: float = 0.0,
    ) -> None:
        self.model, self.fingerprint = model, fingerprint
        self._voices, self._direction, self._store = voices, direction, store
        self._attention, self._decided = attention, Decided(decided)
        self._prompt: tuple[str, VoiceClonePromptItem | None] | None = None  # the last voice's
        self._role: Role | None = None  # who spoke last
        self.loaded_s, self.warmed_s = loaded_s, 0.0

    @classmethod
    def open(
        cls,
        *,
        folder: Path,
        model: str,
        device: str,
        precision: str,
        attention: str,
        voices: Path,
        cache: Path | None,
        cache_bytes: int,
        tries: int,
        listen: Listen | None = None,
        listener: str = "",
        max_error: float = 0.3,
        decided: Path | None = None,
    ) -> Qwen3Engine:
        """folder: of all weights; voices: of the saved ones. device: "cpu", "cuda:0".

        precision: "bf16", "fp16", "fp32", or "auto", bf16 on a GPU that can. attention: "sdpa", "flash" or
        "auto"; decided: the file in which is kept what "auto" came to here. cache: where spoken sentences are
        kept, `cache_bytes` at most. tries: seeds for a sentence.
        listen: what a sentence sounds like to somebody else, called `listener`; max_error: share of its
        characters that may differ. Raises Unavailable `weights_missing`, `weights_wrong`, `out_of_memory`.
        """
        began = time.perf_counter()
        checkpoint = look(folder, model)
        loaded = Model.load(checkpoint, device, _dtype(precision, device))
        engine = cls(
            loaded,
            fingerprint=fingerprint(folder, model),
            voices=Voices(voices),
            direction=Direction(tries, listen, listener, max_error),
            store=Store(cache, cache_bytes) if cache and cache_bytes else None,
            attention=attention,
            decided=decided,
            loaded_s=time.perf_counter() - began,
        )
        took = f"in {engine.loaded_s:.1f} s, {loaded.dtype}{held(loaded.device)}"
        _note(f"loaded Qwen3-TTS {model} on {device} {took}")
        return engine

    # ------------------------------------------------------------ what it is

    def voices(self) -> list[str]:
        return spoken_voices(self.model.checkpoint, self._voices)

    def decided_by(self, voice: str) -> dict[str, str]:
        """Raises BadInput when there is no such voice."""
        saved = saved_voice(self.model.checkpoint, self._voices, voice)
        key = saved.key if saved else ""
        return {"weights": self.fingerprint, "runs": self.model.runs, "voice": key}

    def remarks(self, sentences: Sequence[Sentence]) -> list[str]:
        """About the voice that spoke last."""
        role = self._role
        if role is None:
            return []
        if role.kind == "base" and role.saved is not None and not role.saved.text:
            return [
                f"The voice “{role.voice}” was saved without the text of its recording; with it, it would "
                "sound more alike (`vigentd voices add` with --text)"
            ]
        if role.kind == "voice_design" and len(sentences) > 1:
            return [
                "A described voice may sound a little different from sentence to sentence; a saved recording "
                'and speech.model = "1.7B-Base" keep it the same'
            ]
        return []

    # ------------------------------------------------------------ work

    def warm_up(self) -> None:
        """Records the CUDA graphs where there is a GPU, and says a word. Raises Unavailable."""
        began = time.perf_counter()
        if self.model.device.type == "cuda" and self.model.graphs is None:
            self.model.use_graphs()
        if self._attention == "flash" or (self._attention == "auto" and self._may_flash()):
            self._try_flash()
        self._try()
        self.warmed_s = time.perf_counter() - began
        _note(
            f"warm after {self.warmed_s:.1f} s, {self.model.attention} for prompts{held(self.model.device)}"
        )

    def speak(
        self,
        sentences: Sequence[Sentence],
        voice: str,
        language: str,
        seed: int,
        progress: Progress,
        tone: str = "",
    ) -> Speech:
        """See models.engine.SpeechEngine. The same arguments give the same samples.

        A step for every codec frame; a sentence that is in the store takes one. Raises BadInput as
        `casting.cast`, `voice_unreadable`; StageFailed `sentence_unspeakable`; and what `progress` raises.
        """
        began, tally = time.perf_counter(), Tally()
        role = self._role = cast(self.model.checkpoint, self._voices, voice, tone, language)
        lines = [self._line(sentence) for sentence in sentences]
        efforts = [expected_s(line.text) for line in lines]
        whole, done = sum(efforts) or 1.0, 0.0
        pieces: list[Audio] = []
        spans: list[tuple[float, float]] = []
        samples = 0
        for sentence, line, effort in zip(sentences, lines, efforts, strict=True):
            share = Share(progress, done / whole, (done + effort) / whole)
            wav = self._spoken(line, role, seed, share, tally)
            share.step(1, 1)
            done += effort
            pieces += [wav, silence(sentence.pause_s, RATE)]
            spans.append((samples / RATE, (samples + len(wav)) / RATE))
            samples += len(pieces[-2]) + len(pieces[-1])
        count = "1 sentence" if len(lines) == 1 else f"{len(lines)} sentences"
        _note(f"{count}: {tally.told(time.perf_counter() - began)}{held(self.model.device)}")
        return Speech(np.concatenate(pieces) if pieces else silence(0, RATE), RATE, None, None, spans)

    def _spoken(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Audio:
        """One sentence without its pause."""
        if not tokens(line.text):
            return silence(NOTHING_S, RATE)
        decided_by = self._decides(line, role, seed)
        kept = self._store.get(decided_by) if self._store else None
        if kept is not None:
            tally.kept += 1
            return kept
        prompt = self._prompted(role)
        wav = perform(self.model, line, role, prompt, self._direction, seed, progress, tally)
        if self._store is not None:
            self._store.put(decided_by, wav)
        return wav

    def _decides(self, line: Line, role: Role, seed: int) -> dict[str, Any]:
        return {
            "engine": [self.name, self.version, self.fingerprint, self.model.runs],
            "voice": [role.kind, role.speaker, role.instruct, role.saved.key if role.saved else ""],
            "text": [line.text, line.spoken],
            "seed": seed,
            "heard": self._direction.heard_by,
        }

    def _line(self, sentence: Sentence) -> Line:
        text = " ".join(read(sentence.text, sentence.language).text.split())
        try:
            spoken = model_language(self.model.checkpoint, sentence.language)
        except BadInput:  # the job's language is known; a word in another is read as well as it can be
            spoken = AUTO
        return Line(text, sentence.text, sentence.language, spoken)

    def _prompted(self, role: Role) -> VoiceClonePromptItem | None:
        key = role.saved.key if role.saved else ""
        if self._prompt is None or self._prompt[0] != key:
            self._prompt = key, prompt_of(self.model, role, self.fingerprint)
        return self._prompt[1]

    # ------------------------------------------------------------ warming up

    def _try(self, text: str = "Hello.", frames: int = WARM_FRAMES) -> None:
        """A word by nobody, so that the first job finds everything imported, mapped and allocated."""
        checkpoint, prompt = self.model.checkpoint, None
        if checkpoint.kind == "base":
            prompt = self.model.prompt_of(silence(1.0, RATE) + np.float32(1e-4), "")
        speaker = checkpoint.speakers[0] if checkpoint.kind == "custom_voice" else ""
        role = Role("", checkpoint.kind, AUTO, None, speaker, "")
        self.model.say(text, AUTO, role, prompt, 0, frames, lambda _: beat())

    def _may_flash(self) -> bool:
        half = self.model.dtype in (torch.bfloat16, torch.float16)
        return self.model.device.type == "cuda" and half and find_spec(FLASH_PACKAGE) is not None

    def _try_flash(self) -> None:
        """A package that was built for another torch is found, and does not work: torch's own does then.

        Whichever it is decides the samples of a seed, and noise must not choose: so it is not taken for a
        little, and measured only once on a machine.
        """
        try:
            self.model.attend(FLASH)
            self._try()
        except Unavailable:  # the GPU's memory is too small; that is not the package's fault
            raise
        except Exception as error:
            self.model.attend(SDPA)
            why = f"{FLASH_PACKAGE} does not work here: {type(error).__name__}: {error}"
            if self._attention == "flash":
                raise Unavailable(why, code="attention_unusable", hint=SDPA_HINT) from error
            _note(why)
            return
        if self._attention == "flash":
            return
        here = self._here()
        decided = self._decided.get(here)
        if decided is None:
            decided = self._quicker()
            self._decided.put(here, decided)
        self.model.attend(decided)

    def _here(self) -> str:
        """Whatever decides which attention is the quicker one."""
        gpu, package = torch.cuda.get_device_name(self.model.device), version(FLASH_PACKAGE)
        built = f"{gpu}, torch {torch.__version__}, {FLASH_PACKAGE} {package}"
        return f"{built}, {self.model.checkpoint.name}, {self.model.dtype}"

    def _quicker(self) -> str:
        self.model.attend(FLASH)
        flash_s = self._prompted_s()
        self.model.attend(SDPA)
        sdpa_s = self._prompted_s()
        _note(f"a prompt takes {1000 * sdpa_s:.1f} ms by {SDPA}, {1000 * flash_s:.1f} ms by {FLASH}")
        return FLASH if flash_s < HELPS * sdpa_s else SDPA

    def _prompted_s(self) -> float:
        """What a sentence takes whose end is reached at once; the quickest of several."""
        took = []
        for _ in range(1 + TIMED):  # the first allocates
            torch.cuda.synchronize(self.model.device)
            began = time.perf_counter()
            self._try(LONG_TEXT, 2)
            torch.cuda.synchronize(self.model.device)
            took.append(time.perf_counter() - began)
        return min(took)


def _dtype(precision: str, device: str) -> torch.dtype:
    """fp16 is only for those who ask for it: the talker's numbers can be too large for it."""
    if precision != "auto":
        return PRECISIONS[precision]
    if device == "cpu":
        return torch.float32
    with on_device(torch.device(device)):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float32


def _note(what: str) -> None:
    """Into the log of a host; in the foreground nobody asked."""
    logging.getLogger("vigentd.qwen3").info(what)
