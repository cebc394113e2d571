"""A voice to clone, and what keeps a tiny model from ending a sentence when it likes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from models.engine import Audio
from models.qwen3.model import Model
from models.voices import SavedVoice, Voices

RATE = 24_000
ANNA = "Hello there, this is Anna."
SEED = 50  # with which a tiny model soon comes to an end, so that tests are quick


def humming(seconds: float = 1.5, pitch: float = 220.0) -> Audio:
    times = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * pitch * times) * (1 + np.sin(9 * times)) / 2, np.float32)


def save_anna(voices: Voices, text: str = ANNA) -> SavedVoice:
    return voices.save_recording("Anna", humming(), RATE, text=text, language="en")


@contextmanager
def endless(model: Model, takes: int = 10**9) -> Iterator[list[int]]:
    """Of what is said meanwhile, the first so many takes do not come to an end by themselves.

    Gives the lengths of the prompts, one of each take.
    """
    begun: list[int] = []

    def without_end(_: Any, given: tuple[torch.Tensor], logits: torch.Tensor) -> torch.Tensor:
        hidden = given[0]
        if hidden.dim() == 3 and hidden.shape[1] > 1:  # one frame is (1, 1, width), or (1, width)
            begun.append(hidden.shape[1])
        if len(begun) > takes:
            return logits
        logits = logits.clone()
        logits[..., model.end_token] = -torch.inf
        return logits

    hook = model.head.register_forward_hook(without_end)
    try:
        yield begun
    finally:
        hook.remove()
