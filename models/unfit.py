"""A package that is here and cannot be imported: torchaudio, built for another torch.

PyPI hands out one for CUDA beside a torch for CPUs. transformers imports it when there is one, and goes down
with it, though nothing here needs it.
"""

from __future__ import annotations

import sys


def hide_unfit_torchaudio() -> None:
    """Before the first import of diffusers, transformers or qwen_tts: to all who ask, it is not installed."""
    try:
        import torchaudio  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except (ImportError, OSError):
        sys.modules["torchaudio"] = None  # type: ignore[assignment]
