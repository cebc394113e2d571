"""The model on its device: one text and one voice in, sound out; by CUDA graphs on a GPU, plainly elsewhere.

Every codec frame (80 ms of sound) passes the talker's head once, whichever way it is made. So that is where
frames are counted, where work shows that it lives, and where it is broken off.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from models.engine import Audio
from models.errors import BadInput, StageFailed, Unavailable
from models.on_device import on_device
from models.qwen3.casting import Role
from models.qwen3.checkpoint import SPEECH_TOKENIZER, WEIGHTS, Checkpoint, shards
from models.qwen3.needs import SDPA
from models.qwen3.stock import (
    FasterQwen3TTS,
    PredictorGraph,
    Qwen3TTSModel,
    TalkerGraph,
    VoiceClonePromptItem,
    quietly,
)
from models.qwen3.talker import SizedTalker
from models.weight_files import header, wrong

RATE = 24_000  # Hz
FRAMES_PER_S = 12.5
# Of prompt and frames together. Most sentences of a reference of 10 s fit into the first; of one of 60 s
# (750 frames), 160 s of speech fit beside it into the last.
SEQUENCES = (512, 1024, 3072)
SHOWN = 80  # characters of a sentence in a message
PROMPT = 100  # long, what is pretended while graphs are recorded

_METHODS = {
    "base": "generate_voice_clone",
    "custom_voice": "generate_custom_voice",
    "voice_design": "generate_voice_design",
}
_SAMPLING = ("do_sample", "top_k", "top_p", "temperature", "repetition_penalty")
# transformers says so at every call; nothing else is meant here.
_KNOWN_WARNING = "Passing `repetition_penalty` with `inputs_embeds`"

Beat = Callable[[int], None]


@dataclass(frozen=True)
class Take:
    """What came of one text: wav as the codec made it. capped: it was stopped, and would have gone on."""

    wav: Audio
    frames: int
    capped: bool


class Model:
    """One text at a time: the graphs work in buffers of their own, which the next text reuses.

    graphs: None: without them. attention: as transformers calls it.
    """

    def __init__(
        self, plain: Qwen3TTSModel, checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.checkpoint, self.device, self.dtype = checkpoint, device, dtype
        self.attention = SDPA
        self.graphs: FasterQwen3TTS | None = None
        self._plain = plain
        self._one_at_a_time = threading.Lock()

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, dtype: torch.dtype) -> Model:
        """Raises Unavailable weights_wrong, out_of_memory."""
        with quietly(), _told(checkpoint):
            plain = Qwen3TTSModel.from_pretrained(
                str(checkpoint.folder),
                device_map=device,
                dtype=dtype,
                attn_implementation=SDPA,
                local_files_only=True,
            )
        _check_all_there(plain.model, checkpoint)
        return cls(plain, checkpoint, torch.device(device), dtype)

    @property
    def runs(self) -> str:
        """Whatever decides, beside the weights, which samples come of a seed."""
        how = "plain" if self.graphs is None else "graphs"
        return f"{how}-{self.device.type}-{self.dtype}-{self.attention}".replace("torch.", "")

    def use_graphs(
        self,
        predictor: type[PredictorGraph] = PredictorGraph,
        talker: type[TalkerGraph] = TalkerGraph,
        sequences: Sequence[int] = SEQUENCES,
    ) -> None:
        """Records the CUDA graphs, through which everything is said from now on. Raises Unavailable."""
        network, sampling = self._plain.model.talker, self._plain.generate_defaults
        config, place = network.config, {"device": str(self.device), "dtype": self.dtype}
        with quietly(), on_device(self.device), _told(self.checkpoint), _the_same_again():
            graphs = FasterQwen3TTS(
                self._plain,
                predictor(
                    network.code_predictor,
                    network.code_predictor.model.config,
                    config.hidden_size,
                    do_sample=sampling.get("subtalker_dosample", True),
                    top_k=sampling.get("subtalker_top_k", 50),
                    top_p=sampling.get("subtalker_top_p", 1.0),
                    temperature=sampling.get("subtalker_temperature", 0.9),
                    **place,
                ),
                SizedTalker([talker(network.model, config, max_seq_len=n, **place) for n in sequences]),
                max_seq_len=max(sequences),
                **place,
            )
            self._set_attention(SDPA)  # their masks are of a fixed size, which others do not take
            graphs.warmup(prefill_len=PROMPT)
            self._set_attention(self.attention)
        self.graphs = graphs

    def attend(self, attention: str) -> None:
        """By which attention prompts are read from now on; without graphs, everything is."""
        self._set_attention(attention)
        self.attention = attention

    def leave_graphs(self) -> None:
        """Says everything plainly again."""
        self.graphs = None

    def say(
        self,
        text: str,
        language: str,
        role: Role,
        prompt: VoiceClonePromptItem | None,
        seed: int,
        cap: int,
        beat: Beat,
    ) -> Take:
        """The same arguments give the same samples, whatever was said before.

        language: as the model calls it. prompt: of a saved recording (prompt.py). cap: frames, at most.
        beat: called with the number of frames that there are, after each; what it raises breaks off.
        Raises BadInput `voice_too_long`, StageFailed `sentence_unspeakable` when the text is, Unavailable
        `out_of_memory`, and what `beat` raises.
        """
        who: dict[str, Any] = {"speaker": role.speaker} if role.kind == "custom_voice" else {}
        who |= {"voice_clone_prompt": [prompt]} if role.kind == "base" else {"instruct": role.instruct}
        through = self._plain if self.graphs is None else self.graphs
        sampling = {name: self._plain.generate_defaults.get(name) for name in _SAMPLING}
        frames = _Frames(cap, self.graphs.max_seq_len if self.graphs else None, beat, text, prompt)
        with self._one_at_a_time, self._seeded(seed), _told(self.checkpoint), frames.counted(self.head):
            if self.graphs is not None:
                self.graphs.talker_graph.frames = cap
            wavs, _ = getattr(through, _METHODS[role.kind])(
                text=text,
                language=language,
                max_new_tokens=cap,
                **who,
                **{name: value for name, value in sampling.items() if value is not None},
            )
        return Take(wavs[0], frames.made, frames.capped)

    def prompt_of(self, wav: Audio, text: str) -> VoiceClonePromptItem:
        """What the model makes of a reference at RATE. text: said in it; "": only its timbre is used."""
        with self._one_at_a_time, on_device(self.device), _told(self.checkpoint):
            (item,) = self._plain.create_voice_clone_prompt(
                (wav, RATE), ref_text=text or None, x_vector_only_mode=not text
            )
        return item

    @property
    def head(self) -> nn.Module:
        """Which gives every codec frame its first number, or the end."""
        head: nn.Module = self._plain.model.talker.codec_head
        return head

    @property
    def end_token(self) -> int:
        return int(self._plain.model.config.talker_config.codec_eos_token_id)

    def _set_attention(self, attention: str) -> None:
        """They look at it whenever they are called. What transformers has for this leaves them out."""
        for network in (self._plain.model.talker, self._plain.model.talker.code_predictor):
            network.model.config._attn_implementation = attention

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """Randomness outside goes on as before."""
        gpus = [self.device] if self.device.type == "cuda" else []
        with (
            on_device(self.device),
            torch.random.fork_rng(gpus, device_type="cuda"),
            _the_same_again(),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings("ignore", _KNOWN_WARNING)
            torch.manual_seed(seed)
            yield


def _the_same_again() -> AbstractContextManager[None]:
    """Attention by kernels that give the same of the same.

    cuDNN's for one query adds up in the order in which its blocks come to an end (seen on an H100 and an
    H200 with torch 2.11): of one seed came other samples each time.
    """
    return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


class _Frames:
    """Counts the frames of one text. room: for prompt and frames together, None: no end of it."""

    def __init__(
        self, cap: int, room: int | None, beat: Beat, text: str, prompt: VoiceClonePromptItem | None
    ) -> None:
        self.made = 0
        self._most, self._room, self._beat = cap, room, beat
        self._text = text
        self._recorded = 0 if prompt is None or prompt.ref_code is None else len(prompt.ref_code)
        self._prompted = False

    @property
    def capped(self) -> bool:
        """The last number is drawn and not used when the cap is reached, so it is one less plainly."""
        return self.made >= self._most - 1

    @contextmanager
    def counted(self, head: nn.Module) -> Iterator[None]:
        hook = head.register_forward_hook(self._passed)
        try:
            yield
        finally:
            hook.remove()

    def _passed(self, _: nn.Module, hidden: tuple[torch.Tensor], __: torch.Tensor) -> None:
        if self._prompted:
            self.made += 1
            self._beat(self.made)
            return
        self._prompted = True  # the first to pass is the whole prompt
        if self._room is None:
            return
        length = hidden[0].shape[1]
        left = self._room - length
        if left < 2:
            raise _voice_too_long() if self._recorded > length / 2 else _text_too_long(self._text)
        self._most = min(self._most, left)  # where FasterQwen3TTS stops and says nothing


def _voice_too_long() -> BadInput:
    return BadInput(
        "The voice's recording and its text are too long to speak with",
        code="voice_too_long",
        hint="Save it again with a shorter recording: 10 s are enough",
    )


def _text_too_long(text: str) -> StageFailed:
    return StageFailed(
        f"The sentence “{text[:SHOWN]}…” is too long to be spoken at once",
        code="sentence_unspeakable",
        hint="Write it as several sentences",
    )


def _check_all_there(model: Any, checkpoint: Checkpoint) -> None:
    """transformers makes up what is missing in the files, and only logs it. The codec is no part of the
    model: it has a file of its own, and codebooks in buffers."""
    _check_in([name for name, _ in model.named_parameters()], shards(checkpoint))
    _check_in(model.speech_tokenizer.model.state_dict(), [checkpoint.folder / SPEECH_TOKENIZER / WEIGHTS])


def _check_in(names: Iterable[str], files: list[Path]) -> None:
    found = set[str]().union(*(header(path) for path in files))
    lacking = [name for name in names if name not in found]
    if lacking:
        raise wrong(
            files[0],
            f"has other weights than expected: {len(lacking)} are missing (the first: {lacking[0]})",
        )


@contextmanager
def _told(checkpoint: Checkpoint) -> Iterator[None]:
    """In words for a person."""
    try:
        yield
    except torch.OutOfMemoryError as e:
        raise Unavailable(
            f"The GPU's memory is too small for Qwen3-TTS {checkpoint.name}",
            code="out_of_memory",
            hint="End what else uses it (`nvidia-smi` shows that), set speech.device to another GPU, or "
            'speech.model to a "0.6B" one.',
        ) from e
