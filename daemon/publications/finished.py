"""The video of a job that is done, as targets are given it."""

from __future__ import annotations

from pathlib import Path

from daemon.jobs import JobRow, State
from daemon.publications.mp4_shape import shape
from handlers.publish.target import Video
from models.errors import BadInput


def finished_video(job: JobRow) -> Video:
    """Reads its header. Raises BadInput `job_unfinished`, `video_gone`."""
    if job.state != State.DONE or job.output is None:
        raise BadInput(
            f"Job {job.id} has no video to publish: it is {job.state}",
            code="job_unfinished",
            hint=f"`vigentd wait {job.id}` waits for it" if job.state != State.DONE else "",
        )
    path = Path(job.output)
    try:
        size = path.stat().st_size
        duration_s, width, height = shape(path)
    except (OSError, ValueError) as e:
        raise BadInput(
            f"The video {path} of job {job.id} cannot be read any more",
            code="video_gone",
            hint="It was moved, removed or written over. Make it anew, or put it back",
        ) from e
    cover, subtitles = path.with_suffix(".jpg"), path.with_suffix(".srt")
    return Video(
        path,
        duration_s,
        width,
        height,
        size,
        cover if cover.is_file() else None,
        subtitles if subtitles.is_file() else None,
    )
