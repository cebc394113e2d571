"""Small Whispers in files that are laid out as the real ones are.

`lay_openai` lays one that behaves: it writes one text, whatever it hears, and its attention follows that text
through the sound at moments that the test chooses. So what real weights do to the code is done here by five
megabytes, and the times that come out can be checked. It is the size "tiny" but for its width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import Tokenizer

from models.whisper.ear import Ear

WIDTH, HEADS = 48, 6
DIMS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=WIDTH,
    n_audio_head=1,
    n_audio_layer=1,
    n_vocab=51865,
    n_text_ctx=448,
    n_text_state=WIDTH,
    n_text_head=HEADS,
    n_text_layer=4,
)
STEPS = 50  # of the encoder, in a second
CLEAR = 8.0  # length of an embedding: how sure it is of its next token
LOUD = 20.0  # how much more a place counts than the token in it
SHARP = 4.0  # how narrow its attention is; more, and what lies between two moments is a matter of rounding
FREQUENCIES = (3, 6, 9, 12)  # of the encoder's clock, from 21 steps around to 766


def lay_openai(
    folder: Path,
    says: str = " Hello there.",
    at: Sequence[float] = (),
    language: str = "en",
    ends_s: float = 4.0,
    after: int = 0,
    n_vocab: int = DIMS.n_vocab,
) -> Path:
    """whisper/tiny.pt under the folder. The same bytes each time.

    says: with the space before it that Whisper writes. at: when each token of it is said, in seconds of the
    window, of `ends_s`; (): evenly. after: how many tokens stand before its text when it writes (a prompt).
    """
    path = folder / "whisper" / "tiny.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    dims = replace(DIMS, n_vocab=n_vocab)
    network = _silent(dims)
    tokenizer = Ear(network).tokenizer(language)
    tokens = tokenizer.encode(says)
    moments = list(at) or [ends_s * (i + 0.5) / len(tokens) for i in range(len(tokens))]
    assert len(moments) == len(tokens), tokenizer.split_to_word_tokens(tokens)
    _teach(network, tokenizer, tokens, moments, ends_s, after)
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    torch.save({"dims": asdict(dims), "model_state_dict": halves}, path)
    return path


def tokens_of(text: str, language: str = "en") -> list[int]:
    return list(Ear(_silent()).tokenizer(language).encode(text))


def random_network(dims: ModelDimensions = DIMS, seed: int = 0) -> Whisper:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Whisper(dims)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return network.eval().requires_grad_(False)


def _silent(dims: ModelDimensions = DIMS) -> Whisper:
    """All that mixes is zero: what goes in comes out, place by place."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Whisper(dims)
        embedding = torch.randn(dims.n_vocab, WIDTH)
    state = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    for name in state:
        if "ln" in name and name.endswith("weight"):
            state[name] += 1
    state["encoder.positional_embedding"] = network.encoder.positional_embedding
    state["decoder.token_embedding.weight"] = CLEAR * torch.nn.functional.normalize(embedding, dim=1)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _teach(
    network: Whisper,
    tokenizer: Tokenizer,
    tokens: Sequence[int],
    moments: Sequence[float],
    ends_s: float,
    after: int,
) -> None:
    decoder = network.decoder
    embedding = decoder.token_embedding.weight
    start, end = tokenizer.timestamp_begin, tokenizer.timestamp_begin + round(ends_s * STEPS)
    # Place i says what comes after it: sot, language, task, 0.00 (or no timestamps), text, the end
    written = [tokenizer.sot_sequence[1], tokenizer.sot_sequence[2], start, *tokens, end, tokenizer.eot]
    for place, token in enumerate(written):
        decoder.positional_embedding[place + after] = LOUD * embedding[token]
    _attend(network, [*tokens, end], [*moments, ends_s])


def _attend(network: Whisper, tokens: Sequence[int], moments: Sequence[float]) -> None:
    """Every head of the decoder looks, before it says a token, at the token's moment."""
    clock = _normal(network.encoder.positional_embedding)
    hands = [i for k in FREQUENCIES for i in (k, k + WIDTH // 2)]  # sine and cosine of each
    read = torch.zeros(len(hands), WIDTH)
    read[range(len(hands)), hands] = 1
    shown = clock[[round(moment * STEPS) for moment in moments]] @ read.T
    thoughts = _normal(LOUD * network.decoder.token_embedding.weight[list(tokens)])
    asked = torch.linalg.lstsq(thoughts, SHARP * shown).solution.T
    for block in network.decoder.blocks:
        block.cross_attn.query.weight.copy_(asked.repeat(HEADS, 1))
        block.cross_attn.key.weight.copy_(read.repeat(HEADS, 1))


def _normal(rows: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(rows, (WIDTH,))
