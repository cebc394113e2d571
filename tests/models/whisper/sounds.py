"""Sounds in which somebody would speak at known times."""

from __future__ import annotations

import numpy as np

from models.engine import Audio

RATE = 24_000


def bursts(*seconds: tuple[float, float], length_s: float, rate: int = RATE) -> Audio:
    """A tone at these times, over a little noise."""
    t = np.arange(int(length_s * rate)) / rate
    voice = np.zeros_like(t)
    for start, end in seconds:
        voice[(t >= start) & (t < end)] = 0.3
    noise = np.random.default_rng(1).normal(0, 1e-4, len(t))
    sound: Audio = (voice * np.sin(2 * np.pi * 200 * t) + noise).astype(np.float32)
    return sound
