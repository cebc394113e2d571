"""How a video will look: its subtitles and its title on a frame of its own clip. A JPEG for a chat."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from daemon.config import Config
from daemon.store.history import amount
from handlers.telegram.door.wording import Known, in_their_words
from models.progress import Progress
from pipeline.preview import SECONDS, of_job
from pipeline.preview import sample as sample_of
from pipeline.spec import JobSpec
from pipeline.text import detect_language, split_sentences
from pipeline.workspace import write_atomic

SIDE = 1280  # pixels; Telegram shows no more
QUALITY = 88
ENOUGH_CHARS = 12  # of a script, to draw the first subtitle as the video will have it


def preview(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "spec": JobSpec as JSON, "out": path of the picture,
               "names": {"clip": what its sender calls it}}.

    Returns {"notes": […]}. Raises BadInput `clip_*`, `style_unknown`; Unavailable.
    """
    settings, spec = Config(**asked["config"]).settings, JobSpec.model_validate(asked["spec"])
    language = detect_language(spec.script) if spec.language == "auto" else spec.language
    spec = spec.model_copy(update={"script": beginning(spec.script, language)})
    with in_their_words([Known(spec.clip, "clip", asked["names"].get("clip") or "")]):
        png, notes = of_job(spec, settings, amount(spec) if spec.script else SECONDS, language)
    _write(Path(asked["out"]), png)
    return {"notes": notes}


def sample(_: object, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """asked: {"config", "style": name of a look, "out": path}. The look on a neutral backdrop.

    Returns {"notes": […]}. Raises BadInput `style_unknown`; Unavailable.
    """
    png, notes = sample_of(asked["style"], Config(**asked["config"]).settings)
    _write(Path(asked["out"]), png)
    return {"notes": notes}


def beginning(script: str, language: str) -> str:
    """Whole sentences: the first, or some when that is very short. Nothing later is in the picture."""
    end = 0
    for sentence in split_sentences(script, language):
        end = sentence.begin + len(sentence.text)
        if end >= ENOUGH_CHARS:
            break
    return script[:end]


def _write(out: Path, png: bytes) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(png)) as drawn:
        picture = drawn.convert("RGB")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=QUALITY)
    write_atomic(out, jpeg.getvalue())
