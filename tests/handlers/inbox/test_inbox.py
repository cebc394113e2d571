"""How people use it: what is dropped becomes a job, and the video comes back."""

from __future__ import annotations

from tests.handlers.inbox.inbox_kit import Stand


def test_a_pair_becomes_a_job_and_the_video_comes_back(stand: Stand) -> None:
    with stand.running():
        stand.drop("monday.txt")
        stand.drop_clip("monday.mp4")
        (job,) = stand.until_jobs(1)
        assert job.state == "queued" and job.source == "inbox:daily"
        assert stand.tree() == []
        stand.make(job.id)
        stand.until_settled("done")
    assert stand.tree() == [
        "done/monday.mp4",
        "done/monday.txt",
        "outbox/monday.jpg",
        "outbox/monday.json",
        "outbox/monday.mp4",
        "outbox/monday.srt",
    ]
    assert list((stand.root / ".work").iterdir()) == []
