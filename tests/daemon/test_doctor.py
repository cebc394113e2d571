"""doctor: it does the thing itself, and every trouble comes with its fix."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from daemon import doctor, gpu_checkup, lips_checkup
from daemon.config import Config
from daemon.finding import Finding
from models.errors import BadInput
from models.latentsync.files import Files, files_in
from models.sizes import size
from tests.daemon.conftest import Cli
from tests.handlers.inbox.rights import give_up_rights
from tests.models.latentsync.tiny import lay_models


def test_on_this_machine_everything_that_is_needed_is_here(cli: Cli) -> None:
    said = cli("doctor", "--json")
    findings = said.json
    assert said.code == 0, findings
    assert {f["state"] for f in findings} <= {"ok", "warn"}
    assert all(f["fix"] for f in findings if f["state"] != "ok")
    looked_at = {f["name"] for f in findings}
    wanted = {
        "config",
        "face tracking",
        "defaults",
        "ffmpeg",
        "encoder libx264 + aac",
        "fonts",
        "Chinese fonts",
        "GPU",
        "disk",
        "data folder",
        "speech engine",
        "lipsync engine",
    }
    assert wanted <= looked_at


def test_a_failure_is_exit_code_1_with_its_fix(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "lips", lambda: iter(()))  # it takes a second and is not asked for here
    (tmp_path / "vigentd.toml").write_text("[queue]\nmax_attempt = 5")
    said = cli("doctor")
    assert said.code == 1
    assert "fail config: queue.max_attempt" in said.out
    assert "Did you mean max_attempts?" in said.out
    assert "ok   ffmpeg" in said.out, "one trouble does not hide the rest"


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (finding,) = doctor.data_dir(Config(data_dir=tmp_path / "file" / "data"))
    assert finding.state == "fail" and "VIGENTD_DATA_DIR" in finding.fix


def test_a_missing_chinese_font_is_a_warning_with_the_package(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib

    latin_only = Path(str(matplotlib.get_data_path())) / "fonts" / "ttf" / "DejaVuSans.ttf"
    monkeypatch.setattr("pipeline.fonts.search_places", lambda _: [latin_only])
    latin, chinese = doctor.fonts(config)
    assert latin.state == "ok"
    assert chinese.state == "warn" and "fonts-noto-cjk" in chinese.fix


def test_an_ffmpeg_that_does_not_work_is_a_finding(monkeypatch: pytest.MonkeyPatch, config: Config) -> None:
    monkeypatch.setattr("pipeline.ffmpeg.executable", lambda: "/bin/false")
    (finding,) = doctor._guarded(doctor.ffmpeg)
    assert (finding.name, finding.state) == ("ffmpeg", "fail") and finding.fix


def test_a_broken_configuration_is_the_first_finding() -> None:
    def broken() -> Config:
        raise BadInput("queue.x is not a key", hint="Did you mean y?")

    first = doctor._config_finding(broken)[0]
    assert (first.state, first.fix) == ("fail", "Did you mean y?")


@pytest.mark.parametrize("folder", ["/proc", "/proc/no/data"])
def test_a_disk_that_cannot_be_written_is_not_called_full(folder: str) -> None:
    (finding,) = doctor.disk(Config(data_dir=Path(folder)))
    assert finding.state == "warn" and "GB" not in finding.found and "space" not in finding.fix


def test_a_disk_with_too_little_room_says_how_much_is_wanted(tmp_path: Path) -> None:
    (finding,) = doctor.disk(Config.model_validate({"data_dir": tmp_path, "disk": {"min_free": "900 TB"}}))
    assert finding.state == "fail" and finding.found.endswith("begun with 900000.0 GB or more")


@pytest.mark.parametrize("name", ["voice", "subtitles", "title_style", "music"])
def test_a_default_that_no_job_could_have(tmp_path: Path, name: str) -> None:
    config = Config.model_validate({"data_dir": tmp_path / "data", "defaults": {name: "nope"}})
    (failed,) = doctor.defaults(config)
    assert failed.state == "fail"
    assert failed.name == f"defaults.{name}" and f"defaults.{name}" in failed.fix


def test_the_persons_own_assets_are_looked_at(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path / "data", assets=tmp_path / "assets")
    (missing,) = doctor.styles(config)
    assert missing.state == "fail" and str(tmp_path / "assets") in missing.found and missing.fix
    (tmp_path / "assets" / "styles").mkdir(parents=True)
    (fine,) = doctor.styles(config)
    assert fine.state == "ok"
    (tmp_path / "assets" / "styles" / "title.json").write_text("{")
    (broken,) = doctor._guarded(partial(doctor.styles, config))
    assert broken.state == "fail" and "title.json" in broken.found and broken.fix


def test_inboxes_and_what_their_jobs_get(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    inboxes: list[dict[str, Any]] = [
        {"name": "there", "path": tmp_path / "there", "preset": {"music": "klam", "voice": "default"}},
        {"name": "new", "path": tmp_path / "new"},
        {"name": "alone", "path": tmp_path / "alone", "presenter": tmp_path / "anna.mp4"},
    ]
    config = Config.model_validate({"data_dir": tmp_path / "data", "inbox": inboxes})
    found = {finding.name: finding for finding in doctor.inboxes(config)}
    assert found["inbox there"].state == "ok" and found["inbox new"].state == "warn"
    music = found["inbox there: preset music"]
    assert music.state == "fail" and "klam" in music.found
    assert "anna.mp4" in found["inbox alone"].found and found["inbox alone"].fix
    assert len(found) == 4


def test_targets_are_looked_at_and_not_reached_for(tmp_path: Path) -> None:
    targets = [
        {"name": "site", "kind": "folder", "path": "/nowhere"},
        {"name": "red", "kind": "folder", "path": "/nowhere", "colour": "red"},
    ]
    config = Config.model_validate({"data_dir": tmp_path / "data", "publish": {"target": targets}})
    site, red = doctor.targets(config)
    assert site.state == "ok" and "vigentd publish check site" in site.found
    assert red.state == "fail" and "colour is no key" in red.found and red.fix


# ---------------------------------------------------------------- the lip-sync engine


def lips(folder: Path, **lipsync: Any) -> dict[str, Finding]:
    """The findings about a configuration, by name; weights are in `folder`/models."""
    config = Config.model_validate({"data_dir": folder, "lipsync": lipsync})
    return {
        finding.name: finding for finding in doctor._guarded(partial(lips_checkup.lipsync_engine, config))
    }


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("laid")
    lay_models(folder)
    return folder


@pytest.fixture
def weights(laid: Path, tmp_path: Path) -> Files:
    """Of tiny networks, in tmp_path/models."""
    return files_in(Path(shutil.copytree(laid, tmp_path / "models")))


def test_the_engine_that_will_serve_and_why_not_the_real_one(tmp_path: Path) -> None:
    (draft,) = lips(tmp_path, device="cpu").values()
    assert draft.state == "warn" and "(mouthwarp): lipsync.device is cpu" in draft.found
    assert "cuda:0" in draft.fix
    (chosen,) = lips(tmp_path, engine="mouthwarp", guidance=3, alignment="insightface").values()
    assert (chosen.state, chosen.found) == ("ok", "mouthwarp")
    (absent,) = lips(tmp_path, engine="latentsync", device="cpu").values()
    assert (absent.name, absent.state) == ("lipsync engine", "fail")
    assert f"weights are not in {tmp_path / 'models'}: LatentSync-1.6/latentsync_unet.pt" in absent.found


def test_the_files_of_weights_and_their_sizes(tmp_path: Path, weights: Files) -> None:
    found = lips(tmp_path, engine="latentsync", device="cpu")
    assert found["lipsync engine"].state == "warn", "a CPU is slow"
    there, unet = found["lipsync weights"], size(weights.unet.stat().st_size)
    assert there.state == "ok" and f"latentsync_unet.pt {unet}" in there.found and "0.0" not in there.found
    assert set(found) == {"lipsync engine", "lipsync weights"}
    weights.vae_weights.unlink()
    some = lips(tmp_path)["lipsync weights"]
    assert some.state == "warn"
    assert some.found.endswith("but not sd-vae-ft-mse/diffusion_pytorch_model.safetensors")


def test_a_file_of_weights_that_is_something_else(tmp_path: Path, weights: Files) -> None:
    """Where the engine will serve, no job can be made; where the draft one does, it is as well to know."""
    weights.whisper.write_bytes(b"<!DOCTYPE html><html>404</html>")
    for engine, state in (("latentsync", "fail"), ("auto", "warn")):
        wrong = lips(tmp_path, engine=engine, device="cpu")["lipsync weights"]
        assert wrong.state == state and wrong.fix.startswith("Run `vigentd models verify`")
        assert wrong.found.startswith(f"{weights.whisper} is not a checkpoint")
        assert wrong.found.endswith("found a web page")


def test_weights_in_a_folder_that_may_not_be_entered(tmp_path: Path, weights: Files) -> None:
    closed = tmp_path / "models"
    closed.chmod(0)
    with ThreadPoolExecutor(1, initializer=give_up_rights) as somebody:
        by_name, auto = (
            somebody.submit(lips, tmp_path, engine=engine, device="cpu").result()
            for engine in ("latentsync", "auto")
        )
    closed.chmod(0o700)
    (refused,) = by_name.values()
    assert (refused.name, refused.state) == ("lipsync engine", "fail")
    assert refused.found.endswith(f"cannot run here: {closed} cannot be read: Permission denied")
    assert "right to read" in refused.fix
    assert auto["lipsync engine"].state == auto["lipsync weights"].state == "warn"
    assert auto["lipsync weights"].found == f"{closed} cannot be read: Permission denied"


@pytest.mark.usefixtures("weights")
def test_what_is_set_but_will_not_look_good_or_cannot_run(tmp_path: Path) -> None:
    found = lips(tmp_path, engine="latentsync", device="cpu", guidance=2.8)
    assert found["lipsync guidance"].state == "warn" and "2.8" in found["lipsync guidance"].found
    found = lips(tmp_path, engine="latentsync", device="cpu", guidance=2.5)
    assert "lipsync guidance" not in found
    if find_spec("insightface") is None:
        (refused,) = lips(tmp_path, engine="latentsync", device="cpu", alignment="insightface").values()
        assert refused.state == "fail" and refused.found.endswith("and insightface is not installed")
        assert "bin/pip install insightface onnxruntime-gpu" in refused.fix and "mediapipe" in refused.fix


def test_looking_at_face_tracking_leaves_nothing_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (found,) = doctor.lips()
    assert found.state == "ok" and "mediapipe 0." in found.found
    assert list(tmp_path.iterdir()) == []


def test_torch_is_tried_on_the_device_in_a_process_of_its_own() -> None:
    """A device that no machine has; the error is torch's, and the last line of it."""
    found = gpu_checkup.on_its_gpu("lipsync device cuda:99", "cuda:99")
    assert found.state == "fail" and found.fix
    assert found.name == "lipsync device cuda:99"
    assert "Traceback" not in found.found and "\n" not in found.found
