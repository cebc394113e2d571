"""What the door draws, cuts and encodes: real clips, real sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from daemon.config import Config
from daemon.engines.hosts import Hosts
from handlers.telegram.choices import Choices
from handlers.telegram.door import choices, fit, listen, preview, result
from models.errors import BadInput
from models.progress import Quiet
from pipeline import label
from pipeline.loudness import measure
from pipeline.spec import JobSpec
from tests.media_kit import QUICK, ffmpeg, pattern


def config(folder: Path) -> dict[str, Any]:
    return Config(data_dir=folder / "data").model_dump(mode="json")


def picture(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as opened:
        assert opened.format == "JPEG"
        return np.asarray(opened.convert("RGB"), np.int16)


def seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


# ---------------------------------------------------------------- pictures


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = tmp_path_factory.mktemp("clips") / "grey.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=0x606060:s=400x1400:d=0.4:r=25", *QUICK, clip)
    return clip


def drawn(folder: Path, clip: Path, **chosen: Any) -> np.ndarray[Any, Any]:
    spec = JobSpec.model_validate({"script": "早上好，欢迎收看今天的新闻。", "clip": clip} | chosen)
    out = folder / "previews" / "look.jpg"
    asked = {"config": config(folder), "spec": spec.model_dump(mode="json"), "out": str(out), "names": {}}
    told = preview.preview(None, json.loads(json.dumps(asked)), Quiet())
    assert isinstance(told["notes"], list) and out.stat().st_size < 5_000_000
    assert [p.name for p in out.parent.iterdir()] == ["look.jpg"]
    return picture(out)


def test_a_preview_is_their_own_clip_with_their_own_words(tmp_path: Path, grey: Path) -> None:
    bare = drawn(tmp_path, grey, subtitles="none")
    assert bare.shape == (1280, 366, 3), "the longest side is what a chat shows"
    assert np.abs(bare - bare[0, 0]).max() < 12, "nothing is drawn"
    words = drawn(tmp_path, grey, title="Good morning") - bare
    assert np.abs(words)[:640].max() > 100, "the title"
    assert np.abs(words)[640:].max() > 100, "the subtitle"


def test_a_long_script_is_drawn_as_its_beginning(tmp_path: Path, grey: Path) -> None:
    long = "早上好，欢迎收看今天的新闻。" + "这是后面的一句话，没有人会在图片里看到它。" * 300
    assert np.abs(drawn(tmp_path, grey) - drawn(tmp_path, grey, script=long)).max() < 30


def test_a_photo_and_a_recording_alone_can_be_drawn(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (300, 400), "green").save(photo)
    shown = drawn(tmp_path, photo, script="", speech=str(photo))
    assert shown.shape == (400, 300, 3)


def test_a_clip_that_broke_is_theirs(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        drawn(tmp_path, tmp_path / "20abcdef.mp4")
    assert caught.value.message == "Your clip does not exist"


def test_a_sample_of_a_look(tmp_path: Path) -> None:
    asked = {"config": config(tmp_path), "style": "karaoke", "out": str(tmp_path / "a.jpg")}
    preview.sample(None, asked, Quiet())
    assert picture(tmp_path / "a.jpg").shape == (1280, 720, 3)
    with pytest.raises(BadInput, match="no style named"):
        preview.sample(None, asked | {"style": "nobody"}, Quiet())


# ---------------------------------------------------------------- sound


def test_ten_seconds_of_a_track(tmp_path: Path) -> None:
    out = tmp_path / "listens" / "1.m4a"
    told = listen.music(None, {"config": config(tmp_path), "track": "calm", "out": str(out)}, Quiet())
    assert told["seconds"] == 10 and told["title"]
    assert seconds(out) == pytest.approx(10, abs=0.1)
    assert -22 < measure(out).integrated < -14, "comfortable"
    samples = np.frombuffer(ffmpeg("-i", out, "-f", "f32le", "-ac", "1", "-ar", "48000", "-"), np.float32)
    assert np.abs(samples[-4800:]).max() < 0.1 * np.abs(samples).max(), "it is faded out"
    assert [p.name for p in out.parent.iterdir()] == ["1.m4a"]


def test_a_track_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        listen.music(
            None, {"config": config(tmp_path), "track": "x", "out": str(tmp_path / "a.m4a")}, Quiet()
        )
    assert caught.value.code == "music_unknown" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("spoken", "heard"), [(14.0, 10.0), (4.0, 4.0)])
def test_a_voice_is_cut_at_ten_seconds(tmp_path: Path, spoken: float, heard: float) -> None:
    wav, out = tmp_path / "speech.wav", tmp_path / "a.m4a"
    ffmpeg("-f", "lavfi", "-i", f"sine=300:d={spoken}", "-c:a", "pcm_f32le", wav)
    assert listen.sound(None, {"wav": str(wav), "out": str(out)}, Quiet())["seconds"] == pytest.approx(heard)
    assert seconds(out) == pytest.approx(heard, abs=0.1)


# ---------------------------------------------------------------- results


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of what is hard to encode, with sound."""
    made = tmp_path_factory.mktemp("results") / "20abcdef.mp4"
    noise = "testsrc2=s=270x480:r=25:d=4,noise=alls=20:allf=t"
    sound = ["-f", "lavfi", "-i", "sine=300:d=4", "-c:a", "aac", "-b:a", "128k"]
    tags = ["-metadata", "title=News", "-metadata", "comment=synthetic"]
    ffmpeg("-f", "lavfi", "-i", noise, *sound, *QUICK, "-crf", "22", "-pix_fmt", "yuv420p", *tags, made)
    Image.new("RGB", (720, 1280), "red").save(made.with_suffix(".jpg"))
    return made


def test_facts_of_a_result_and_a_thumbnail_of_its_shape(tmp_path: Path, video: Path) -> None:
    small = tmp_path / "results" / "thumb.jpg"
    asked = {"video": str(video), "cover": str(video.with_suffix(".jpg")), "thumbnail": str(small)}
    told = result.facts(None, asked, Quiet())
    assert (told["width"], told["height"], told["size"]) == (270, 480, video.stat().st_size)
    assert told["seconds"] == pytest.approx(4, abs=0.1)
    shown = picture(small)
    assert shown.shape == (320, 180, 3) and shown[..., 0].mean() > 200 and small.stat().st_size < 200_000
    for cover in (None, str(tmp_path / "gone.jpg")):
        result.facts(None, asked | {"cover": cover}, Quiet())
        assert picture(small)[..., 1].mean() > 50, "without a cover it is the first picture"


def test_the_width_is_that_which_is_seen(tmp_path: Path) -> None:
    wide = pattern(tmp_path / "wide.mp4", "-vf", "setsar=2", size="160x160", seconds=0.4)
    asked = {"video": str(wide), "cover": None, "thumbnail": str(tmp_path / "t.jpg")}
    told = result.facts(None, asked, Quiet())
    assert (told["width"], told["height"]) == (320, 160)
    assert picture(tmp_path / "t.jpg").shape == (160, 320, 3)


def test_the_sound_alone_is_copied(tmp_path: Path, video: Path) -> None:
    out = tmp_path / "sound.m4a"
    told = result.audio(None, {"video": str(video), "out": str(out)}, Quiet())
    assert told["seconds"] == pytest.approx(4, abs=0.1)

    def raw(path: Path) -> bytes:
        return ffmpeg("-i", path, "-vn", "-c:a", "copy", "-f", "adts", "-")

    assert raw(out) == raw(video), "not encoded once more"


@pytest.mark.parametrize("limit", [700_000, 90_000])
def test_a_copy_fits(tmp_path: Path, video: Path, limit: int) -> None:
    assert video.stat().st_size > limit
    out = tmp_path / "results" / "fit.mp4"
    steps: list[float] = []

    class Told(Quiet):
        def step(self, done: float, total: float) -> None:
            steps.append(done / total)

    asked = {"video": str(video), "out": str(out), "limit": limit}
    told = fit.fit(None, asked, Told())
    assert told["size"] == out.stat().st_size < limit
    assert out.stat().st_size > 0.5 * limit, "no smaller than it has to be"
    assert seconds(out) == pytest.approx(4, abs=0.2)
    assert steps and steps == sorted(steps), "ffmpeg's own time is the heartbeat"
    assert label.SOURCE_TYPE.encode() in out.read_bytes(), "it still says that it is synthetic"
    assert [p.name for p in out.parent.iterdir()] == ["fit.mp4"]
    with av.open(str(out)) as container:
        shape = container.streams.video[0]
        assert shape.width / shape.height == pytest.approx(270 / 480, abs=0.02)
        assert (shape.width < 270) == (limit < 200_000), "smaller only as far as the rate needs it"
        assert container.metadata["title"] == "News"
    before = out.stat().st_mtime_ns
    assert fit.fit(None, asked, Quiet()) == told and out.stat().st_mtime_ns == before, "made once"


def test_a_copy_that_came_out_too_large_is_made_again(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "MARGIN", 1.3)
    monkeypatch.setattr(fit, "AGAIN", 0.9)
    asked = {"video": str(video), "out": str(tmp_path / "fit.mp4"), "limit": 300_000}
    assert fit.fit(None, asked, Quiet())["size"] < 300_000


def test_hours_do_not_fit() -> None:
    assert fit.rates_for(60, 48e6).audio == 128_000
    assert fit.rates_for(3600, 48e6).audio == 32_000
    with pytest.raises(BadInput) as caught:
        fit.rates_for(3 * 3600, 48e6)
    assert caught.value.code == "result_too_large" and "180 minutes" in caught.value.message


# ---------------------------------------------------------------- choices


def test_what_there_is_to_choose_from(tmp_path: Path) -> None:
    music = tmp_path / "assets" / "music"
    music.mkdir(parents=True)
    (music / "mine.mp3").touch()
    asked = {"config": Config(data_dir=tmp_path, assets=tmp_path / "assets").model_dump(mode="json")}
    there = Choices.from_json(json.loads(json.dumps(choices.choices(None, asked, Quiet()))))
    assert there.engine == "espeak" and not there.tone
    assert "default" not in [c.name for c in there.voices] and len(there.voices) > 1
    assert "clean" in [c.name for c in there.subtitles] and "headline" in [c.name for c in there.titles]
    assert {"calm", "mine"} <= {c.name for c in there.music}


# ---------------------------------------------------------------- through a real process


def test_through_a_real_door(tmp_path: Path, video: Path) -> None:
    hosts = Hosts(Config(data_dir=tmp_path / "data"), lambda *_: None)
    try:
        asked: dict[str, Any] = {"config": config(tmp_path)}
        there = hosts.at_the_door("handlers.telegram.door.choices:choices", asked, Quiet())
        assert Choices.from_json(there).engine == "espeak"
        out = tmp_path / "fit.mp4"
        asked = {"video": str(video), "out": str(out), "limit": 300_000}
        assert hosts.aside("handlers.telegram.door.fit:fit", asked, Quiet())["size"] < 300_000
        with pytest.raises(BadInput) as caught:
            hosts.at_the_door("handlers.telegram.door.fit:fit", asked | {"out": "x", "limit": 1000}, Quiet())
        assert caught.value.code == "result_too_large"
    finally:
        hosts.close()
