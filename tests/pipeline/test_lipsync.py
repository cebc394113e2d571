"""The stage `lipsync`: what decides its artifact, and what it tells the person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.mouthwarp.engine import MouthwarpEngine
from models.progress import Quiet
from pipeline import lipsync, probe, speech
from pipeline.job import Job
from pipeline.spec import JobSpec, LipsyncSettings, Settings
from tests.face_kit import portrait
from tests.media_kit import QUICK, ffmpeg

OTHER: dict[str, Any] = {
    "steps": 8,
    "guidance": 2.0,
    "deepcache_interval": 0,
    "audio_windows": "reference",
    "alignment": "insightface",
}


@dataclass
class Known:
    """All that `inputs` looks at of an engine."""

    name: str
    version: int = 1
    fingerprint: str = ""


@dataclass
class Engines:
    lipsync: Any
    speech: Any = None
    aligner: Any = None


def decides(engine: Any, **settings: Any) -> dict[str, Any]:
    job = Job(
        JobSpec(clip=Path("/anna.mp4"), script="Hello."),
        Settings(lipsync=LipsyncSettings(**settings)),
        Engines(engine),
        {"probe": Path("/w/probe-1"), "speech": Path("/w/speech-2")},
    )
    return lipsync.inputs(job)


def test_what_the_draft_engine_made_before_is_found_again_whatever_latentsync_is_set_to() -> None:
    """Its inputs are those of the first release, to the letter: another would make every artifact anew."""
    assert decides(Known("mouthwarp"), **OTHER, precision="fp32", presenter_cache=0, compile=False) == {
        "version": 1,
        "engine": ["mouthwarp", 1],
        "probe": "probe-1",
        "speech": "speech-2",
        "face": "largest",
        "max_faceless": 0.2,
        "seed": 1247,
    }


@pytest.mark.parametrize("name", OTHER)
def test_every_setting_of_sampling_makes_other_frames(name: str) -> None:
    engine = Known("latentsync")
    assert decides(engine, **{name: OTHER[name]}) != decides(engine)


def test_other_weights_make_other_frames_and_other_caches_do_not() -> None:
    engine = Known("latentsync", fingerprint="aa")
    assert decides(engine) != decides(Known("latentsync", fingerprint="bb")) != decides(Known("latentsync"))
    assert decides(engine, presenter_cache=0, compile=False, device="cuda:0") == decides(engine)


def test_frames_without_a_face_reach_the_person(album: Path, tmp_path: Path) -> None:
    clip = tmp_path / "gone.mp4"
    box = "drawbox=c=0x8899aa:t=fill:enable='between(n,10,14)'"
    ffmpeg("-i", portrait(album, (180, 320), 1), "-vf", box, *QUICK, "-crf", "12", clip)
    from models.espeak import EspeakEngine

    spec = JobSpec(clip=clip, script="Good morning.")
    settings = Settings(lipsync=LipsyncSettings(max_faceless=0.9))
    job = Job(spec, settings, Engines(MouthwarpEngine(), EspeakEngine()))
    for stage in (probe, speech, lipsync):
        name = stage.__name__.rpartition(".")[2]
        job.artifacts[name] = tmp_path / name
        job.artifacts[name].mkdir()
        stage.make(job, job.artifacts[name], Quiet())
    report = json.loads((job.artifacts["lipsync"] / "report.json").read_text())
    assert report["faceless"] > 0
    told = f"In {report['faceless']} of {report['frames']} frames no face could be used"
    assert report["notes"] == [f"{told}: there the clip is kept as it is"]
