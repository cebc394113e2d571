"""Stage `compose`: pictures, captions, voice and music become one mp4, in the only lossy encode.

Leaves video.mp4, cover.jpg and compose.json. The clip's size, rate, pixel aspect and colours stay.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ffmpeg as graph

from models.ahead import ahead
from models.engine import Picture
from models.errors import FULL, StageFailed
from models.progress import Progress, Share
from pipeline import ffmpeg, label, lipsync
from pipeline.cover import make_cover
from pipeline.encoder import Encoder, pick_encoder
from pipeline.loudness import measure
from pipeline.media import ClipFacts, load_facts
from pipeline.mix import AAC, RATE, Mix, mix
from pipeline.music import Track, resolve
from pipeline.timeline import Timeline, timeline
from pipeline.workspace import file_hash

if TYPE_CHECKING:
    from pipeline.job import Job

VERSION = 1
KEYFRAME_EVERY_S = 2.0  # a player can jump this precisely, and platforms cut at these


def inputs(job: Job) -> dict[str, Any]:
    video = job.settings.video
    encoder = pick_encoder(video)
    return {
        "version": VERSION,
        **{stage: job.key(stage) for stage in ("probe", "speech", "lipsync", "captions")},
        "title": job.spec.title,
        "music": _music_inputs(job),
        # What "auto" means is this machine's to say, and can be another thing tomorrow.
        "encoder": [encoder.name, encoder.options, ffmpeg.version()],
        **video.model_dump(include={"loudness", "true_peak"}),
    }


def make(job: Job, folder: Path, progress: Progress) -> None:
    facts = load_facts(job.artifacts["probe"])
    time = timeline(job.artifacts["speech"], facts)
    encoder = pick_encoder(job.settings.video)
    video = folder.absolute() / "video.mp4"
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix="sound-") as scratch:
            sound = _mix(job, time, Path(scratch).absolute() / "mix.wav", Share(progress, 0.0, 0.1))
            _encode(job, facts, time, encoder, sound.file, video, Share(progress, 0.1, 0.95))
        label.add_source_type(video, job.spec.title)
        make_cover(video, time.duration_s, folder / "cover.jpg", Share(progress, 0.95, 0.96))
        _report(folder, encoder, time, sound, video, Share(progress, 0.96, 1.0))
    except OSError as error:  # of our own writing; ffmpeg's is recognised where it runs
        if error.errno in FULL:
            raise ffmpeg.disk_full("making the video") from error
        raise


def _music_inputs(job: Job) -> dict[str, Any] | None:
    """The music by its content, for a file can change under its name."""
    track = _track(job)
    if track is None:
        return None
    return {
        "sha256": file_hash(track.path, job.progress),
        "loop": track.loop,
        "volume": job.spec.music_volume,
    }


def _track(job: Job) -> Track | None:
    return resolve(job.spec.music, job.settings) if job.spec.music_volume > 0 else None


def _mix(job: Job, time: Timeline, out: Path, progress: Progress) -> Mix:
    voice = job.artifacts["speech"].absolute() / "speech.wav"
    volume = job.spec.music_volume
    return mix(voice, _track(job), volume, time.samples(RATE), job.settings.video, out, progress)


# ---------------------------------------------------------------- the encode


def _encode(
    job: Job,
    facts: ClipFacts,
    time: Timeline,
    encoder: Encoder,
    sound: Path,
    out: Path,
    progress: Progress,
) -> None:
    captions = job.artifacts["captions"].absolute()
    picture = ffmpeg.source(
        "pipe:0",
        format="rawvideo",
        pixel_format="rgb24",
        s=f"{facts.width}x{facts.height}",
        framerate=str(facts.fps),
        thread_queue_size=2,  # pictures of 6 MB and more; the pipe is what is waited for
    ).video
    if (captions / "captions.ass").is_file():
        picture = _burn_in(picture, facts)
    command = graph.output(
        _as_video(picture, facts),
        ffmpeg.source(sound).audio,
        str(out),
        vcodec=encoder.name,
        **encoder.options,
        g=max(1, round(KEYFRAME_EVERY_S * facts.fps)),
        **AAC,
        movflags="+faststart",
        **_metadata(job.spec.title),
    )
    # Put together in a thread, while this one writes them into the pipe.
    with closing(ahead(_checked(lipsync.frames(job), facts, time), 2)) as pictures:
        # The captions' folder is the working folder, so that the names in the filter need no escaping.
        arguments = command.get_args()
        ffmpeg.encode(
            arguments,
            pictures,
            doing="encoding the video",
            progress=progress,
            total=time.frames,
            cwd=captions,
        )


def _burn_in(picture: Any, facts: ClipFacts) -> Any:
    """Draws the captions on RGB, before the chroma is halved and whatever the matrix will be."""
    # captions.ass has to say "YCbCr Matrix: None", or white would be drawn as 235.
    # The size as it is shown, so that letters are not stretched with the pixels.
    shown = f"{round(facts.width * facts.pixel_aspect)}x{facts.height}"
    return picture.filter("subtitles", "captions.ass", fontsdir="fonts", original_size=shown)


def _as_video(picture: Any, facts: ClipFacts) -> Any:
    """RGB → limited-range 4:2:0 with the clip's matrix, marked as what it is."""
    space = facts.colour["space"]
    picture = picture.filter(
        "scale",
        in_range="pc",
        out_range="tv",
        out_color_matrix="bt2020" if space.startswith("bt2020") else space,
        flags="bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
    ).filter("format", "yuv420p")
    picture = picture.filter(
        "setparams",
        range="tv",
        colorspace=space,
        color_primaries=facts.colour["primaries"],
        color_trc=facts.colour["transfer"],
    )
    return picture.filter("setsar", str(facts.pixel_aspect), max=100_000)


def _metadata(title: str) -> dict[str, str]:
    """ffmpeg-python takes one value for an option; the empty specifiers make the names differ."""
    return {f"metadata:g:{i}": f"{key}={value}" for i, (key, value) in enumerate(label.tags(title).items())}


def _checked(pictures: Iterator[Picture], facts: ClipFacts, time: Timeline) -> Generator[Picture, None, None]:
    """A raw pipe has no frames, only bytes: a picture of another size would shift all that follow."""
    count = 0
    for count, picture in enumerate(pictures, start=1):
        if picture.shape != (facts.height, facts.width, 3) or picture.dtype != "uint8":
            raise StageFailed(
                f"Frame {count} is {picture.shape} {picture.dtype}, not {facts.width}x{facts.height} RGB",
                code="frames_wrong",
            )
        yield picture
    if count != time.frames:
        raise StageFailed(f"There are {count} frames, not {time.frames}", code="frames_wrong")


# ---------------------------------------------------------------- what was made


def _report(
    folder: Path, encoder: Encoder, time: Timeline, sound: Mix, video: Path, progress: Progress
) -> None:
    heard = measure(video, progress=progress, total_s=time.duration_s)
    report = {
        "encoder": encoder.name,
        "frames": time.frames,
        "fps": str(time.fps),
        "loudness_lufs": heard.integrated,
        "true_peak_dbtp": None if heard.silent else heard.true_peak,
        "voice_gain_db": sound.voice_gain,
        "music_gain_db": sound.music_gain,
        "notes": sound.notes,
    }
    (folder / "compose.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")
