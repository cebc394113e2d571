"""Checkpoints that mean nothing: of the size that they are to stand for, and the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import torch

from models.qwen3.checkpoint import CODEC, WEIGHTS, fingerprint, folder_of
from models.qwen3.random_weights import FULL, configuration, lay
from models.qwen3.stock import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration, quietly
from models.weight_files import header
from tests.models.qwen3.tiny import CUSTOM, TINY


def test_the_full_size_is_that_of_the_published_one(tmp_path: Path) -> None:
    config = configuration(FULL, "1.7B-Base", tmp_path)
    with quietly(), torch.device("meta"):
        network = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**config))
    assert sum(weight.numel() for weight in network.parameters()) == 1_928_677_440
    assert config["tokenizer_type"] == CODEC


def test_a_seed_gives_the_same_weights_and_touches_no_randomness_outside(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        lay(tmp_path / name, CUSTOM, TINY, seed=seed, dtype=torch.bfloat16)
    a, b, c = (fingerprint(tmp_path / name, CUSTOM) for name in "abc")
    assert a == b != c
    assert torch.equal(torch.get_rng_state(), before)
    dtypes = {entry["dtype"] for entry in header(folder_of(tmp_path / "a", CUSTOM) / WEIGHTS).values()}
    assert dtypes == {"BF16"}
