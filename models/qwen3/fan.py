"""Qwen3-TTS without a model of its own: the sentences of a script are spoken by all replicas that are free.

Each is an order (models.orders); they come back in any order and are put together here. Voices, and sentences
that were spoken before, are kept here, too.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.engine import Audio
from models.orders import orders
from models.progress import Progress
from models.qwen3.casting import Role, unreadable
from models.qwen3.checkpoint import fingerprint, look
from models.qwen3.reciting import Finish, Reciting
from models.qwen3.store import Store
from models.qwen3.takes import Line, Tally
from models.voices import Voices

REPLICA = "models.qwen3.replica:"
SPARE = 2  # sentences that are on their way, beside those that are spoken


class FanOut(Reciting):
    """replicas: how many there may be."""

    _numbers = itertools.count(1)  # of sentences
    _folder: Path
    _recording: list[str]

    @classmethod
    def open(
        cls,
        *,
        folder: Path,
        model: str,
        voices: Path,
        cache: Path | None,
        cache_bytes: int,
        replicas: int,
        listener: str = "",
        max_error: float = 0.3,
    ) -> FanOut:
        """As Qwen3Engine.open; listener: "" where nobody listens. Raises Unavailable."""
        return cls(
            look(folder, model),
            fingerprint(folder, model),
            Voices(voices),
            [listener, max_error] if listener else None,
            Store(cache, cache_bytes) if cache and cache_bytes else None,
            replicas + SPARE,
        )

    @property
    def runs(self) -> str:
        return str(orders().place(REPLICA + "runs", {}, _ignored).result(_nothing))

    def warm_up(self) -> None:
        """Nothing is loaded here."""

    def _spoken(
        self, lines: Sequence[Line], role: Role, seed: int, progress: Progress, tally: Tally
    ) -> Generator[Audio]:
        with tempfile.TemporaryDirectory(prefix="sentences-") as folder:
            self._folder = Path(folder)
            self._recording = _beside(self._folder, role)
            yield from super()._spoken(lines, role, seed, progress, tally)

    def begin(self, line: Line, role: Role, seed: int, progress: Progress, tally: Tally) -> Finish:
        wav = self._folder / f"{next(self._numbers)}.f32"
        asked: dict[str, Any] = {"line": vars(line), "role": told(role), "seed": seed, "sentences": 1}
        asked |= {"reads": self._recording, "writes": str(wav)}
        order = orders().place(REPLICA + "speak", asked, lambda share: progress.step(share, 1))

        def finish() -> Audio:
            tally.add(Tally(**order.result(progress.check)))
            sentence = np.fromfile(wav, np.float32)
            wav.unlink()
            return sentence

        return finish


def told(role: Role) -> dict[str, Any]:
    """As JSON: of the voice only what its prompt is made of; the recording itself is a file."""
    saved = role.saved
    voice = None if saved is None else {"name": saved.name, "key": saved.key, "text": saved.text}
    return vars(role) | {"saved": voice}


def _beside(folder: Path, role: Role) -> list[str]:
    """The recording of the voice, if it has one: nodes may see this folder, and not that of the voices.

    Raises BadInput `voice_unreadable`."""
    if role.saved is None or role.saved.wav is None:
        return []
    try:
        return [shutil.copy(str(role.saved.wav), str(folder))]
    except OSError as e:
        raise unreadable(role.saved, str(e)) from e


def _ignored(_: float) -> None:
    pass


def _nothing() -> None:
    pass
