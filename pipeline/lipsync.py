"""Stage `lipsync`: the presenter's mouth set to the speech; and the finished pictures for `compose`."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.engine import Picture, SyncedFrame, SyncOptions, SyncReport
from models.progress import Progress
from pipeline import speech
from pipeline.media import load_facts, open_clip
from pipeline.patches import CHUNK, Patch, chunks_done, patch_of, read_patches, write_chunk
from pipeline.timeline import timeline

if TYPE_CHECKING:
    from pipeline.job import Job

VERSION = 1
SCRATCH = "scratch"
LOOK_EVERY_S = 0.02  # for the next chunk, when it is waited for


# Settings that decide the frames of an engine that samples, and of no other: for a change of them the draft
# engine's work must not be done again.
SAMPLING = ("steps", "guidance", "deepcache_interval", "audio_windows", "alignment")
SAMPLES = ("latentsync",)  # engines that do


def inputs(job: Job) -> dict[str, Any]:
    engine, settings = job.engines.lipsync, job.settings.lipsync
    decides: dict[str, Any] = {
        "version": VERSION,
        "engine": [engine.name, engine.version],
        "probe": job.key("probe"),
        "speech": job.key("speech"),
        "face": settings.face,
        "max_faceless": settings.max_faceless,
        "seed": job.spec.seed,
    }
    if engine.name in SAMPLES:
        decides |= {name: getattr(settings, name) for name in SAMPLING}
    if fingerprint := getattr(engine, "fingerprint", ""):  # of its weights, and how precisely it computes
        decides["weights"] = fingerprint
    return decides


def make(job: Job, folder: Path, progress: Progress) -> None:
    facts = load_facts(job.artifacts["probe"])
    spoken = speech.load(job.artifacts["speech"]).speech
    scratch = folder / SCRATCH
    scratch.mkdir(exist_ok=True)
    clip = open_clip(facts, timeline(job.artifacts["speech"], facts).frames, scratch)
    settings = job.settings.lipsync
    sampling = {name: getattr(settings, name) for name in SAMPLING}
    options = SyncOptions(scratch, settings.face, settings.max_faceless, job.spec.seed, **sampling)
    report = SyncReport()
    done = chunks_done(folder)
    frames = job.engines.lipsync.sync(clip, spoken, options, progress, done * CHUNK, report)
    with closing(frames):
        for number, patches in enumerate(_chunks(frames), done):
            write_chunk(folder, number, patches)
    if report.faceless:
        few = f"In {report.faceless} of {report.frames} frames no face could be used"
        report.notes.insert(0, f"{few}: there the clip is kept as it is")
    (folder / "report.json").write_text(
        json.dumps({"engine": job.engines.lipsync.name, **asdict(report)}, indent=1), "utf-8"
    )
    shutil.rmtree(scratch)


def frames(job: Job) -> Generator[Picture]:
    """The finished full-size pictures, in order: the clip's, with the mouth pasted in. Those that are not
    made yet are waited for. Raises what the job's progress raises."""
    facts = load_facts(job.artifacts["probe"])
    count = timeline(job.artifacts["speech"], facts).frames
    clip = open_clip(facts, count, job.artifacts["lipsync"].parent)

    def wait() -> None:
        job.progress.check()
        time.sleep(LOOK_EVERY_S)

    patches = read_patches(job.artifacts["lipsync"], count, wait)
    pictures = clip.pictures([int(n) for n in clip.order])
    with closing(pictures):
        for picture, patch in zip(pictures, patches, strict=True):
            if patch is not None:
                patch.paste(picture)
            yield picture


def _chunks(frames: Iterator[SyncedFrame]) -> Iterator[list[Patch | None]]:
    while chunk := [patch_of(frame) for frame in islice(frames, CHUNK)]:
        yield chunk
