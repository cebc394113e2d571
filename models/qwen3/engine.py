"""Qwen3-TTS, resident: loaded and recorded once, then a script after the other, sentence by sentence.

Source: https://github.com/QwenLM/Qwen3-TTS, https://github.com/andimarafioti/faster-qwen3-tts (CUDA graphs).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from models.audio import silence
from models.beats import beat
from models.engine import Audio
from models.errors import Unavailable
from models.gpu_notes import held
from models.on_device import on_device
from models.progress import Progress
from models.qwen3.casting import AUTO, Role
from models.qwen3.checkpoint import fingerprint, look
from models.qwen3.decided import Decided
from models.qwen3.model import RATE, Model
from models.qwen3.needs import FLASH, FLASH_PACKAGE, SDPA
from models.qwen3.prompt import prompt_of
from models.qwen3.reciting import Finish, Reciting, note
from models.qwen3.stock import VoiceClonePromptItem
from models.qwen3.store import Store
from models.qwen3.takes import Direction, Line, Listen, Tally, perform
from models.voices import Voices

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
SDPA_HINT = 'Set speech.attention = "auto" in vigentd.toml: torch has an attention of its own'
WARM_FRAMES = 4
LONG_TEXT = "This is a sentence of the usual length, as there are many in a script. " * 4
TIMED = 4  # runs of each attention
HELPS = 0.85  # of the time that a prompt takes by torch's own attention: then another one is worth it
PROMPTS = 4  # of so many voices; jobs of several people may take turns


class Qwen3Engine(Reciting):
    """loaded_s, warmed_s: what the last load and warm-up took."""

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
        super().__init__(model.checkpoint, fingerprint, voices, direction.heard_by, store)
        self.model, self._direction = model, direction
        self._attention, self._decided = attention, Decided(decided)
        self._prompts: OrderedDict[str, VoiceClonePromptItem | None] = OrderedDict()  # of the last voices
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
        note(f"loaded Qwen3-TTS {model} on {device} {took}")
        return engine

    @property
    def runs(self) -> str:
        return self.model.runs

    def warm_up(self) -> None:
        """Records the CUDA graphs where there is a GPU, and says a word. Raises Unavailable."""
        began = time.perf_counter()
        if self.model.device.type == "cuda" and self.model.graphs is None:
            self.model.use_graphs()
        if self._attention == "flash" or (self._attention == "auto" and self._may_flash()):
            self._try_flash()
        self._try()
        self.warmed_s = time.perf_counter() - began
        note(f"warm after {self.warmed_s:.1f} s, {self.model.attention} for prompts{held(self.model.device)}")

    def begin(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Finish:
        return partial(self.perform, line, role, seed, progress, tally)

    def perform(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Audio:
        """One sentence, as `takes.perform`. Raises BadInput `voice_unreadable`, too."""
        return perform(self.model, line, role, self._prompted(role), self._direction, seed, progress, tally)

    def told(self) -> str:
        return held(self.model.device)

    def _prompted(self, role: Role) -> VoiceClonePromptItem | None:
        key = role.saved.key if role.saved else ""
        if key not in self._prompts:
            self._prompts[key] = prompt_of(self.model, role, self.fingerprint)
            if len(self._prompts) > PROMPTS:
                self._prompts.popitem(last=False)
        return self._prompts[key]

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
            note(why)
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
        note(f"a prompt takes {1000 * sdpa_s:.1f} ms by {SDPA}, {1000 * flash_s:.1f} ms by {FLASH}")
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
