"""The configuration: where it is found, and that every mistake in it is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ByteSize, SecretStr

from daemon.config import Config, DiskSettings
from daemon.config_file import LISTS, Loaded, keys, load, variable
from models.errors import BadInput
from pipeline.spec import JobSpec, Settings


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "vigentd.toml"
    file.write_text(text, "utf-8")
    return file


def refused(named: Path | None = None) -> BadInput:
    with pytest.raises(BadInput) as caught:
        load(named)
    return caught.value


def test_without_a_file_everything_has_a_default() -> None:
    config = load().config
    assert config.data_dir == Path("~/.local/share/vigentd").expanduser()
    assert config.queue.max_attempts == 3
    assert config.settings == Settings(weights=config.weights, voices=config.voices)


def test_job_defaults_are_those_of_a_job() -> None:
    """A default that is changed in JobSpec but not here would silently win or lose."""
    defaults = Config().defaults.model_dump()
    assert defaults == {name: JobSpec.model_fields[name].default for name in defaults}


def test_the_first_file_in_the_usual_order_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "home" / ".config" / "vigentd", "[queue]\nmax_attempts = 4")
    assert load().config.queue.max_attempts == 4
    written(tmp_path, "[queue]\nmax_attempts = 5")
    assert load().config.queue.max_attempts == 5
    by_variable = written(tmp_path / "a", "[queue]\nmax_attempts = 6")
    monkeypatch.setenv("VIGENTD_CONFIG", str(by_variable))
    assert load().config.queue.max_attempts == 6
    assert load(written(tmp_path / "b", "[queue]\nmax_attempts = 7")).config.queue.max_attempts == 7


def test_where_we_may_not_look_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo -u vigentd vigentd …` in an administrator's own home."""
    look = Path.is_file

    def is_file(path: Path) -> bool:
        if path.parent == tmp_path:
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    monkeypatch.chdir(tmp_path)
    assert load(None).file is None
    with pytest.raises(BadInput, match="does not exist"):
        load(Path("named.toml"))


def test_a_file_that_was_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(named=tmp_path / "no.toml").code == "config_missing"
    monkeypatch.setenv("VIGENTD_CONFIG", "nowhere.toml")
    assert "$VIGENTD_CONFIG" in refused().message


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[queue]\nmax_attempts = 5\n[video]\ncrf = 20")
    monkeypatch.setenv("VIGENTD_QUEUE__MAX_ATTEMPTS", "9")
    config = load().config
    assert (config.queue.max_attempts, config.video.crf) == (9, 20)


@pytest.mark.parametrize("key", [key for key in keys(Config) if key not in LISTS], ids=".".join)
def test_every_key_can_be_set_by_environment(key: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"data_dir": "/d", "assets": "/a", "language": "zh", "face": "left", "encoder": "x264"}
    given |= {"preset": "slow", "loudness": "-16", "true_peak": "-2", "photo_max": "512", "lead_s": "0.5"}
    given |= {"overlap": "true", "device": "cuda:1", "format": "json", "level": "debug"}
    given |= {"token": "123456:abcdefghij", "token_file": "/t", "local_mode": "true"}
    given |= {"base_url": "http://here/bot", "base_file_url": "http://here/file/bot"}
    given |= {"folder": "/m", "fps": "25", "guidance": "2.5", "precision": "bf16", "compile": "false"}
    given |= {"audio_windows": "reference", "alignment": "insightface", "address": "auto"}
    given |= {"attention": "flash", "verify": "true", "model": "tiny" if key[0] == "whisper" else "0.6B-Base"}
    number_or_text = "espeak" if key == ("speech", "engine") else "mouthwarp" if key[-1] == "engine" else "1"
    value = given.get(key[-1], number_or_text)
    monkeypatch.setenv(variable(key), value)
    loaded = load()
    found: object = loaded.config
    for part in key:
        found = getattr(found, part)
    if isinstance(found, SecretStr):
        found = found.get_secret_value()
    assert str(found) in (value, f"{value}.0", value.capitalize(), f"({value},)")
    assert loaded.places[key] == variable(key)


def test_weights_lie_in_the_data_folder_or_where_it_is_said(tmp_path: Path) -> None:
    assert Config(data_dir=tmp_path / "d").weights == tmp_path / "d" / "models"
    file = written(tmp_path / "etc", '[models]\nfolder = "weights"')
    assert load(file).config.weights == tmp_path / "etc" / "weights"
    assert load(written(tmp_path, '[models]\nfolder = ""')).config.models.folder is None


def test_the_pipeline_knows_where_weights_and_voices_lie(tmp_path: Path) -> None:
    """Who speaks, and with which voices, is chosen by what lies there."""
    config = load(written(tmp_path, 'data_dir = "d"\n[models]\nfolder = "/m"')).config
    assert config.settings.weights == config.weights == Path("/m")
    assert config.settings.voices == config.voices == tmp_path / "d" / "voices"


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ("tries = 0", "speech.tries should be greater than or equal to 1, not 0"),
        ("tries = 11", "speech.tries should be less than or equal to 10, not 11"),
        ("tries = true", "speech.tries should be a number"),
        ("max_error = 1.5", "speech.max_error should be less than or equal to 1, not 1.5"),
        ("max_error = nan", "speech.max_error"),
        ('sentence_cache = "much"', "speech.sentence_cache should be a size"),
        ('model = "1.7B"', "speech.model should be '1.7B-Base', '1.7B-CustomVoice'"),
        ('precision = "int8"', "speech.precision should be 'auto', 'bf16', 'fp16' or 'fp32'"),
    ],
)
def test_what_speech_cannot_be(tmp_path: Path, speech: str, expected: str) -> None:
    assert refused(written(tmp_path, f"[speech]\n{speech}")).message.startswith(expected)


def test_what_the_hosts_are_sent_is_what_was_set(tmp_path: Path) -> None:
    """Settings travel as JSON to the hosts, the configuration to the door."""
    text = "[lipsync]\nfps = 25\npresenter_cache = '1500MB'\nguidance = 2\n[models]\nfolder = '/m'"
    config = load(written(tmp_path, text)).config
    assert Config(**config.model_dump(mode="json")) == config
    assert Settings.model_validate(config.settings.model_dump(mode="json")) == config.settings


@pytest.mark.parametrize("size", [0, 1, 1000, 1_234_567_890, 16_000_000_000, 384 * 2**20])
def test_a_size_is_shown_as_it_can_be_read_again(tmp_path: Path, size: int) -> None:
    shown = Config(disk=DiskSettings(min_free=ByteSize(size))).model_dump(mode="json")["disk"]["min_free"]
    assert load(written(tmp_path, f'[disk]\nmin_free = "{shown}"')).config.disk.min_free == size


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "etc", 'data_dir = "d"\nassets = "own"\n[defaults]\nmusic = "tunes/a.mp3"')
    config = load(file).config
    assert config.data_dir == tmp_path / "etc" / "d"
    assert config.assets == tmp_path / "etc" / "own"
    assert config.defaults.music == str(tmp_path / "etc" / "tunes" / "a.mp3")


def test_a_track_by_name_stays_a_name(tmp_path: Path) -> None:
    assert load(written(tmp_path, '[defaults]\nmusic = "calm"')).config.defaults.music == "calm"


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ("[queue]\n\nmax_attempt = 3", 3, "queue.max_attempt is not", "max_attempts"),
        ("[qeue]\nmax_attempts = 3", 1, "qeue is not", "queue"),
        ('# a note\nmark = "AI"', 2, "mark is not", "video.mark"),
        ("[video]\ncrf = 99", 2, "video.crf should be less than or equal to 40, not 99", ""),
        ("video.crf = 99", 1, "video.crf should be", ""),
        ('[video]\npreset = "fast"\nencoder = "gpu"', 3, "'auto', 'nvenc' or 'x264', not 'gpu'", ""),
        ("queue = 5", 1, "queue is a section", ""),
        ('[disk]\nmin_free = "5 gigs"', 2, "disk.min_free should be a size, such as 5GB", ""),
        ("[disk]\nwork_size = -1", 2, "disk.work_size should be a size", ""),
        ("[disk]\nwork_size = true", 2, "disk.work_size should be a size", ""),
        ("[disk]\nwork_days = -1", 2, "disk.work_days should be greater than or equal to 0", ""),
        ('[log]\nlevel = "loud"', 2, "log.level should be 'debug', 'info'", ""),
        ("[lipsync]\nsteps = 0", 2, "lipsync.steps should be greater than or equal to 1, not 0", ""),
        ("[lipsync]\nsteps = 51", 2, "lipsync.steps should be less than or equal to 50", ""),
        ("[lipsync]\nguidance = 0.5", 2, "lipsync.guidance should be greater than or equal to 1", ""),
        ("[lipsync]\nguidance = 3.5", 2, "lipsync.guidance should be less than or equal to 3", ""),
        ("[lipsync]\nguidance = nan", 2, "lipsync.guidance should be a finite number", ""),
        ("[lipsync]\ndeepcache_interval = 11", 2, "lipsync.deepcache_interval should be less", ""),
        ("[lipsync]\ndeepcache_interval = -1", 2, "lipsync.deepcache_interval should be greater", ""),
        ('[lipsync]\nprecision = "fp8"', 2, "lipsync.precision should be 'auto', 'fp16'", ""),
        ('[lipsync]\naudio_windows = "cut"', 2, "should be 'overlapped' or 'reference'", ""),
        ('[lipsync]\nalignment = "dlib"', 2, "should be 'mediapipe' or 'insightface'", ""),
        ("[lipsync]\nfps = 30", 2, "lipsync.fps should be 'clip' or 25, not 30", ""),
        ('[lipsync]\npresenter_cache = "much"', 2, "presenter_cache should be a size, such as 5GB", ""),
        ('[lipsync]\ncompile = "maybe"', 2, "lipsync.compile should be true or false", ""),
        ('[lipsync]\ndevice = "gpu1"', 2, "lipsync.device should be cpu, cuda:0", ""),
        ("[disk]\nwork_days = inf", 2, "disk.work_days should be a finite number", ""),
        ("data_dir = 3", 1, "data_dir should be a path, not 3", ""),
        ("[queue]\nmax_attempts = ", 2, "not valid TOML", ""),
        ('mark = "AI', 1, "not valid TOML", ""),
    ],
)
def test_a_mistake_in_the_file_is_named_with_key_and_line(
    tmp_path: Path, text: str, line: int, words: str, hint: str
) -> None:
    file = written(tmp_path, text)
    error = refused()
    assert error.code == "config_invalid"
    assert words in error.message
    assert f"{file}:{line}" in error.message
    assert hint in error.hint
    assert "\n" not in error.message


def test_a_mistake_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENTD_QUEUE__MAX_ATTEMPTS", "none")
    assert "VIGENTD_QUEUE__MAX_ATTEMPTS" in refused().message
    monkeypatch.delenv("VIGENTD_QUEUE__MAX_ATTEMPTS")
    monkeypatch.setenv("VIGENTD_QUEUE__MAX_ATTEMPT", "4")
    error = refused()
    assert "VIGENTD_QUEUE__MAX_ATTEMPT " in error.message
    assert "VIGENTD_QUEUE__MAX_ATTEMPTS" in error.hint


def test_an_empty_data_dir_is_not_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENTD_DATA_DIR", "")
    assert "VIGENTD_DATA_DIR" in refused().message


class WithSecret(Config):
    token: SecretStr = SecretStr("")


def test_a_secret_is_neither_shown_nor_quoted_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENTD_TOKEN", "123:abc")
    loaded: Loaded = load(model=WithSecret)
    assert "123:abc" not in str(loaded.config.model_dump(mode="json"))
    assert "123:abc" not in repr(loaded)


def test_a_bad_secret_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(written(tmp_path, "token = 123456"), WithSecret)
    assert "token" in caught.value.message
    assert "123456" not in caught.value.message
