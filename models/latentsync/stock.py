"""The parts of LatentSync that are stock: diffusers' networks and scheduler, openai-whisper's model.

They are imported from here and nowhere else, because of a trap in importing diffusers' VAE: it imports
transformers, which imports torchaudio when there is one. A torchaudio that was built for another torch (for
CUDA beside a torch for CPUs, as PyPI hands it out) then takes the VAE down with it, though nothing here needs
torchaudio.
"""

from __future__ import annotations

import sys


def _hide_unfit_torchaudio() -> None:
    try:
        import torchaudio  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except (ImportError, OSError):
        sys.modules["torchaudio"] = None  # type: ignore[assignment]  # not installed, to all who ask


_hide_unfit_torchaudio()  # before the first import of diffusers or transformers

from diffusers.models.attention_processor import Attention, AttnProcessor2_0  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_motion_model import UNetMotionModel  # noqa: E402
from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # noqa: E402
from whisper.audio import log_mel_spectrogram  # noqa: E402
from whisper.model import ModelDimensions, Whisper  # noqa: E402

__all__ = [
    "Attention",
    "AttnProcessor2_0",
    "AutoencoderKL",
    "DDIMScheduler",
    "ModelDimensions",
    "UNetMotionModel",
    "Whisper",
    "log_mel_spectrogram",
]
