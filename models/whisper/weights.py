"""A Whisper with its weights, from either layout of its files; nothing is ever downloaded.

openai-whisper's own `load_model` is not used: given a name it downloads, and given a path it does not know
which of the attention heads follow the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import whisper
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from whisper.model import LayerNorm, ModelDimensions, Whisper

from models.checkpoint_file import describing, fill, read_safetensors, read_torch, tensors_of
from models.errors import Unavailable
from models.weight_files import read_json, wrong
from models.whisper import CONFIG, DECODERS, WEIGHTS, find

_MULTILINGUAL = 51_865  # tokens, or more; those that know English alone have fewer
_WINDOW = 1_500  # what the encoder makes of 30 s of sound
_MELS = (80, 128)

# As transformers calls these parts → as openai-whisper does.
_HUB_NAMES = (
    ("encoder.embed_positions.weight", "encoder.positional_embedding"),
    ("decoder.embed_positions.weight", "decoder.positional_embedding"),
    ("decoder.embed_tokens.", "decoder.token_embedding."),
    ("encoder.layer_norm.", "encoder.ln_post."),
    ("decoder.layer_norm.", "decoder.ln."),
    (".layers.", ".blocks."),
    (".self_attn_layer_norm.", ".attn_ln."),
    (".encoder_attn_layer_norm.", ".cross_attn_ln."),
    (".final_layer_norm.", ".mlp_ln."),
    (".self_attn.", ".attn."),
    (".encoder_attn.", ".cross_attn."),
    (".q_proj.", ".query."),
    (".k_proj.", ".key."),
    (".v_proj.", ".value."),
    (".out_proj.", ".out."),
    (".fc1.", ".mlp.0."),
    (".fc2.", ".mlp.2."),
)
_HUB_TIED = "proj_out.weight"  # the token embedding once more
_HUB_CONFIG = {
    "n_mels": "num_mel_bins",
    "n_audio_ctx": "max_source_positions",
    "n_audio_state": "d_model",
    "n_audio_head": "encoder_attention_heads",
    "n_audio_layer": "encoder_layers",
    "n_vocab": "vocab_size",
    "n_text_ctx": "max_target_positions",
    "n_text_state": "d_model",
    "n_text_head": "decoder_attention_heads",
    "n_text_layer": "decoder_layers",
}


def load(folder: Path, model: str, device: str, dtype: torch.dtype | None = None) -> Whisper:
    """Ready to hear, with the attention heads set that follow the sound.

    folder: where the weights of all models lie. dtype: None: fp16 on a GPU, fp32 on a CPU.
    Raises Unavailable weights_missing, weights_wrong.
    """
    path = find(folder, model)
    if path is None:
        raise Unavailable(
            f"Whisper's weights are not in {folder}: neither whisper/{model}.pt nor whisper-{model} is there",
            code="weights_missing",
            hint=f"Get them with `vigentd models pull whisper-{model}`",
        )
    dims, file, tensors = _openai(path) if path.suffix == ".pt" else _hub(path)
    _check(file, dims, model)
    with describing(file, "a Whisper"), _NoInit():
        network = Whisper(dims)  # not on meta: it has tables that are not in the file
    fill(network, tensors, file, device, dtype or (torch.float32 if device == "cpu" else torch.float16))
    for module in network.modules():
        if isinstance(module, LayerNorm):
            module.float()  # it brings what it is given to fp32 first
    network.set_alignment_heads(whisper._ALIGNMENT_HEADS[model])
    return network.to(device).eval().requires_grad_(False)


def hub_key(name: str) -> str | None:
    """openai-whisper's name for a tensor of transformers' layout; None for one that it does not keep."""
    name = name.removeprefix("model.")
    if name == _HUB_TIED:
        return None
    for theirs, ours in _HUB_NAMES:
        name = name.replace(theirs, ours)
    return name


def _openai(path: Path) -> tuple[ModelDimensions, Path, dict[str, Tensor]]:
    found = read_torch(path)
    if not isinstance(found, Mapping) or not {"dims", "model_state_dict"} <= set(found):
        raise wrong(path, "is not openai-whisper's: expected dims and model_state_dict in it")
    return _dimensions(path, found["dims"]), path, tensors_of(path, found["model_state_dict"])


def _hub(home: Path) -> tuple[ModelDimensions, Path, dict[str, Tensor]]:
    config = read_json(home / CONFIG)
    dims = _dimensions(home / CONFIG, {ours: config.get(theirs) for ours, theirs in _HUB_CONFIG.items()})
    named = ((hub_key(name), tensor) for name, tensor in read_safetensors(home / WEIGHTS).items())
    return dims, home / WEIGHTS, {name: tensor for name, tensor in named if name is not None}


def _dimensions(path: Path, sizes: Any) -> ModelDimensions:
    with describing(path, "a Whisper"):
        dims = ModelDimensions(**sizes)
    odd = [name for name, size in vars(dims).items() if type(size) is not int or size <= 0]
    if odd:
        theirs = _HUB_CONFIG[odd[0]] if path.name == CONFIG else odd[0]
        raise wrong(path, f"does not describe a Whisper: it does not say its {theirs} in numbers")
    return dims


def _check(path: Path, dims: ModelDimensions, model: str) -> None:
    """That it is a Whisper of this size, one that knows all languages."""
    if dims.n_vocab < _MULTILINGUAL:
        raise wrong(
            path,
            f"knows English only: expected at least {_MULTILINGUAL} tokens, found {dims.n_vocab}",
            f"Take {model}, not {model}.en.",
        )
    expected, found = DECODERS[model], (dims.n_text_layer, dims.n_text_head)
    if found != expected:
        raise wrong(
            path,
            f"is another Whisper than {model}: expected {expected[0]} layers of {expected[1]} heads, "
            f"found {found[0]} of {found[1]}",
            f"Take the file of {model}, or set whisper.model to what it is.",
        )
    if dims.n_audio_ctx != _WINDOW or dims.n_mels not in _MELS:
        raise wrong(
            path,
            f"hears in another way than Whisper does: expected windows of {_WINDOW} and {_MELS[0]} or "
            f"{_MELS[1]} bands, found {dims.n_audio_ctx} and {dims.n_mels}",
        )


class _NoInit(TorchFunctionMode):
    """New weights are left as they are: the file's take their place, and a large Whisper's random ones would
    take half a minute and all of their memory."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__module__", "") == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))
