"""Checkpoints of all three kinds, so small that they speak on a CPU: noise, of a second or more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from models.qwen3.random_weights import Sizes, lay

BASE, CUSTOM, DESIGN = "1.7B-Base", "1.7B-CustomVoice", "1.7B-VoiceDesign"

_ATTENTION = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
TINY = Sizes(
    codebook=16,
    groups=4,
    text=280,
    talker=_ATTENTION
    | {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "text_hidden_size": 32,
        "rope_scaling": {"interleaved": True, "mrope_section": [4, 2, 2], "rope_type": "default"},
    },
    predictor=_ATTENTION | {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1},
    speaker={
        "enc_dim": 32,
        "enc_channels": [16, 16, 16, 16, 48],
        "enc_attention_channels": 8,
        "enc_res2net_scale": 4,
        "enc_se_channels": 8,
    },
    encoder={
        "num_filters": 4,
        "hidden_size": 32,
        "codebook_dim": 16,
        "vector_quantization_hidden_dimension": 16,
        "num_quantizers": 4,
        "num_semantic_quantizers": 1,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "intermediate_size": 64,
        "upsample_groups": 32,
        "_frame_rate": 12.5,
        "use_cache": False,
        "sliding_window": 250,
    },
    decoder={
        "codebook_dim": 32,
        "hidden_size": 32,
        "latent_dim": 32,
        "head_dim": 16,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "decoder_dim": 32,
    },
)


def lay_all(folder: Path) -> Path:
    """folder: then of all weights."""
    for seed, model in enumerate((BASE, CUSTOM, DESIGN)):
        lay(folder, model, TINY, seed=seed, touch=audible)
    return folder


def audible(model: Any, codec: Any) -> None:
    """What is drawn follows from all that went before, as in a trained one, and about one frame in 27 is the
    last; and the codec's layers keep the level, where it would fade away."""
    for layer in model.talker.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.normal_(std=layer.in_features**-0.5)
        if isinstance(layer, nn.Embedding):
            layer.weight.normal_()
    model.talker.codec_head.weight[model.config.talker_config.codec_eos_token_id] = 0
    for layer in codec.decoder.modules():
        if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
            layer.weight.normal_(std=0.7 / _fan_in(layer) ** 0.5)
            last = layer
    last.weight.mul_(0.3)  # or it clips


def _fan_in(layer: nn.Conv1d | nn.ConvTranspose1d | nn.Linear) -> float:
    if isinstance(layer, nn.Linear):
        return layer.in_features
    size = layer.kernel_size[0]
    if isinstance(layer, nn.ConvTranspose1d):
        return layer.in_channels * size / layer.stride[0]
    return size if layer.groups > 1 else layer.in_channels * size
