"""The draft speech engine: espeak-ng, in this process, with no GPU and no weights."""

from models.espeak.engine import EspeakEngine

__all__ = ["EspeakEngine"]
