"""Checkpoints with weights that mean nothing, in the layout of the published ones: for benches and tests.

The tokenizer knows every byte and no words, whatever the size of its vocabulary. The dimensions are those of
public ports of Qwen3-TTS 1.7B; the number of parameters, 1.93e9 with the speaker's encoder, is theirs, too.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from models.qwen3.casting import LANGUAGES, SPEAKERS
from models.qwen3.checkpoint import CODEC, KINDS, SPEECH_TOKENIZER, WEIGHTS, folder_of
from models.qwen3.stock import (
    Qwen3TTSConfig,
    Qwen3TTSForConditionalGeneration,
    Qwen3TTSTokenizerV2Config,
    Qwen3TTSTokenizerV2Model,
    quietly,
)

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>")
ONE_TOKEN = ("assistant", "user")  # the model's template counts tokens
SILENCED = 1024  # at the end of the codec's vocabulary: no sounds, and never drawn, but for the end
DIALECTS = {"eric": "sichuan_dialect", "dylan": "beijing_dialect"}


@dataclass(frozen=True)
class Sizes:
    """Keyword arguments of the configurations. codebook: sounds of a codec; groups: codecs of a frame.

    text: size of the text's vocabulary, at least 270.
    """

    codebook: int
    groups: int
    text: int
    talker: Mapping[str, Any]
    predictor: Mapping[str, Any]
    speaker: Mapping[str, Any]
    encoder: Mapping[str, Any] = field(default_factory=dict)
    decoder: Mapping[str, Any] = field(default_factory=dict)


_ATTENTION = {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128}
FULL = Sizes(  # 1.7B
    codebook=2048,
    groups=16,
    text=151_936,
    talker=_ATTENTION
    | {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "text_hidden_size": 2048,
        "rope_scaling": {"interleaved": True, "mrope_section": [24, 20, 20], "rope_type": "default"},
    },
    predictor=_ATTENTION | {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 5},
    speaker={"enc_dim": 2048, "enc_channels": [512, 512, 512, 512, 1536]},
    encoder={"num_quantizers": 32, "_frame_rate": 12.5, "use_cache": False, "sliding_window": 250},
    decoder={
        "codebook_dim": 512,
        "hidden_size": 512,
        "intermediate_size": 1024,
        "head_dim": 64,
        "num_semantic_quantizers": 1,
        "latent_dim": 1024,
    },
)

Touch = Callable[[Any, Any], None]


def lay(
    folder: Path,
    model: str,
    sizes: Sizes = FULL,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    touch: Touch = lambda _model, _codec: None,
) -> None:
    """Writes a checkpoint. folder: of all weights; model: as in `speech.model`. device: where it is made.

    touch: may change the weights of the model and of its codec before they are written.
    """
    own = folder_of(folder, model)
    (own / SPEECH_TOKENIZER).mkdir(parents=True)
    config = configuration(sizes, model, own)
    gpus = [torch.device(device)] if device != "cpu" else []
    with quietly(), torch.random.fork_rng(gpus, device_type="cuda"), torch.device(device):
        torch.manual_seed(seed)
        # Their constructors write into what they are given.
        made = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**copy.deepcopy(config))).to(dtype)
        codec_config = _codec_config(sizes)
        codec = Qwen3TTSTokenizerV2Model(Qwen3TTSTokenizerV2Config(**copy.deepcopy(codec_config))).to(dtype)
        with torch.no_grad():
            _fill_codebooks(codec)
            touch(made, codec)
    _save(made, config, own)
    _save(codec, codec_config, own / SPEECH_TOKENIZER)
    _json(own / "generation_config.json", _GENERATION)
    _json(own / SPEECH_TOKENIZER / "preprocessor_config.json", _LISTENING)


_GENERATION = {
    "do_sample": True,
    "repetition_penalty": 1.05,
    "temperature": 0.9,
    "top_p": 1.0,
    "top_k": 50,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 8192,
}
_LISTENING = {
    "chunk_length_s": None,
    "feature_extractor_type": "EncodecFeatureExtractor",
    "feature_size": 1,
    "overlap": None,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 24000,
}


def configuration(sizes: Sizes, model: str, folder: Path) -> dict[str, Any]:
    """Keyword arguments of Qwen3TTSConfig, for the tokenizer that is written into the folder."""
    kind, text = KINDS[model.partition("-")[2]], _tokenizer(folder)
    first, speakers = sizes.codebook, SPEAKERS if kind == "custom_voice" else {}
    languages = [*LANGUAGES.values(), *DIALECTS.values()]
    talker = {
        "vocab_size": sizes.codebook + SILENCED,
        "num_code_groups": sizes.groups,
        "text_vocab_size": sizes.text,
        "max_position_embeddings": 32768,
        "rope_theta": 1_000_000,
        "codec_language_id": {name: first + 2 + i for i, name in enumerate(languages)},
        "codec_pad_id": first + 100,
        "codec_bos_id": first + 101,
        "codec_eos_token_id": first + 102,
        "codec_think_id": first + 106,
        "codec_nothink_id": first + 107,
        "codec_think_bos_id": first + 108,
        "codec_think_eos_id": first + 109,
        "spk_id": {name: first + 200 + i for i, name in enumerate(speakers)},
        "spk_is_dialect": {name: DIALECTS.get(name, False) for name in speakers},
        "code_predictor_config": {
            "vocab_size": sizes.codebook,
            "num_code_groups": sizes.groups,
            "max_position_embeddings": 65536,
            "rope_theta": 1_000_000,
            **sizes.predictor,
        },
        **sizes.talker,
    }
    return {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "tokenizer_type": CODEC,
        "tts_model_size": "0b6" if model.startswith("0.6B") else "1b7",
        "tts_model_type": kind,
        "im_start_token_id": text["<|im_start|>"],
        "im_end_token_id": text["<|im_end|>"],
        "tts_pad_token_id": text["<tts_pad>"],
        "tts_bos_token_id": text["<tts_text_bos>"],
        "tts_eos_token_id": text["<tts_text_eod>"],
        "speaker_encoder_config": {**sizes.speaker, "sample_rate": 24000} if kind == "base" else {},
        "talker_config": talker,
    }


def _codec_config(sizes: Sizes) -> dict[str, Any]:
    return {
        "architectures": ["Qwen3TTSTokenizerV2Model"],
        "model_type": CODEC,
        "encoder_valid_num_quantizers": sizes.groups,
        "encoder_config": {"codebook_size": sizes.codebook, **sizes.encoder},
        "decoder_config": {
            "codebook_size": sizes.codebook,
            "num_quantizers": sizes.groups,
            **sizes.decoder,
        },
    }


def _fill_codebooks(codec: nn.Module) -> None:
    """They start at zero, and would have nothing to say."""
    for name, tensor in (*codec.named_parameters(), *codec.named_buffers()):
        if name.endswith(("embedding_sum", "embed_sum")):
            tensor.normal_()


def _tokenizer(out: Path) -> dict[str, int]:
    """A token for every byte, and the merges that make the template's words. Returns the special ones."""
    vocabulary = {c: i for i, c in enumerate(_letters_of_bytes())}
    merges: list[str] = []
    for word in ONE_TOKEN:
        for i in range(1, len(word)):
            if f"{word[:i]} {word[i]}" not in merges:
                merges.append(f"{word[:i]} {word[i]}")
            vocabulary.setdefault(word[: i + 1], len(vocabulary))
    special = {token: len(vocabulary) + i for i, token in enumerate(SPECIAL)}
    flags = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False) | {"special": True}
    _json(out / "vocab.json", vocabulary)
    (out / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    _json(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "add_prefix_space": False,
            "errors": "replace",
            "split_special_tokens": False,
            "model_max_length": 131072,
            "clean_up_tokenization_spaces": False,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "unk_token": None,
            "added_tokens_decoder": {str(i): {"content": t, **flags} for t, i in special.items()},
            "additional_special_tokens": list(SPECIAL[1:]),
        },
    )
    _json(
        out / "preprocessor_config.json",
        {
            "padding_side": "left",
            "padding_value": 0.0,
            "processor_class": "Qwen3TTSProcessor",
            "return_attention_mask": True,
        },
    )
    return special


def _letters_of_bytes() -> list[str]:
    """What GPT-2's tokenizers write for the bytes 0…255: itself where that is visible, else one past them."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    beyond = iter(range(0x100, 0x200))
    return [chr(byte if byte in visible else next(beyond)) for byte in range(0x100)]


def _save(model: nn.Module, config: Mapping[str, Any], folder: Path) -> None:
    """save_pretrained of these models fails, and writes configurations that they cannot read."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    _json(folder / "config.json", config)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")
