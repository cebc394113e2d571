"""The talker's CUDA graph in several sizes.

Attention reads the whole of a graph's buffer, whatever of it is in use. So a short text is said through a
short buffer, and a long one through a long one: which, is decided when its prompt is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from models.beats import beat
from models.qwen3.stock import TalkerGraph


class SizedTalker:
    """In the place of one TalkerGraph, of whose length is its longest.

    frames: of the text that is to be said, at most; to be set before it is.
    """

    def __init__(self, graphs: Sequence[TalkerGraph]) -> None:
        self.graphs = sorted(graphs, key=lambda graph: graph.max_seq_len)
        self.max_seq_len: int = self.graphs[-1].max_seq_len
        self.frames = self.max_seq_len
        self._chosen = self.graphs[-1]

    def capture(self, prefill_len: int, num_warmup: int) -> None:
        for graph in self.graphs:
            graph.capture(prefill_len=min(prefill_len, graph.max_seq_len - 2), num_warmup=num_warmup)
            beat()

    def prefill_kv(self, past: Any) -> int:
        """past: keys and values of the prompt. Its length."""
        needed = past.get_seq_length() + self.frames + 1  # the last place of a buffer is never used
        self._chosen = next((g for g in self.graphs if g.max_seq_len >= needed), self.graphs[-1])
        return int(self._chosen.prefill_kv(past))

    def set_generation_state(self, mask: torch.Tensor, rope_deltas: torch.Tensor | None) -> None:
        self._chosen.set_generation_state(mask, rope_deltas)

    def run(self, embeds: torch.Tensor, position: int) -> torch.Tensor:
        hidden: torch.Tensor = self._chosen.run(embeds, position=position)
        return hidden
