"""What the tests let a host do: load tiny engines of all three kinds, and speak with them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from models.engine import Sentence
from models.progress import Progress
from models.qwen3.engine import Qwen3Engine
from tests.models.qwen3.tiny import BASE, CUSTOM, DESIGN
from tests.models.qwen3.voices_kit import SEED, endless


class Engines(dict[str, Qwen3Engine]):
    name, version = "qwen3", 1


def load(weights: str, voices: str) -> Engines:
    torch.set_num_threads(1)
    return Engines(
        {
            kind: Qwen3Engine.open(
                folder=Path(weights),
                model=kind,
                device="cpu",
                precision="auto",
                attention="auto",
                voices=Path(voices),
                cache=None,
                cache_bytes=0,
                tries=4,
            )
            for kind in (BASE, CUSTOM, DESIGN)
        }
    )


def speak(engines: Engines, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: model, text, language; perhaps voice, tone, and endless: so many takes do not end."""
    engine, language = engines[asked["model"]], asked["language"]
    sentences = [Sentence(asked["text"], 0, language, 0.2)]
    voice, tone = asked.get("voice", "default"), asked.get("tone", "")
    with endless(engine.model, asked.get("endless", 0)) as takes:
        speech = engine.speak(sentences, voice, language, SEED, progress, tone)
    return {
        "seconds": speech.duration_s,
        "digest": hashlib.sha256(speech.wav.tobytes()).hexdigest(),
        "takes": len(takes),
        "remarks": engine.remarks(sentences),
    }
