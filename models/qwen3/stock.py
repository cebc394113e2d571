"""The parts of Qwen3-TTS that are stock: its model, its CUDA graphs, its networks for random weights.

They are imported from here and nowhere else, because importing qwen_tts has traps:

It imports the codec of another model (25 Hz) for good measure, and with that torchaudio, onnxruntime and sox.
None of them is needed here, no torchaudio on PyPI fits beside a torch for CPUs, and sox wants a program. The
one module of that codec that imports them is passed over.

transformers imports torchaudio when there is one, and one that was built for another torch takes it down.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import ModuleType

from models.unfit import hide_unfit_torchaudio

CODEC_25HZ = "qwen_tts.core.tokenizer_25hz.vq.speech_vq"


@contextmanager
def _without_25hz() -> Iterator[None]:
    """Meanwhile that module is an empty one, which is forgotten afterwards: who imports it then gets it."""
    stand_in = ModuleType(CODEC_25HZ)
    for name in ("WhisperEncoderVQ", "XVectorExtractor"):
        setattr(stand_in, name, type(name, (), {"__doc__": "Of the codec at 25 Hz, which is not used."}))
    sys.modules[CODEC_25HZ] = stand_in
    try:
        yield
    finally:
        del sys.modules[CODEC_25HZ]


@contextmanager
def quietly() -> Iterator[None]:
    """Meanwhile these packages print nothing, show no bars, and do not talk of each other's future."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


hide_unfit_torchaudio()  # before the first import of transformers

with _without_25hz(), redirect_stdout(io.StringIO()):  # one module warns there that flash-attn is missing
    from faster_qwen3_tts import FasterQwen3TTS
    from faster_qwen3_tts.predictor_graph import PredictorGraph
    from faster_qwen3_tts.talker_graph import TalkerGraph
    from qwen_tts import Qwen3TTSModel, VoiceClonePromptItem
    from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

__all__ = [
    "FasterQwen3TTS",
    "PredictorGraph",
    "Qwen3TTSConfig",
    "Qwen3TTSForConditionalGeneration",
    "Qwen3TTSModel",
    "Qwen3TTSTokenizerV2Config",
    "Qwen3TTSTokenizerV2Model",
    "TalkerGraph",
    "VoiceClonePromptItem",
    "quietly",
]
