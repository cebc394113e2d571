"""`vigentd bench speech`: how fast Qwen3-TTS speaks, through CUDA graphs and plainly, and what it holds.

One model is loaded, as its host would, and asked twice for the same length of sound; then once more without
its graphs. It is kept from ending early, in the same way on both paths: at the talker's head.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.benches.processes import rss
from daemon.config import Config
from models.engine import Sentence
from models.memory import give_back, share_one_heap
from models.progress import Quiet

if TYPE_CHECKING:
    from models.qwen3.casting import Role
    from models.qwen3.engine import Qwen3Engine
    from models.qwen3.model import Model
    from models.qwen3.stock import VoiceClonePromptItem

TEXT = "Good morning, and welcome. Today we look at how fast a machine can speak, and what it needs for that."
SEED = 1247
WARM_FRAMES = 8


def measure(config: Config, *, random_weights: bool, seconds: float, device: str | None) -> dict[str, Any]:
    """JSON values. seconds: of sound, each time. device: None: `speech.device`.

    random_weights: of full size (1.7B), whatever `speech.model` says. graphs, plain: codec frames made,
    seconds, frames_per_s, sound_per_s (seconds of sound in a second); graphs is None where there is no GPU,
    and so is ratio, of their frames_per_s. requests: what the first one and the next one waited for, each
    with load_s and warm_s. gpu_bytes: the most that was reserved.
    Raises what loading raises.
    """
    share_one_heap()  # as a host does
    device = device or config.speech.devices[0]
    with tempfile.TemporaryDirectory(prefix="vigentd-bench-") as name:
        weights, which = config.weights, str(config.speech.model)
        if random_weights:
            weights, which = Path(name) / "weights", which.replace("0.6B", "1.7B")
            _lay(weights, which, device)
        bench = _Bench(config, weights, which, device, Path(name) / "voices")
        requests = [bench.request(seconds), bench.request(seconds)]
        engine, model = bench.engine, bench.engine.model
        spoken, graphs = requests[-1], model.graphs is not None
        if graphs:
            model.leave_graphs()
            bench.say(WARM_FRAMES)
        plain = bench.spoken(seconds) if graphs else spoken
        give_back()
        return {
            "device": _device_name(device),
            "model": which,
            "random_weights": random_weights,
            "precision": str(model.dtype).removeprefix("torch."),
            "attention": model.attention,
            "load_s": engine.loaded_s,
            "warm_s": engine.warmed_s,
            "graphs": _pace(spoken) if graphs else None,
            "plain": _pace(plain),
            "ratio": spoken["frames_per_s"] / plain["frames_per_s"] if graphs else None,
            "requests": [{name: request[name] for name in _WAITED_FOR} for request in requests],
            "gpu_bytes": _gpu_bytes(),
            "rss_bytes": rss(os.getpid()),
        }


_WAITED_FOR = ("load_s", "warm_s", "speak_s", "sound_s")
_PACE = ("frames", "speak_s", "frames_per_s", "sound_per_s")


def show(result: dict[str, Any]) -> None:
    """For a person."""
    from rich.table import Table

    from daemon.commands.terminal import console

    screen = console()
    weights = "random weights" if result["random_weights"] else "weights"
    screen.print(f"Qwen3-TTS {result['model']} ({weights}) on {result['device']}, {result['precision']}")
    table = Table(box=None, pad_edge=False)
    for heading in ("request", "load", "warm-up", "speaking", "sound"):
        table.add_column(heading, justify="left" if heading == "request" else "right")
    for which, request in zip(("first", "next"), result["requests"], strict=True):
        table.add_row(which, *(f"{request[name]:.1f} s" for name in _WAITED_FOR))
    screen.print(table)
    for name, what in (("graphs", "CUDA graphs"), ("plain", "plain")):
        if pace := result[name]:
            speed = f"{pace['frames_per_s']:.1f} codec frames a second"
            screen.print(f"{what}: {speed}, {pace['sound_per_s']:.2f} s of sound a second")
    if result["ratio"] is not None:
        screen.print(f"With graphs {result['ratio']:.1f} times as fast")
    gpu = f"{result['gpu_bytes'] / 1e9:.2f} GB of the GPU, " if result["gpu_bytes"] else ""
    screen.print(f"Memory: {gpu}{result['rss_bytes'] / 1e9:.2f} GB of RAM")


# ---------------------------------------------------------------- speaking


class _Bench:
    """Holds the engine from the first request on, as a host does."""

    def __init__(self, config: Config, weights: Path, which: str, device: str, voices: Path) -> None:
        self._config, self._weights, self._which = config, weights, which
        self._device, self._voices = device, voices
        self._engine: Qwen3Engine | None = None
        self._who: tuple[Role, VoiceClonePromptItem | None] | None = None

    @property
    def engine(self) -> Qwen3Engine:
        assert self._engine is not None, "it is loaded by the first request"
        return self._engine

    def request(self, seconds: float) -> dict[str, float]:
        began = time.perf_counter()
        if fresh := self._engine is None:
            self._engine = self._loaded()
        load_s = time.perf_counter() - began
        if fresh:
            self.engine.warm_up()
        warm_s = time.perf_counter() - began - load_s
        return {"load_s": load_s if fresh else 0.0, "warm_s": warm_s if fresh else 0.0} | self.spoken(seconds)

    def spoken(self, seconds: float) -> dict[str, float]:
        """So much sound, however long the sentence is."""
        from models.qwen3.model import FRAMES_PER_S

        self.who()  # the voice's prompt is made once
        began = time.perf_counter()
        frames = self.say(math.ceil(seconds * FRAMES_PER_S))
        took = time.perf_counter() - began
        sound = frames / FRAMES_PER_S
        return {
            "frames": frames,
            "speak_s": took,
            "sound_s": sound,
            "frames_per_s": frames / took,
            "sound_per_s": sound / took,
        }

    def say(self, frames: int) -> int:
        """About so many; how many they were."""
        role, prompt = self.who()
        with _endless(self.engine.model):
            take = self.engine.model.say(TEXT, role.language, role, prompt, SEED, frames, lambda _: None)
        return take.frames

    def who(self) -> tuple[Role, VoiceClonePromptItem | None]:
        """A voice of the kind that the checkpoint speaks with; a recording is of the draft voice."""
        from models.qwen3.casting import cast
        from models.qwen3.prompt import prompt_of
        from models.voices import Voices

        if self._who is None:
            model, voices = self.engine.model, Voices(self._voices)
            if model.checkpoint.kind == "base":
                _record(voices)
            role = cast(model.checkpoint, voices, "default", "", "en")
            self._who = role, prompt_of(model, role, self.engine.fingerprint)
        return self._who

    def _loaded(self) -> Qwen3Engine:
        from models.qwen3.engine import Qwen3Engine

        speech = self._config.speech
        return Qwen3Engine.open(
            folder=self._weights,
            model=self._which,
            device=self._device,
            precision=speech.precision,
            attention=speech.attention,
            voices=self._voices,
            cache=None,
            cache_bytes=0,
            tries=1,
        )


@contextmanager
def _endless(model: Model) -> Iterator[None]:
    """Meanwhile the model never ends a sentence by itself; random weights do so at any moment."""

    def without_end(_module: object, _given: object, logits: Any) -> Any:
        logits = logits.clone()
        logits[..., model.end_token] = -math.inf
        return logits

    hook = model.head.register_forward_hook(without_end)
    try:
        yield
    finally:
        hook.remove()


def _record(voices: Any) -> None:
    from models.espeak import EspeakEngine

    said = EspeakEngine().speak([Sentence(TEXT, 0, "en", 0.0)], "default", "en", 0, Quiet())
    voices.save_recording("bench", said.wav, said.rate, text=TEXT, language="en")


def _lay(weights: Path, model: str, device: str) -> None:
    import torch

    from models.qwen3.random_weights import lay

    weights.mkdir()
    lay(weights, model, device=device, dtype=torch.bfloat16)
    give_back()


def _pace(spoken: dict[str, float]) -> dict[str, float]:
    return {name: spoken[name] for name in _PACE}


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device != "cpu" else "CPU"


def _gpu_bytes() -> int:
    import torch

    return int(torch.cuda.max_memory_reserved()) if torch.cuda.is_available() else 0
