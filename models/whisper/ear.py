"""The network as the rest of this room uses it: sounds of up to 30 s, in seconds and not in frames."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from whisper import timing
from whisper.audio import HOP_LENGTH, N_SAMPLES, SAMPLE_RATE, log_mel_spectrogram, pad_or_trim
from whisper.model import Whisper
from whisper.timing import find_alignment
from whisper.tokenizer import LANGUAGES, TO_LANGUAGE_CODE, Tokenizer, get_tokenizer

from models.engine import Audio
from models.errors import Cancelled
from models.on_device import on_device

log = logging.getLogger(__name__)

RATE = SAMPLE_RATE  # of what it hears
WINDOW_S = N_SAMPLES / RATE
_SHORTEST_S = 0.1  # of a sound in which anything can be found
_UNSPACED = ("zh", "ja")


@dataclass(frozen=True)
class Piece:
    """Of the text: a word or a part of one, start_s…end_s from the start of the sound."""

    text: str
    start_s: float
    end_s: float
    probability: float


class Ear:
    """One Whisper. Not to be used by two threads at once."""

    def __init__(self, network: Whisper) -> None:
        self.network = network

    @property
    def on_gpu(self) -> bool:
        return bool(self.network.device.type == "cuda")

    def alignment(self, sound: Audio, text: str, language: str) -> list[Piece] | None:
        """When the pieces of a known text are said; None when sound or text is too long, or there is none.

        sound: at RATE. The pieces' texts together are the text, but for white space at its start.
        """
        tokenizer = self.tokenizer(language)
        text = text.strip()
        tokens = tokenizer.encode(text if language in _UNSPACED else f" {text}", disallowed_special=())
        most = self.network.dims.n_text_ctx - len(tokenizer.sot_sequence) - 2
        if not tokens or len(tokens) > most or not _SHORTEST_S <= len(sound) / RATE <= WINDOW_S:
            return None
        with self.working():
            found = find_alignment(self.network, tokenizer, tokens, self.mel(sound), len(sound) // HOP_LENGTH)
        return [Piece(w.word, float(w.start), float(w.end), float(w.probability)) for w in found]

    def language(self, sound: Audio) -> str:
        """Which one is spoken, of the first 30 s: "en", "zh", …"""
        self.tokenizer("en")
        with self.working():
            _, probabilities = self.network.detect_language(self.mel(sound))
        return str(max(probabilities, key=lambda language: probabilities[language]))

    def mel(self, sound: Audio) -> torch.Tensor:
        """(bands, 3000), on the network's device, in the precision that it works in."""
        padded = torch.from_numpy(pad_or_trim(sound)).to(self.network.device)
        mel: torch.Tensor = log_mel_spectrogram(padded, self.network.dims.n_mels)
        return mel.to(self.network.encoder.conv1.weight.dtype)

    def tokenizer(self, language: str) -> Tokenizer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file to the collector
            return get_tokenizer(
                True,
                num_languages=self.network.num_languages,
                language=self.code(language) or "en",
                task="transcribe",
            )

    def code(self, language: str) -> str:
        """As Whisper calls it ("en"), from a code or a name; "" for "auto" and what it does not know."""
        known = list(LANGUAGES)[: self.network.num_languages]
        code = TO_LANGUAGE_CODE.get(language.lower(), language.lower())
        return code if code in known else ""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around all that is asked of the network: on its GPU, with Triton's kernels or without."""
        with on_device(self.network.device), _kernels_or_none():
            yield

    @contextmanager
    def beating(self, beat: Callable[[], None]) -> Iterator[None]:
        """Calls it for every layer of the encoder and every token that is written, from within the work.

        It may raise Cancelled. That is let through where Whisper tidies up behind itself, which is when it
        writes: out of find_alignment it would leave its hooks on the network.
        """

        def heard(*_: Any) -> None:
            with suppress(Cancelled):  # the next token, or whoever steps after this, raises it again
                beat()

        def writing(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
            if kwargs.get("kv_cache") is not None:
                beat()

        handles = [block.register_forward_hook(heard) for block in self.network.encoder.blocks]
        handles.append(self.network.decoder.register_forward_pre_hook(writing, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


@contextmanager
def _kernels_or_none() -> Iterator[None]:
    """Where a GPU cannot do what finds words, a CPU does. By itself Whisper does so when Triton raises
    RuntimeError; but when its folder cannot be written, or its compiler is missing, it raises others."""
    before = timing.median_filter, timing.dtw
    timing.median_filter, timing.dtw = map(_or_on_cpu, before)
    try:
        yield
    finally:
        timing.median_filter, timing.dtw = before


def _or_on_cpu(work: Callable[..., Any]) -> Callable[..., Any]:
    def done(tensor: torch.Tensor, *how: Any) -> Any:
        try:
            return work(tensor, *how)
        except Exception as error:
            log.warning("Whisper finds words without the GPU: %s: %s", type(error).__name__, error)
            return work(tensor.cpu(), *how)

    return done
