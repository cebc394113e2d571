"""CUDA graphs without CUDA: what would be recorded is run step by step. All else is the real code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models.qwen3.model import Model
from models.qwen3.stock import PredictorGraph, TalkerGraph


class EagerPredictor(PredictorGraph):  # type: ignore[misc]
    def capture(self, num_warmup: int = 3) -> None:
        _record(self, self._full_loop)


class EagerTalker(TalkerGraph):  # type: ignore[misc]
    def capture(self, prefill_len: int = 100, num_warmup: int = 3) -> None:
        self.capture_attention = self.model.config._attn_implementation
        _record(self, self._decode_step)


def _record(graph: Any, step: Callable[[], object]) -> None:
    graph._init_cache_layers()
    graph._build_attention_masks()
    graph.graph, graph.captured = SimpleNamespace(replay=step), True


def use_graphs(model: Model, patch: pytest.MonkeyPatch, sequences: Sequence[int] = (64, 512)) -> None:
    patch.setattr(torch.cuda, "current_device", lambda: 0)
    patch.setattr(torch.cuda, "synchronize", lambda *_: None)
    model.use_graphs(EagerPredictor, EagerTalker, sequences)
